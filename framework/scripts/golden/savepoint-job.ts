/**
 * The job whose savepoints are kept, one per released format: every kind of state, timers, windows and a broadcast.
 *
 * Owns the program and what it is fed before and after. Neither ever changes: a savepoint of an old format is of this program.
 */
import { job, type Job } from "../../api/job.ts";
import { fromArray } from "../../connectors/memory.ts";
import { print } from "../../connectors/print.ts";
import { average } from "../../operator/aggregates.ts";
import { aggregating } from "../../operator/aggregating.ts";
import { list, map, reducing, value } from "../../state/descriptors.ts";
import type { TestJob } from "../../testing/test-job.ts";
import { tumbling } from "../../window/assigner.ts";
import { session } from "../../window/session.ts";

interface Item {
  readonly at: number;
  readonly key: string;
  readonly n: number;
}

/** Name of the savepoint. */
export const savepointName = "golden";
/** Partitions of the job that it was taken of. */
export const partitionsBefore = 4;

/** The program. */
export function savepointJob(): Job {
  const program = job("golden-savepoint");
  const limits = program.source("limits", fromArray<{ readonly least: number }>([]));
  const items = program.source("items", fromArray<Item>([])).timestamps((item) => item.at);
  const byKey = items.keyBy((item) => item.key);
  byKey
    .process({
      state: {
        last: value<Item>(),
        all: list<number>(),
        seen: map<string, number>({ ttl: "100ms" }),
        sum: reducing((a: number, b: number) => a + b),
        mean: aggregating(average((item: Item) => item.n)),
      },
      process(item, { state, timers }) {
        state.last.set(item);
        state.all.append(item.n);
        state.seen.set(`k${item.n % 3}`, item.at);
        state.sum.add(item.n);
        state.mean.add(item);
        timers.onEventTime(item.at + 25);
      },
      onTimer: (time, { key, state }) => [
        [
          key,
          time,
          state.last.get(),
          [...state.all.values()],
          [...state.seen.entries()],
          state.sum.get(),
          state.mean.get(),
        ],
      ],
    })
    .named("states")
    .to(print("states"));
  byKey
    .window(tumbling("20ms"))
    .aggregate(average((item) => item.n))
    .named("averages")
    .to(print("averages"));
  byKey
    .window(session("6ms"))
    .process({ process: (all, { key }) => [[key, all.map(({ n }) => n)]] })
    .named("visits")
    .to(print("visits"));
  byKey
    .connect(limits.broadcast())
    .process({
      rules: value<number>(),
      process: ({ key, n }, { rules }) => (n >= (rules.get() ?? 0) ? [[key, n]] : []),
      onBroadcast({ least }, { rules }) {
        rules.set(least);
      },
    })
    .named("alarms")
    .to(print("alarms"));
  return program;
}

/** What the job is fed: part 0 before the savepoint, part 1 behind it. */
export async function feedPart(t: TestJob, part: number): Promise<void> {
  if (part === 0) await t.feed("limits", [{ least: 7 }]);
  const items = Array.from({ length: 60 }, (_, at) => ({
    at: part * 60 + at,
    key: `key ${(at * 7 + part) % 11}`,
    n: (at * 5) % 13,
  }));
  await t.feed("items", items);
  await t.watermark("items", part * 60 + 45);
}

/** Everything that the job has said since the last time, whatever partition said it. */
export function saidBy(t: TestJob): readonly string[] {
  const rows = ["states", "averages", "visits", "alarms"].flatMap((sink) => t.take(sink));
  return rows.map((row) => JSON.stringify(row)).toSorted();
}
