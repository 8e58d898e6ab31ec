/**
 * More timers due at one watermark than fire in one slice, each with a record for the windows of the next stage.
 *
 * The watermark is behind what the last of them has said (R10): a stage that spoke of it after the first slice would make the rest late.
 */
import { job } from "../../../api/job.ts";
import { tumbling } from "../../../window/assigner.ts";
import type { SimulatedRecord, Workload } from "../contract.ts";
import { differences } from "./comparing.ts";
import { drawInput } from "./records.ts";

const timersEach = 40;
/** What one slice says takes several frames. */
const ballast = "-".repeat(400);
const sizeMs = 50;
/** Behind all input: they are due together, when the input has ended. */
const firstMs = 10_000;

/** Many timers at once. */
export const flooding: Workload = {
  name: "flooding",
  draw(bench) {
    const { records, splits } = drawInput(bench, { count: 20 + bench.random.below(10) });
    const sink = bench.sink("windows");
    const program = job("flooding");
    program
      .source("records", bench.source(splits).spec)
      .timestamps((record) => record.at, { idleTimeout: Infinity })
      .keyBy(() => "all")
      .process({
        process: (record, { timers }) => {
          for (const time of timesOf(record)) timers.onEventTime(time);
        },
        onTimer: (time) => [{ time, ballast }],
      })
      .named("timers")
      .keyBy(({ time }) => time % 3)
      .window(tumbling(sizeMs))
      .aggregate<readonly number[], readonly number[]>({
        create: () => [],
        add: (times, { time }) => [...times, time],
        result: (times) => times,
      })
      .named("windows")
      .to(sink.spec);
    return {
      job: program,
      sinks: [sink],
      check: ({ late }) => [
        ...differences(
          "O2",
          "timers",
          sink.rows().flatMap((row) => (row.value as { readonly value: readonly number[] }).value),
          records.flatMap(timesOf),
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

function timesOf({ id }: SimulatedRecord): readonly number[] {
  return Array.from({ length: timersEach }, (_, index) => firstMs + id * timersEach + index);
}
