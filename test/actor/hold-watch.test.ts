/** Whether somebody follows up a hold: asked over the Bus, believed only when nobody is there for a while. */
import { expect, test } from "vitest";
import { HoldWatch } from "../../framework/actor/hold-watch.ts";
import { JobBus } from "../../framework/actor/job-bus.ts";
import { StreamError } from "../../framework/errors.ts";
import type { Bus } from "../../framework/log/contracts.ts";
import { MemorySeams } from "../../framework/log/memory-seams.ts";
import { JobNames } from "../../framework/log/names.ts";
import { silentLogger } from "../../framework/platform/logger.ts";
import { seededRandom } from "../../framework/platform/random.ts";
import { VirtualClock } from "../../framework/platform/virtual-clock.ts";
import type { SavepointView } from "../../framework/protocol/savepoint-life.ts";

const hold = { id: 7, name: "upgrade-2", mode: "hold", state: "held" } as SavepointView;

/** A watch that looks ten times a second, over a Bus whose requests `refuse` may refuse. */
function scene(refuse: () => StreamError | undefined = () => undefined) {
  const clock = new VirtualClock({ wallMs: 0 });
  const { bus: inner } = new MemorySeams(clock);
  const bus: Bus = {
    publish: (subject, payload) => inner.publish(subject, payload),
    subscribe: (subject, listener) => inner.subscribe(subject, listener),
    request: async (subject, payload, timeoutMs) => {
      const refusal = refuse();
      if (refusal !== undefined) throw refusal;
      return inner.request(subject, payload, timeoutMs);
    },
  };
  const jobBus = new JobBus(bus, new JobNames("plant", 1));
  const watch = new HoldWatch({ clock, random: seededRandom(1), logger: silentLogger }, jobBus);
  const pass = async (ms: number, savepoint = hold): Promise<boolean> => {
    for (let passed = 0; passed < ms; passed += 100) {
      watch.look(savepoint);
      await clock.advance(100);
    }
    return watch.isLeft(savepoint);
  };
  return { jobBus, pass };
}

test("HW1: who has answered and is not there any more is gone, after three seconds", async () => {
  const { jobBus, pass } = scene();
  const leave = jobBus.answerAsHolder("upgrade-2");
  expect(await pass(10_000)).toBe(false);
  leave();
  expect(await pass(2_500)).toBe(false);
  expect(await pass(1_500)).toBe(true);
});

test("HW1: one who is back before that was never gone, and is not gone for another savepoint", async () => {
  const { jobBus, pass } = scene();
  jobBus.answerAsHolder("upgrade-2")();
  const leave = jobBus.answerAsHolder("upgrade-2");
  await pass(1_000);
  leave();
  await pass(2_000);
  const again = jobBus.answerAsHolder("upgrade-2");
  expect(await pass(5_000)).toBe(false);
  again();
  expect(await pass(10_000)).toBe(true);
  expect(await pass(10_000, { ...hold, id: 9 })).toBe(false);
});

test("HW1: nobody has ever answered: the timeout of the hold decides", async () => {
  expect(await scene().pass(60_000)).toBe(false);
});

test("HW1: no answer is no absence: a process may be busy, a server away", async () => {
  let refusal: StreamError | undefined;
  const { jobBus, pass } = scene(() => refusal);
  jobBus.answerAsHolder("upgrade-2");
  await pass(1_000);
  refusal = new StreamError("TIMEOUT", "no answer");
  expect(await pass(20_000)).toBe(false);
});
