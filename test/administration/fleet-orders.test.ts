/** Orders to the workers of a job on memory: what is refused, what is waited for, and what becomes of them. */
import { describe, expect, test } from "vitest";
import { scaleFleet } from "../../framework/administration/fleet-scale.ts";
import { stopJob } from "../../framework/administration/job-commands.ts";
import { drainWorker, undrainWorker } from "../../framework/administration/worker-drain.ts";
import { JobBus } from "../../framework/actor/job-bus.ts";
import { JobNames } from "../../framework/log/names.ts";
import { testJob, type TestJob } from "../../framework/testing/test-job.ts";
import { readings, twoExchanges } from "../actor/jobs.ts";
import { administrator, settled } from "./administrator.ts";

const job = "two-exchanges";
const patience = { timeoutMs: 20_000 };

const countOf = (t: TestJob, worker: string) => t.status().instances.filter((each) => each.worker === worker).length;

/** A worker that does not lead. */
function follower(t: TestJob): string {
  const found = t.status().workers.find(({ isLeader, instances }) => !isLeader && instances > 0);
  if (found === undefined) throw new Error("every worker leads");
  return found.worker;
}

describe("drain of a worker", () => {
  test("it gives everything away, takes nothing, and lives; results are as if nothing had happened", async () => {
    const t = await testJob(twoExchanges(), { workers: 3 });
    await t.feed("readings", readings(4, 0, 1_000));
    const worker = follower(t);
    const left: number[] = [];
    const told = { ...patience, onProgress: (count: number) => void left.push(count) };
    expect(await settled(t, drainWorker(administrator(t), job, worker, told))).toMatchObject({
      isDrained: true,
      left: 0,
    });
    expect(left.at(-1)).toBe(0);
    expect(left).toEqual(left.toSorted((a, b) => b - a));
    await t.clock(5_000);
    expect(countOf(t, worker)).toBe(0);
    expect(t.status().workers.find((each) => each.worker === worker)).toMatchObject({ standing: "drained" });
    await t.feed("readings", readings(4, 1_000, 2_000));
    await t.endOfInput();
    expect(t.take("out")).toHaveLength(8);
  });

  test("it survives the leader, and ends with --undo", async () => {
    const t = await testJob(twoExchanges(), { workers: 3 });
    const worker = follower(t);
    await settled(t, drainWorker(administrator(t), job, worker, patience));
    t.workers.find(({ isLeader }) => isLeader)?.kill();
    await t.clock(10_000);
    expect(countOf(t, worker)).toBe(0);
    expect(await settled(t, undrainWorker(administrator(t), job, worker))).toMatchObject({ isDrained: false });
    await t.clock(10_000);
    expect(countOf(t, worker)).toBeGreaterThan(0);
  });

  test("the last worker, one that is not there, and a job that is stopped are refused", async () => {
    const t = await testJob(twoExchanges(), { workers: 1 });
    const [only] = t.status().workers;
    const drained = (worker: string) => settled(t, drainWorker(administrator(t), job, worker, patience));
    await expect(drained(only?.worker ?? "")).rejects.toThrow(/has no other worker/);
    await expect(drained("nobody")).rejects.toThrow(`has no worker "nobody": there are ${only?.worker}`);
    await settled(t, stopJob(administrator(t), job, 10_000));
    await expect(drained(only?.worker ?? "")).rejects.toThrow(/is stopped: it has no workers to drain/);
  });
});

describe("scale", () => {
  const names = new JobNames(job, 1);
  const scaled = (t: TestJob, workers: number, starter?: string) =>
    settled(t, scaleFleet(administrator(t), job, { workers, starter, timeoutMs: 5_000 }));

  /** Starters that say, every half second, how many workers they have. */
  function present(t: TestJob, starters: Readonly<Record<string, () => number>>): void {
    const bus = new JobBus(t.seams.bus, names);
    const say = (): void => {
      for (const [starter, workers] of Object.entries(starters))
        bus.presentStarter({ starter, host: "here", processId: 7, workers: workers() });
      t.virtualClock.schedule(500, say, { background: true });
    };
    say();
  }

  test("where nobody has started workers it says so, and how to go on", async () => {
    const t = await testJob(twoExchanges());
    await expect(scaled(t, 2)).rejects.toThrow(/nobody is there who started workers .* tidemark run --workers/);
  });

  test("it waits until the starter says that it has as many, or for as long as it is told to", async () => {
    const t = await testJob(twoExchanges());
    let workers = 1;
    present(t, { s: () => workers });
    expect(await scaled(t, 3)).toMatchObject({ starter: "s", wanted: 3, workers: 1 });
    workers = 3;
    expect(await scaled(t, 3)).toMatchObject({ workers: 3, host: "here", processId: 7 });
  });

  test("where several have, one must be named, and be there", async () => {
    const t = await testJob(twoExchanges());
    present(t, { a: () => 1, b: () => 2 });
    await expect(scaled(t, 2)).rejects.toThrow(/say which with --starter: a \(here, process 7\), b/);
    await expect(scaled(t, 2, "c")).rejects.toThrow(/nobody called "c"/);
    expect(await scaled(t, 2, "b")).toMatchObject({ starter: "b", workers: 2 });
  });

  test.each([0, 257, 1.5, Number.NaN])("%s workers are refused", (workers) => {
    expect(() => scaleFleet({} as never, job, { workers, timeoutMs: 1 })).toThrow(`workers is ${workers}; a fleet has`);
  });
});
