/**
 * The simulator on fresh seeds, and on every seed that has found something: the production runtime holds, whatever goes wrong.
 *
 * The fresh seeds are others every day; `SIMULATION_SEEDS=FROM:COUNT` says which. A failed one names the command that replays it.
 */
import { describe, expect, test } from "vitest";
import type { Verdict } from "../../../framework/testing/simulation/contract.ts";
import { allFaults } from "../../../framework/testing/simulation/faults.ts";
import { mixes } from "../../../framework/testing/simulation/mixes.ts";
import { regressions } from "../../../framework/testing/simulation/regressions.ts";
import { simulate } from "../../../framework/testing/simulation/simulate.ts";
import { runShared } from "../../../framework/scripts/sim/jobs.ts";
import { until } from "../../support/until.ts";
import { replayCommand, runSeeds } from "../../../framework/testing/simulation/tally.ts";

const dayMs = 86_400_000;
const seedsADay = 100_000;
const countDefault = 2_000;
/** A machine that is slower than it should be runs fewer seeds, and says how many. */
const boxMs = 130_000;
const countMin = 100;
const processes = 2;

const [from = Math.floor(Date.now() / dayMs) * seedsADay, count = countDefault] = (
  process.env["SIMULATION_SEEDS"] ?? ""
)
  .split(":")
  .filter((part) => part !== "")
  .map(Number);

function told(failed: readonly Verdict[]): readonly string[] {
  return failed.map((verdict) => `${verdict.violations.map(({ what }) => what).join("; ")}: ${replayCommand(verdict)}`);
}

test(`nothing is lost, doubled, late or stuck: fresh seeds ${from} to ${from + count - 1}`, async ({ signal }) => {
  const range = { from, count, twiceEvery: 100, boxMs };
  const { failed, seeds } = await runShared(range, processes, () => undefined, signal);
  console.log(`simulated ${seeds} seeds from ${from} on`);
  expect(told(failed)).toEqual([]);
  expect(seeds).toBeGreaterThanOrEqual(Math.min(count, countMin));
}, 160_000);

test("SJ1: processes that run seeds end when nobody waits for them any more", async () => {
  const running = () => process.getActiveResourcesInfo().filter((kind) => kind === "ProcessWrap").length;
  const before = running();
  const giveUp = new AbortController();
  const seeds = runShared({ from: 1, count: 1_000_000 }, processes, () => undefined, giveUp.signal);
  expect(running()).toBe(before + processes);
  giveUp.abort();
  await expect(seeds).rejects.toThrow("aborted");
  // Those of the test before may have been on their way out when they were counted.
  await until("the processes are gone", () => running() <= before);
});

test("seeds that have found something find it no more", async () => {
  const failed: Verdict[] = [];
  for (const { seed, mix, workload } of regressions) {
    const verdict = await simulate(seed, mix, { workload });
    if (verdict.violations.length > 0) failed.push(verdict);
  }
  expect(told(failed)).toEqual([]);
}, 60_000);

describe("the simulator", () => {
  test("SIM1: a seed is the same run every time, and another seed another one", async () => {
    const first = await simulate(7, "swarm");
    expect(await simulate(7, "swarm")).toEqual(first);
    expect((await simulate(8, "swarm")).hash).not.toBe(first.hash);
  });

  test("a trace changes nothing of the run, and ends with what its hash is of", async () => {
    const lines: string[] = [];
    const traced = await simulate(7, "zombies", { onTrace: (line) => lines.push(line) });
    expect(await simulate(7, "zombies")).toEqual(traced);
    expect(lines.length).toBeGreaterThan(50);
    expect(lines.some((line) => line.includes("fault "))).toBe(true);
  });

  test("what is left out does not strike", async () => {
    const { faults } = await simulate(7, "zombies", { without: new Set(allFaults) });
    expect(faults).toEqual({});
  });

  test.each(mixes.map(({ name }) => name))("every mix has seeds in which its faults strike: %s", async (mix) => {
    const { faults, endings } = await runSeeds({ from: 1, count: 6, mix });
    expect(Object.keys(faults).length > 0).toBe(mix !== "calm");
    expect(endings["unfinished"]).toBeUndefined();
  });

  test("a mix or a workload that does not exist is refused", async () => {
    await expect(simulate(1, "weather")).rejects.toThrow("there is no mix weather");
    await expect(simulate(1, "swarm", { workload: "sorting" })).rejects.toThrow("there is no workload sorting");
  });
});
