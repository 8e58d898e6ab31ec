/**
 * Asynchronous calls and batch turns (R14): records that somebody outside is asked about, windows of the answers, and a batch turn over the windows.
 *
 * Who is asked answers differently each time, and late, or not at all at first: what comes out must be what was logged first, whatever is said again.
 */
import { job } from "../../../api/job.ts";
import { tumbling } from "../../../window/assigner.ts";
import type { Bench, SimulatedRecord, Workload } from "../contract.ts";
import { deadIds, differences } from "./comparing.ts";
import { drawInput } from "./records.ts";

const sizeMs = 1_000;

interface Answered extends SimulatedRecord {
  readonly answer: number;
}

interface Content {
  readonly ids: readonly number[];
  readonly answers: readonly number[];
}

const isRefused = ({ n }: SimulatedRecord) => n % 13 === 0;

/** Calls, windows and batches. */
export const asking: Workload = {
  name: "asking",
  draw(bench) {
    const { random } = bench;
    const { records, splits } = drawInput(bench, { count: 20 + random.below(60) });
    const [answers, batches] = [bench.sink("answers"), bench.sink("batches")];
    const program = job("asking");
    const answered = program
      .source("records", bench.source(splits).spec)
      .timestamps((record) => record.at, { idleTimeout: Infinity })
      .mapAsync(calleeOf(bench), {
        order: random.below(2) === 0 ? "ordered" : "unordered",
        capacity: 1 + random.below(6),
        timeout: "10m",
        retry: { attempts: 5, timeout: 500, backoff: 20 },
        resultBytes: 1_024,
      })
      .named("ask");
    answered.to(answers.spec);
    answered
      .keyBy((record) => record.key)
      .window(tumbling(sizeMs))
      .aggregate<Content, Content>({
        create: () => ({ ids: [], answers: [] }),
        add: (content, { id, answer }) => ({ ids: [...content.ids, id], answers: [...content.answers, answer] }),
        result: ({ ids, answers: all }) => ({ ids: ids.toSorted((a, b) => a - b), answers: all }),
      })
      .named("windows")
      .mapBatch({
        deterministic: true,
        version: "1",
        run: async (windows) => {
          await bench.later(windows.length % 5);
          return windows.map(({ key, window, value }) => ({ key, start: window.start, ids: value.ids }));
        },
      })
      .to(batches.spec);
    const kept = records.filter((record) => !isRefused(record));
    return {
      job: program,
      sinks: [answers, batches],
      check: ({ deadLetters, late }) => [
        ...differences("O2", "answered ids", idsOf(answers.rows()), idsOf(kept.map((value) => ({ value })))),
        ...differences(
          "O2",
          "dead letters",
          deadIds(deadLetters),
          records.filter(isRefused).map(({ id }) => id),
        ),
        ...differences(
          "O1",
          "batches",
          batches.rows().map((row) => row.value),
          reference(kept),
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

/** Answers with a number that it gives only once; the first try of some calls hangs, that of others fails. */
function calleeOf(bench: Bench): (record: SimulatedRecord) => Promise<Answered> {
  const asked = new Set<number>();
  const latencyMsMax = [5, 50, 400][bench.random.below(3)] ?? 50;
  const moods = bench.random.fork("callee");
  let answer = 0;
  return async (record) => {
    const isFirst = !asked.has(record.id);
    asked.add(record.id);
    const mood = moods.below(8);
    answer += 1;
    const own = answer;
    await bench.later(moods.below(latencyMsMax));
    if (isRefused(record)) throw new Error(`record ${record.id} is refused`);
    if (isFirst && mood === 0) await bench.later(2_000);
    if (isFirst && mood === 1) throw new Error("not now");
    return { ...record, answer: own };
  };
}

function idsOf(rows: readonly { readonly value: unknown }[]): readonly number[] {
  return rows.map(({ value }) => (value as SimulatedRecord).id);
}

function reference(records: readonly SimulatedRecord[]): readonly unknown[] {
  const groups = new Map<string, { readonly key: unknown; readonly start: number; readonly ids: number[] }>();
  for (const { id, key, at } of records) {
    const start = Math.floor(at / sizeMs) * sizeMs;
    const name = `${typeof key} ${JSON.stringify(key)} ${start}`;
    const group = groups.get(name) ?? { key, start, ids: [] };
    groups.set(name, group);
    group.ids.push(id);
  }
  return [...groups.values()];
}
