/**
 * Windows per key, tumbling or sliding, and their totals behind a second exchange.
 *
 * The splits are in order (or no more out of order than the program says), so nothing is late, and every window has exactly its records.
 */
import { job } from "../../../api/job.ts";
import type { Aggregate } from "../../../operator/aggregates.ts";
import { value } from "../../../state/descriptors.ts";
import { sliding, tumbling } from "../../../window/assigner.ts";
import type { SimulatedRecord, Workload } from "../contract.ts";
import { differences } from "./comparing.ts";
import { drawInput } from "./records.ts";

interface Content {
  readonly ids: readonly number[];
  readonly sum: number;
}

const content: Aggregate<SimulatedRecord, Content, Content> = {
  create: () => ({ ids: [], sum: 0 }),
  add: ({ ids, sum }, { id, n }) => ({ ids: [...ids, id], sum: sum + n }),
  result: ({ ids, sum }) => ({ ids: ids.toSorted((a, b) => a - b), sum }),
};

/** Windows and totals. */
export const windows: Workload = {
  name: "windows",
  draw(bench) {
    const { random } = bench;
    const disorderMs = random.below(3) === 0 ? 200 + random.below(800) : 0;
    const { records, splits } = drawInput(bench, { disorderMs });
    const sizeMs = [500, 1_000, 1_700][random.below(3)] ?? 1_000;
    const slideMs = random.below(3) === 0 ? Math.floor(sizeMs / 2) : sizeMs;
    const [perWindow, totals] = [bench.sink("windows"), bench.sink("totals")];
    const program = job("windows");
    const results = program
      .source("records", bench.source(splits).spec)
      .timestamps((record) => record.at, { outOfOrderness: disorderMs, idleTimeout: Infinity })
      .keyBy((record) => record.key)
      .window(slideMs === sizeMs ? tumbling(sizeMs) : sliding(sizeMs, slideMs))
      .aggregate(content)
      .named("sums");
    results.to(perWindow.spec);
    results
      .keyBy((result) => result.window.start)
      .process({
        state: { sum: value<number>() },
        process(result, { state, timers }) {
          state.sum.set((state.sum.get() ?? 0) + result.value.sum);
          timers.onEventTime(result.window.end);
        },
        onTimer: (time, { key, state }) => [{ start: key, end: time, sum: state.sum.get() }],
      })
      .named("totals")
      .to(totals.spec);
    const expected = reference(records, sizeMs, slideMs);
    return {
      job: program,
      sinks: [perWindow, totals],
      check: ({ late }) => [
        ...differences(
          "O1",
          "windows",
          perWindow.rows().map((row) => row.value),
          expected,
        ),
        ...differences(
          "O1",
          "totals",
          totals.rows().map((row) => row.value),
          totalsOf(expected, sizeMs),
        ),
        ...differences(
          "O4",
          "late records",
          late.map((record) => record.value),
          [],
        ),
      ],
    };
  },
};

interface Result {
  readonly key: SimulatedRecord["key"];
  readonly window: { readonly start: number; readonly end: number };
  readonly value: Content;
}

function reference(records: readonly SimulatedRecord[], sizeMs: number, slideMs: number): readonly Result[] {
  const groups = new Map<
    string,
    { readonly key: SimulatedRecord["key"]; readonly start: number; of: SimulatedRecord[] }
  >();
  for (const record of records) {
    for (let start = Math.floor(record.at / slideMs) * slideMs; start > record.at - sizeMs; start -= slideMs) {
      const name = `${typeof record.key} ${JSON.stringify(record.key)} ${start}`;
      const group = groups.get(name) ?? { key: record.key, start, of: [] };
      groups.set(name, group);
      group.of.push(record);
    }
  }
  return [...groups.values()].map(({ key, start, of }) => ({
    key,
    window: { start, end: start + sizeMs },
    value: { ids: of.map(({ id }) => id).toSorted((a, b) => a - b), sum: of.reduce((sum, { n }) => sum + n, 0) },
  }));
}

function totalsOf(results: readonly Result[], sizeMs: number): readonly unknown[] {
  const sums = new Map<number, number>();
  for (const { window, value: of } of results) sums.set(window.start, (sums.get(window.start) ?? 0) + of.sum);
  return [...sums].map(([start, sum]) => ({ start, end: start + sizeMs, sum }));
}
