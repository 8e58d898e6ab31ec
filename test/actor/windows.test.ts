/** Windows of every kind in a running job, one stage of which crashes after every record: the results are those of a run without a crash. */
import { expect, test } from "vitest";
import { job, type Job } from "../../framework/api/job.ts";
import { discard } from "../../framework/connectors/callback.ts";
import { fromArray } from "../../framework/connectors/memory.ts";
import { value } from "../../framework/state/descriptors.ts";
import { testJob } from "../../framework/testing/test-job.ts";
import { tumbling } from "../../framework/window/assigner.ts";
import { keepLast } from "../../framework/window/evictor.ts";
import { session } from "../../framework/window/session.ts";
import { everyCount, onTime } from "../../framework/window/trigger.ts";
import { countWindow, globalWindow } from "../../framework/window/unbounded.ts";

interface Click {
  readonly user: string;
  readonly at: number;
}

const clicks: readonly Click[] = [0, 4, 30, 12, 21, 35, 60, 3, 70].map((at, index) => ({
  user: index % 3 === 2 ? "b" : "a",
  at,
}));

const stages = ["aggregate", "process", "reduce", "process-2"];
const sinks = ["sessions", "minutes", "counts", "latest"];

function clicked(): Job {
  const site = job("site");
  const byUser = site
    .source("clicks", fromArray<Click>([]))
    .timestamps((c) => c.at, { outOfOrderness: 10 })
    .keyBy((c) => c.user);
  byUser
    .window(session(10))
    .allowedLateness(20)
    .aggregate((of) => ({ n: of.count(), times: of.collect((c) => c.at) }), { fire: true })
    .to(discard())
    .named("sessions");
  byUser
    .window(tumbling(30))
    .trigger(onTime().withEarly({ count: 2 }))
    .process({
      windowState: { firings: value<number>() },
      state: { firings: value<number>() },
      process(values, { key, window, windowState, state, fire }) {
        windowState.firings.set((windowState.firings.get() ?? 0) + 1);
        state.firings.set((state.firings.get() ?? 0) + 1);
        return [{ key, window, n: values.length, firings: [windowState.firings.get(), state.firings.get()], fire }];
      },
    })
    .to(discard())
    .named("minutes");
  byUser
    .window(countWindow(2, { partialAtEnd: true }))
    .reduce((a, b) => (a.at > b.at ? a : b))
    .to(discard())
    .named("counts");
  byUser
    .window(globalWindow())
    .trigger(everyCount(2))
    .evict(keepLast(3))
    .process({ process: (values, { key }) => [{ key, times: values.map((c) => c.at) }] })
    .to(discard())
    .named("latest");
  return site;
}

async function results(crashes: boolean): Promise<unknown> {
  const t = await testJob(clicked(), { partitions: 1, now: 0 });
  for (const [index, click] of clicks.entries()) {
    await t.feed("clicks", [click]);
    if (crashes) await t.crash(`${stages[index % stages.length]}/0`);
    await t.watermark("clicks", click.at - 5);
  }
  await t.endOfInput();
  expect(t.deadLetters()).toEqual([]);
  return Object.fromEntries(sinks.map((sink) => [sink, t.take(sink)]));
}

test("windows survive crashes with their contents, triggers, state and numbers", async () => {
  const plain = await results(false);
  expect(plain).toMatchObject({ counts: { length: 5 } });
  expect(await results(true)).toEqual(plain);
});
