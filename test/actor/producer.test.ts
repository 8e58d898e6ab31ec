/** R17: the producer of a push source, paused and gone on with. */
import { expect, test } from "vitest";
import { Producer } from "../../framework/actor/producer.ts";
import type { Log } from "../../framework/log/contracts.ts";
import { MemorySeams } from "../../framework/log/memory-seams.ts";
import type { ProducerContext, PushSource } from "../../framework/log/source.ts";
import { silentLogger } from "../../framework/platform/logger.ts";
import { seededRandom } from "../../framework/platform/random.ts";
import { VirtualClock } from "../../framework/platform/virtual-clock.ts";
import { defaultCodec } from "../../framework/record/default-codec.ts";

interface Rig {
  readonly clock: VirtualClock;
  readonly log: Log;
  readonly producer: Producer;
  /** What the source has been told, oldest first. */
  readonly told: string[];
  /** Of the newest start. */
  readonly context: () => ProducerContext;
}

async function rig(): Promise<Rig> {
  const clock = new VirtualClock();
  const told: string[] = [];
  let context: ProducerContext | undefined;
  const source: PushSource = {
    kind: "push",
    codec: { ...defaultCodec, name: "default" },
    splits: () => Promise.resolve([]),
    produce: (_split, given) => {
      context = given;
      told.push("start");
      return () => void told.push("stop");
    },
  };
  const creating = new MemorySeams(clock).logs.create("TM_job_1_INGRESS_in_0", { maxBytes: 1_000_000, full: "refuse" });
  await clock.settle();
  const log = await creating;
  const platform = { clock, random: seededRandom(1), logger: silentLogger };
  const failed = (error: unknown) => {
    throw error;
  };
  const producer = new Producer(platform, log, source, { name: "0", identity: "0" }, failed);
  return { clock, log, producer, told, context: () => context! };
}

test("a pause stops it, and says where its log ends when all that was said is in there", async () => {
  const { clock, producer, told, context } = await rig();
  producer.start();
  producer.start();
  void context().append("a");
  void context().append("b");
  const pausing = producer.pause();
  await clock.settle();
  expect(await pausing).toBe(2);
  expect(told).toEqual(["start", "stop"]);
});

test("it goes on afterwards, and not when it was stopped for good", async () => {
  const { clock, producer, told, context, log } = await rig();
  producer.start();
  const pausing = producer.pause();
  await clock.settle();
  expect(await pausing).toBe(0);
  producer.start();
  void context().append("c");
  await clock.settle();
  const state = log.info();
  await clock.settle();
  expect((await state).last).toBe(1);
  producer.stop();
  producer.start();
  expect(told).toEqual(["start", "stop", "start", "stop"]);
});

test("one that has not begun, because a savepoint was open when it was claimed, says where the log of its predecessor ends", async () => {
  const { clock, producer, log, told } = await rig();
  void log.append(new Uint8Array([1]));
  const pausing = producer.pause();
  await clock.settle();
  expect(await pausing).toBe(1);
  expect(told).toEqual([]);
});
