/** Which of two generations a job is, while one is to take the place of the other: whoever dies, one of them goes on. */
import { expect, test } from "vitest";
import { job } from "../../framework/api/job.ts";
import { fromArray } from "../../framework/connectors/memory.ts";
import { print } from "../../framework/connectors/print.ts";
import { giveUpSwitch, joinJob } from "../../framework/actor/job-register.ts";
import {
  announceSuccessor,
  awaitSuccession,
  generationOf,
  giveOrigin,
  giveUpSuccessor,
  highestGeneration,
  successionOf,
  successorInPlace,
  switchTo,
  upgradeBy,
  upgradeIn,
} from "../../framework/actor/succession.ts";
import { StreamError } from "../../framework/errors.ts";
import type { Registers } from "../../framework/log/contracts.ts";
import { silentLogger } from "../../framework/platform/logger.ts";
import type { Platform } from "../../framework/platform/platform.ts";
import { seededRandom } from "../../framework/platform/random.ts";
import { VirtualClock } from "../../framework/platform/virtual-clock.ts";
import { testJob } from "../../framework/testing/test-job.ts";
import { MemorySeams } from "../../framework/log/memory-seams.ts";

const program = { plan: "new", planHash: "new", version: "2" };
const origin = { name: "upgrade-2", generation: 1, savepoint: 7, index: [], allowMissing: [], allowUnknown: [] };

interface Scene {
  readonly platform: Platform;
  readonly registers: Registers;
  /** Drives the clock until the answer is there. */
  readonly settled: <T>(promise: Promise<T>) => Promise<T>;
}

async function scene(): Promise<Scene> {
  const clock = new VirtualClock({ wallMs: 0 });
  const platform = { clock, random: seededRandom(1), logger: silentLogger };
  const settled = async <T>(promise: Promise<T>): Promise<T> => {
    promise.catch(() => undefined);
    await clock.settle();
    return promise;
  };
  const registers = await settled(new MemorySeams(clock).registers("plant"));
  const claim = { job: "plant", plan: "old", planHash: "old", version: "1", startNew: false, difference: () => "" };
  await settled(joinJob(registers, claim));
  return { platform, registers, settled };
}

test("U1: the successor of a generation that is held becomes the job, once its savepoint is there", async () => {
  const { platform, registers, settled } = await scene();
  const { generation } = await settled(announceSuccessor(registers, 1, program));
  expect(generation).toBe(2);
  expect(await settled(switchTo(platform, registers, 2))).toBe(false);
  await settled(giveOrigin(registers, 2, origin));
  expect(await settled(successionOf(registers, 2))).toBe("prepared");
  expect(await settled(switchTo(platform, registers, 2))).toBe(true);
  expect(await settled(switchTo(platform, registers, 2))).toBe(true);
  expect(await settled(successionOf(registers, 2))).toBe("switched");
  expect(await settled(generationOf(registers))).toBe(2);
  expect(await settled(giveUpSwitch(registers, 1, 7))).toBe(false);
});

test("U1: a hold that was given up before ends it, whoever was faster", async () => {
  const { platform, registers, settled } = await scene();
  await settled(announceSuccessor(registers, 1, program));
  await settled(giveOrigin(registers, 2, origin));
  expect(await settled(giveUpSwitch(registers, 1, 7))).toBe(true);
  expect(await settled(switchTo(platform, registers, 2))).toBe(false);
  expect(await settled(successionOf(registers, 2))).toBe("givenUp");
  expect(await settled(generationOf(registers))).toBe(1);
});

test("U2: a number that a successor has had is nobody else's", async () => {
  const { registers, settled } = await scene();
  await settled(announceSuccessor(registers, 1, program));
  await settled(giveUpSuccessor(registers, 2, "no way"));
  expect(await settled(highestGeneration(registers, 1))).toBe(2);
  expect((await settled(announceSuccessor(registers, 1, program))).generation).toBe(3);
  const claim = { job: "plant", ...program, startNew: true, difference: () => "" };
  expect((await settled(joinJob(registers, claim))).generation).toBe(4);
});

test("U3: one that was given up never begins, nor do its workers wait any longer", async () => {
  const { platform, registers, settled } = await scene();
  await settled(announceSuccessor(registers, 1, program));
  let waits = 0;
  const waiting = awaitSuccession(platform, registers, 2, program, () => (waits += 1));
  waiting.catch(() => undefined);
  await (platform.clock as VirtualClock).advance(100);
  expect(waits).toBeGreaterThan(2);
  await settled(giveUpSuccessor(registers, 2, "it does not come up"));
  await (platform.clock as VirtualClock).advance(100);
  await expect(waiting).rejects.toThrow("the upgrade to generation 2 has been given up: it does not come up");
  await expect(settled(giveOrigin(registers, 2, origin))).rejects.toThrow("has been given up");
  expect(await settled(switchTo(platform, registers, 2))).toBe(false);
});

test("U1: the workers of a generation that has been succeeded stop, also when nobody tells them", async () => {
  const plant = job("plant");
  plant
    .source("items", fromArray<string>([]))
    .keyBy((item) => item)
    .process({ process: () => {} })
    .to(print("items"));
  const t = await testJob(plant);
  const { savepoint } = await t.savepoint("between", { mode: "hold" });
  const during = async <T>(promise: Promise<T>): Promise<T> => {
    promise.catch(() => undefined);
    await t.settle();
    return promise;
  };
  const registers = await during(t.seams.registers("plant"));
  await during(announceSuccessor(registers, 1, program));
  await during(giveOrigin(registers, 2, { ...origin, savepoint }));
  const platform = { clock: t.virtualClock, random: seededRandom(1), logger: silentLogger };
  expect(await during(switchTo(platform, registers, 2))).toBe(true);
  expect(t.workers.map(({ phase }) => phase)).toEqual(["working"]);
  await t.clock(3_000);
  expect(t.workers.map(({ phase }) => phase)).toEqual(["left"]);
  expect(await during(generationOf(registers))).toBe(2);
});

test("U1: a job that is drained while it is held goes on, and ends, when no successor can take its place any more", async () => {
  const plant = job("plant");
  plant
    .source("items", fromArray<string>([]))
    .keyBy((item) => item)
    .process({ process: (item) => [item] })
    .to(print("items"));
  for (const isSwitched of [false, true]) {
    const t = await testJob(plant);
    await t.feed("items", ["a"]);
    const { savepoint } = await t.savepoint("between", { mode: "hold" });
    const during = async <T>(promise: Promise<T>): Promise<T> => {
      promise.catch(() => undefined);
      await t.settle();
      return promise;
    };
    const registers = await during(t.seams.registers("plant"));
    await during(announceSuccessor(registers, 1, program));
    await during(giveOrigin(registers, 2, { ...origin, savepoint }));
    const platform = { clock: t.virtualClock, random: seededRandom(1), logger: silentLogger };
    if (isSwitched) await during(switchTo(platform, registers, 2));
    await during(t.workers[0]!.drain());
    await t.clock(3_000);
    expect(await during(switchTo(platform, registers, 2))).toBe(isSwitched);
    expect(t.outcome).toBe(isSwitched ? undefined : "completed");
    expect(t.workers.map(({ phase }) => phase)).toEqual([isSwitched ? "left" : "over"]);
  }
});

test("a worker of a successor waits for the savepoint, and is none of another program", async () => {
  const { platform, registers, settled } = await scene();
  await settled(announceSuccessor(registers, 1, program));
  const other = awaitSuccession(platform, registers, 2, { ...program, version: "3" }, () => undefined);
  await expect(settled(other)).rejects.toThrow("generation 2 is to be another program (version 2), not this one");
  await settled(giveOrigin(registers, 2, origin));
  const found = await settled(awaitSuccession(platform, registers, 2, program, () => undefined));
  expect(found).toMatchObject({ generation: 2, origin });
  expect(await settled(awaitSuccession(platform, registers, 1, program, () => undefined))).toBeUndefined();
});

test("a switch that is refused is not tried again; one that is not answered is, with pauses, and for a time", async () => {
  const { platform, registers, settled } = await scene();
  await settled(announceSuccessor(registers, 1, program));
  await settled(giveOrigin(registers, 2, origin));
  let tries = 0;
  const refusing = (error: StreamError): Registers => ({
    get: (key) => registers.get(key),
    list: (prefix) => registers.list(prefix),
    create: (key, value) => registers.create(key, value),
    delete: (key) => registers.delete(key),
    update: () => {
      tries += 1;
      return Promise.reject(error);
    },
  });
  const refused = new StreamError("SERVER_REFUSED", "register job: no permission");
  await expect(settled(switchTo(platform, refusing(refused), 2))).rejects.toThrow("no permission");
  expect(tries).toBe(1);
  tries = 0;
  const unheard = switchTo(platform, refusing(new StreamError("TIMEOUT", "register job: no answer")), 2);
  unheard.catch(() => undefined);
  await (platform.clock as VirtualClock).advance(29_000);
  expect(tries).toBeGreaterThan(100);
  expect(tries).toBeLessThan(200);
  await (platform.clock as VirtualClock).advance(2_000);
  await expect(unheard).rejects.toThrow("no answer");
  expect(await settled(generationOf(registers))).toBe(1);
});

test("who has been succeeded is told by the registers, and by what the stop is signed with", async () => {
  const { platform, registers, settled } = await scene();
  await settled(announceSuccessor(registers, 1, program));
  await settled(giveOrigin(registers, 2, origin));
  expect(await settled(successorInPlace(registers, 1))).toBeUndefined();
  await settled(switchTo(platform, registers, 2));
  expect(await settled(successorInPlace(registers, 1))).toBe(2);
  expect(await settled(successorInPlace(registers, 2))).toBeUndefined();
  const claim = { job: "plant", ...program, startNew: true, difference: () => "" };
  await settled(joinJob(registers, claim));
  // A life that was begun anew has succeeded nobody.
  expect(await settled(successorInPlace(registers, 1))).toBeUndefined();
  expect(upgradeIn(upgradeBy(2, "ada@host"))).toBe(2);
  expect(upgradeIn("ada@host")).toBeUndefined();
});
