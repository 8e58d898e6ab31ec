/** Who hosts what in a job that begins: workers on a virtual clock, one starting after the other. */
import { expect, test } from "vitest";
import { discard, generator, job, plan } from "tidemark";
import { Worker } from "../../framework/actor/worker.ts";
import { MemorySeams } from "../../framework/log/memory-seams.ts";
import { joinTest } from "../../framework/testing/test-joining.ts";
import { Rig } from "./rig.ts";

const gatherMs = 250;

function shared() {
  const counted = job("shared", { partitions: 4, version: "test" });
  counted
    .source("numbers", generator({ make: (n) => n, rate: 100, splits: 2 }))
    .keyBy((n) => n % 10)
    .reduce((a, b) => a + b)
    .to(discard());
  return plan(counted);
}

/** How many instances of each stage each of two workers has, the second of which started `afterMs` after the first. */
async function sharesOf(afterMs: number, waitMs: number): Promise<Record<string, number[]>> {
  const rig = new Rig();
  const seams = new MemorySeams(rig.clock);
  const planned = shared();
  const workers: Worker[] = [];
  const start = async (name: string) => {
    const platform = { ...rig.platform, random: rig.platform.random.fork(name) };
    const worker = new Worker(platform, await joinTest(seams, planned, undefined), { gatherMs: waitMs });
    workers.push(worker);
    await worker.start();
  };
  void start("first");
  await rig.pass(afterMs);
  void start("second");
  await rig.pass(4 * gatherMs);
  const shares: Record<string, number[]> = {};
  for (const [at, worker] of workers.entries())
    for (const { name } of worker.instances) {
      const [stage = ""] = name.split("/");
      (shares[stage] ??= [0, 0])[at] = (shares[stage]?.[at] ?? 0) + 1;
    }
  for (const worker of workers) void worker.stop();
  await rig.pass(gatherMs);
  return shares;
}

test("D3: workers that start together have their part of every stage from the beginning", async () => {
  expect(await sharesOf(100, gatherMs)).toEqual({ numbers: [1, 1], reduce: [2, 2] });
});

test("D3: who waits for nobody has everything, and gives away no source", async () => {
  expect(await sharesOf(100, 0)).toMatchObject({ numbers: [2, 0] });
});
