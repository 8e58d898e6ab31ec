/**
 * Timers: records of a key are collected in keyed state until a timer of event time lets them go; a timer of processing time may let them go before.
 *
 * Whenever the timers fire: every record leaves once, and what a timer of event time finds is what nobody has taken before.
 */
import { job } from "../../../api/job.ts";
import { map, value } from "../../../state/descriptors.ts";
import type { SimulatedRecord, Workload } from "../contract.ts";
import { deadIds, differences } from "./comparing.ts";
import { drawInput, poison } from "./records.ts";

const spanMs = 1_000;

interface Released {
  readonly key: unknown;
  readonly end: number;
  readonly ids: readonly number[];
}

/** Timers and map state, and steps that throw when they have changed everything. */
export const timing: Workload = {
  name: "timing",
  draw(bench) {
    const { records, splits } = drawInput(bench);
    const isHurried = bench.random.below(2) === 0;
    const sink = bench.sink("out");
    const program = job("timing");
    program
      .source("records", bench.source(splits).spec)
      .timestamps((record) => record.at, { idleTimeout: Infinity })
      .keyBy((record) => record.key)
      .process({
        state: { waiting: map<string, number>(), count: value<number>() },
        process(record, { state, timers, timestamp, now, random }) {
          const end = endOf(timestamp);
          state.waiting.set(`${end} ${record.id}`, record.id);
          state.count.set((state.count.get() ?? 0) + 1);
          timers.onEventTime(end);
          if (isHurried) timers.onProcessingTime(now() + 100 + Math.floor(random() * 2_000));
          // What the step has done by now is undone: state, timers and the random draw.
          if (isPoison(record)) throw poison(record);
        },
        onTimer(time, { key, state, domain }): readonly Released[] {
          const due = [...state.waiting.entries()].filter(([name]) => domain === "processing" || endIn(name) <= time);
          for (const [name] of due) state.waiting.delete(name);
          if (due.length === 0) return [];
          const ids = due.map(([, id]) => id).toSorted((a, b) => a - b);
          return [{ key, end: domain === "processing" ? 0 : time, ids }];
        },
      })
      .named("timers")
      .to(sink.spec);
    const good = records.filter((record) => !isPoison(record));
    return {
      job: program,
      sinks: [sink],
      check: ({ deadLetters }) => {
        const released = sink.rows().map((row) => row.value as Released);
        return [
          ...differences(
            "O2",
            "records by id",
            released.flatMap(({ ids }) => ids),
            good.map(({ id }) => id),
          ),
          ...differences(
            "O2",
            "dead letters",
            deadIds(deadLetters),
            records.filter(isPoison).map(({ id }) => id),
          ),
          ...(isHurried ? [] : differences("O1", "timers", released, reference(good))),
        ];
      },
    };
  },
};

const isPoison = ({ n }: SimulatedRecord) => n % 13 === 0;

function endOf(timestamp: number): number {
  return (Math.floor(timestamp / spanMs) + 1) * spanMs;
}

function endIn(name: string): number {
  return Number(name.slice(0, name.indexOf(" ")));
}

function reference(records: readonly SimulatedRecord[]): readonly Released[] {
  const groups = new Map<string, { readonly key: unknown; readonly end: number; readonly ids: number[] }>();
  for (const { id, key, at } of records) {
    const name = `${typeof key} ${JSON.stringify(key)} ${endOf(at)}`;
    const group = groups.get(name) ?? { key, end: endOf(at), ids: [] };
    groups.set(name, group);
    group.ids.push(id);
  }
  return [...groups.values()].map(({ key, end, ids }) => ({ key, end, ids: ids.toSorted((a, b) => a - b) }));
}
