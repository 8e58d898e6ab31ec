/** A burst of timers on the real runtime: it is fired in slices, and everything else in the process gets its turn between them. */
import { expect, test } from "vitest";
import { job } from "../../framework/api/job.ts";
import { discard } from "../../framework/connectors/callback.ts";
import { fromArray } from "../../framework/connectors/memory.ts";
import { testJob } from "../../framework/testing/test-job.ts";

const timerCount = 100_000;
/** Timers of a slice, and slices of a task: what `inbox-feed.ts` and `turn-loop.ts` say. */
const firedPerTaskMax = 256 * 64;

test("O3: a hundred thousand timers that are due at once keep no task waiting for more than 64 slices of 256", async () => {
  let fired = 0;
  const burst = job("burst");
  burst
    .source("records", fromArray<{ readonly key: string }>([]))
    .timestamps(() => 0)
    .keyBy((record) => record.key)
    .process({
      process(_record, { timers }) {
        for (let at = 1; at <= timerCount; at += 1) timers.onEventTime(at);
      },
      onTimer() {
        fired += 1;
        if (fired === 1) look();
      },
    })
    .to(discard());
  const t = await testJob(burst, { partitions: 1 });
  /** Another task of the process, again and again while the burst lasts: how many timers fired between two of its turns. */
  let before = 0;
  let longest = 0;
  const look = (): void => {
    longest = Math.max(longest, fired - before);
    before = fired;
    if (fired < timerCount) t.virtualClock.schedule(0, look);
  };
  await t.feed("records", [{ key: "many" }]);
  await t.watermark("records", timerCount);
  expect(fired).toBe(timerCount);
  expect(longest).toBeGreaterThan(1);
  expect(longest).toBeLessThanOrEqual(firedPerTaskMax);
});

test("O3: what has fired when an instance crashes in the midst of a burst fires once for those behind it", async () => {
  const count = 1_000;
  let crashesLeft = 1;
  const burst = job("burst");
  burst
    .source("records", fromArray<{ readonly key: string }>([]))
    .timestamps(() => 0)
    .keyBy((record) => record.key)
    .process({
      process(_record, { timers }) {
        for (let at = 1; at <= count; at += 1) timers.onEventTime(at);
      },
      onTimer: (time) => [time],
    })
    .keyBy((time) => time % 7)
    .process({ process: (time) => [time] })
    .to(discard())
    .named("fired");
  const t = await testJob(burst, {
    partitions: 1,
    crashAt: ({ stage, position }) => {
      if (stage !== "process" || position < 2 || crashesLeft === 0) return undefined;
      crashesLeft -= 1;
      return "actor";
    },
  });
  await t.feed("records", [{ key: "many" }]);
  await t.watermark("records", count);
  await t.endOfInput();
  const rows = t.take("fired").map(({ value }) => value as number);
  expect(rows.toSorted((a, b) => a - b)).toEqual(Array.from({ length: count }, (_, at) => at + 1));
  expect(crashesLeft).toBe(0);
});
