/**
 * Splits that pause for longer than their idle timeout: event time goes on without them, and counts them again when they are back. In some runs the others
 * wait for them before that, with a drift that is bounded.
 *
 * Each record is in its window or late; late is only what lies behind the event time that had been said before its split was let back in (R16).
 */
import { job } from "../../../api/job.ts";
import { value } from "../../../state/descriptors.ts";
import { tumbling } from "../../../window/assigner.ts";
import type { Bench, SimulatedRecord, SplitScript, Workload } from "../contract.ts";
import { differences } from "./comparing.ts";
import { drawInput } from "./records.ts";

const sizeMs = 500;

/** Idle splits. */
export const idling: Workload = {
  name: "idling",
  draw(bench) {
    const { random } = bench;
    const { records, splits } = drawInput(bench, { splits: 2 + random.below(2) });
    const isPassedOn = random.below(2) === 0;
    const sink = bench.sink("windows");
    const program = job("idling");
    const entry = program
      .source("records", bench.source(splits.map((split) => withPauses(bench, split))).spec)
      .timestamps((record) => record.at, {
        idleTimeout: [50, 200, 800][random.below(3)] ?? 200,
        // No draw of its own: seeds that have found something stay what they are.
        maxDrift: records.length % 2 === 0 ? sizeMs / 2 : undefined,
      })
      .keyBy((record) => record.key);
    const counted = entry
      .process({
        state: { seen: value<number>() },
        process(record, { state }) {
          state.seen.set((state.seen.get() ?? 0) + 1);
          return [record];
        },
      })
      .named("seen");
    (isPassedOn ? counted.keyBy((record) => record.n % 5) : entry)
      .window(tumbling(sizeMs))
      .aggregate<readonly number[], readonly number[]>({
        create: () => [],
        add: (ids, { id }) => [...ids, id],
        result: (ids) => ids,
      })
      .named("ids")
      .to(sink.spec);
    const unused = bench.sink("seen");
    counted.to(unused.spec);
    return {
      job: program,
      sinks: [sink, unused],
      check: ({ late, excusedUpTo }) => {
        const inWindows = sink.rows().flatMap((row) => (row.value as { readonly value: readonly number[] }).value);
        const lateOnes = late.map((record) => record.value as SimulatedRecord);
        const unexcused = lateOnes.filter(({ id, at }) => at > excusedUpTo(id));
        const ids = records.map(({ id }) => id);
        return [
          ...differences("O2", "records by id", [...inWindows, ...lateOnes.map(({ id }) => id)], ids),
          ...differences(
            "O4",
            "late records without an excuse",
            unexcused.map(({ id, at }) => `${id} at ${at}`),
            [],
          ),
        ];
      },
    };
  },
};

/** Some of the records come much later than those before them. */
function withPauses({ random, inputMs }: Bench, { records, endsMs }: SplitScript): SplitScript {
  let delayMs = 0;
  const later = records.map(({ availableMs, record }) => {
    if (random.below(8) === 0) delayMs += random.below(Math.ceil(inputMs / 3));
    return { availableMs: availableMs + delayMs, record };
  });
  return { records: later, endsMs: endsMs + delayMs };
}
