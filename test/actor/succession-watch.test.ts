/** What a leader makes of the registers of an upgrade, when whoever upgrades says nothing any more. */
import { expect, test } from "vitest";
import { giveUpSwitch, joinJob } from "../../framework/actor/job-register.ts";
import type { JobWorld } from "../../framework/actor/job-world.ts";
import { announceSuccessor, giveOrigin, switchTo } from "../../framework/actor/succession.ts";
import { SuccessionWatch } from "../../framework/actor/succession-watch.ts";
import type { Registers } from "../../framework/log/contracts.ts";
import { MemorySeams } from "../../framework/log/memory-seams.ts";
import { JobNames } from "../../framework/log/names.ts";
import { silentLogger } from "../../framework/platform/logger.ts";
import { seededRandom } from "../../framework/platform/random.ts";
import { VirtualClock } from "../../framework/platform/virtual-clock.ts";
import { JobLogView } from "../../framework/protocol/job-log.ts";
import type { JobLogRecord } from "../../framework/record/messages.ts";

const program = { plan: "new", planHash: "new", version: "2" };
const origin = { name: "upgrade-2", generation: 1, savepoint: 7, index: [], allowMissing: [], allowUnknown: [] };

/** The leader of generation 2, which goes on from a savepoint; a job of which generation 1 runs. */
async function scene() {
  const clock = new VirtualClock({ wallMs: 0 });
  const platform = { clock, random: seededRandom(1), logger: silentLogger };
  const settled = async <T>(promise: Promise<T>): Promise<T> => {
    promise.catch(() => undefined);
    await clock.settle();
    return promise;
  };
  const registers = await settled(new MemorySeams(clock).registers("plant"));
  let reads = 0;
  const counted: Registers = {
    get: (key) => ((reads += 1), registers.get(key)),
    list: (prefix) => registers.list(prefix),
    create: (key, value) => registers.create(key, value),
    update: (key, value, revision) => registers.update(key, value, revision),
    delete: (key) => registers.delete(key),
  };
  const claim = { job: "plant", plan: "old", planHash: "old", version: "1", startNew: false, difference: () => "" };
  await settled(joinJob(registers, claim));
  const said: JobLogRecord[] = [];
  const view = new JobLogView();
  const tail = { view, append: (record: JobLogRecord) => (said.push(record), view.apply(said.length, 0, record)) };
  const names = new JobNames("plant", 2);
  const world = { platform, tail, registers: counted, names, worker: "w", origin: {} } as unknown as JobWorld;
  const watch = new SuccessionWatch(world, 5);
  const pass = async (ms: number): Promise<readonly JobLogRecord[]> => {
    for (let passed = 0; passed < ms; passed += 100) {
      watch.look();
      await clock.advance(100);
    }
    return said;
  };
  return { platform, registers, settled, pass, reads: () => reads };
}

test("U1: a successor that is the job begins, whoever leads it, also one that came when the switch had been made", async () => {
  const { platform, registers, settled, pass } = await scene();
  await settled(announceSuccessor(registers, 1, program));
  await settled(giveOrigin(registers, 2, origin));
  expect(await pass(2_000)).toEqual([]);
  expect(await settled(switchTo(platform, registers, 2))).toBe(true);
  expect(await pass(2_000)).toEqual([{ kind: "resume", savepoint: 0, by: "worker w" }]);
});

test("U3: a successor whose hold was given up ends", async () => {
  const { registers, settled, pass } = await scene();
  await settled(announceSuccessor(registers, 1, program));
  await settled(giveOrigin(registers, 2, origin));
  await settled(giveUpSwitch(registers, 1, 7));
  expect(await pass(2_000)).toEqual([
    expect.objectContaining({ kind: "outcome", leader: 5, outcome: "failed", code: "JOB_MISMATCH" }),
  ]);
});

test("a generation that was restored takes the place of none: its leader looks once", async () => {
  const { settled, pass, reads, registers } = await scene();
  expect(await settled(registers.list("successor."))).toEqual([]);
  expect(await pass(2_000)).toEqual([]);
  expect(reads()).toBe(1);
});
