/**
 * Jobs of a real server, seen and commanded from the command line: what each command prints, what it does, and its exit code.
 */
import { expect, describe, onTestFinished, test } from "vitest";
import type { JobStatus } from "../../framework/actor/job-status.ts";
import type { JobListing } from "../../framework/administration/job-listing.ts";
import { type Ran, runTidemark } from "../support/command.ts";
import { binaryForTests, natsForTests, type NatsForTests } from "../support/nats.ts";
import { type Program, startTidemark } from "../support/program.ts";

const timeout = 120_000;
const binary = await binaryForTests();

interface Shell {
  readonly nats: NatsForTests;
  /** Runs a command to its end. */
  readonly tidemark: (...args: readonly string[]) => Promise<Ran>;
  /** Starts a worker of `ticking`. */
  readonly worker: (name: string, ...args: readonly string[]) => Program;
  readonly streams: () => Promise<string[]>;
}

/** A server of this test's own, and a command line that knows it. */
async function shell(): Promise<Shell> {
  const nats = await natsForTests({}, onTestFinished);
  if (nats === undefined) throw new Error("no nats-server");
  const environment = { TIDEMARK_NATS: nats.server.url };
  const seams = await nats.connect();
  return {
    nats,
    tidemark: (...args) => runTidemark(args, environment),
    worker: (name, ...args) => startTidemark(["run", "test/e2e/programs/ticking.ts", "--", name, ...args], environment),
    streams: async () => (await seams.holdings.list()).map(({ name }) => name).toSorted(),
  };
}

/** Every window that was printed, once or more often. */
function windows(...programs: readonly Program[]): string[] {
  const rows = programs.flatMap(({ stdout }) => stdout.map((line) => JSON.parse(line) as { readonly value: unknown }));
  return rows.map(({ value }) => JSON.stringify(value));
}

describe.skipIf(binary === undefined)("a job and its life", { timeout }, () => {
  test("stop, status without a leader, restart, drain: it goes on where it was, and completes", async () => {
    const { tidemark, worker } = await shell();
    const [first, second] = [worker("life"), worker("life")];
    await first.prints(/ticks/).catch(() => second.prints(/ticks/));

    const running = await tidemark("status", "--json");
    const status = JSON.parse(running.out) as JobStatus;
    expect(status).toMatchObject({ job: "life", generation: 1, state: "running", lastFailure: "" });
    expect(status.workers).toHaveLength(2);
    expect(status.instances.map(({ name }) => name)).toEqual(["numbers/0", "count/0", "count/1"]);

    const stopped = await tidemark("stop", "life", "--json");
    expect(stopped).toMatchObject({ code: 0, said: "" });
    expect(JSON.parse(stopped.out)).toMatchObject({ job: "life", generation: 1, state: "stopped", left: [] });
    expect(await first.ended(10_000)).toMatchObject({ code: 0, signal: null });
    expect(await second.ended(10_000)).toMatchObject({ code: 0, signal: null });
    expect(first.stderr.join("\n")).toMatch(/tidemark restart life/);

    const again = await tidemark("stop", "life");
    expect(again).toMatchObject({ code: 0, out: expect.stringContaining("is stopped: no worker was alive") });
    const refused = worker("life");
    expect(await refused.ended()).toMatchObject({ code: 1 });
    expect(refused.stderr.join("\n")).toMatch(/^JOB_NOT_RUNNABLE: .*tidemark restart life/);

    const written = JSON.parse((await tidemark("status", "life", "--json")).out) as JobStatus;
    expect(written).toMatchObject({ leader: "none", state: "stopped", workers: [] });
    expect(written.instances.every(({ snapshot }) => snapshot > 0)).toBe(true);
    expect(written.totals.recordsIn).toBeGreaterThan(0);
    expect((await tidemark("status")).out).toMatch(/^job life, generation 1: stopped \(leader: none/);

    const idle = await tidemark("drain", "life");
    expect(idle).toMatchObject({ code: 1, said: expect.stringMatching(/^JOB_NOT_RUNNABLE: .*tidemark restart life/) });
    expect(await tidemark("restart", "life")).toMatchObject({ code: 0, said: "" });
    expect(await tidemark("restart", "life")).toMatchObject({
      code: 1,
      said: expect.stringContaining("is running already"),
    });

    const third = worker("life");
    await third.prints(/ticks/);
    const drained = await tidemark("drain", "life");
    expect(drained).toMatchObject({ code: 0, out: "job life, generation 1, has completed" });
    expect(await third.ended()).toMatchObject({ code: 0 });
    expect(await tidemark("drain", "life")).toMatchObject({ code: 0, out: expect.stringContaining("has completed") });
    expect(await tidemark("restart", "life")).toMatchObject({ code: 1, said: expect.stringContaining("--new") });
    expect(await tidemark("stop", "life")).toMatchObject({ code: 1, said: expect.stringContaining("nothing to stop") });

    // `print` is at least once: every window is there, and those that are there twice say the same.
    const values = [...new Set(windows(first, second, third))];
    const keys = values.map((value) => JSON.parse(value) as { key: string; window: { start: number } });
    expect(new Set(keys.map(({ key, window }) => `${key} ${window.start}`)).size).toBe(values.length);
    const seconds = new Set(keys.map(({ window }) => window.start));
    expect(seconds.size).toBe(Math.max(...seconds) / 1_000 + 1);
  });

  test("a drain that nobody can carry out says so, and is carried out when a worker starts", async () => {
    const { tidemark, worker } = await shell();
    const first = worker("later");
    await first.prints(/ticks/);
    first.send("SIGTERM");
    await first.ended();
    const drained = await tidemark("drain", "later");
    expect(drained.code).toBe(1);
    expect(drained.said).toMatch(/^JOB_NOT_RUNNABLE: .*no worker is alive to do it: it happens when one is started/);
    expect(await worker("later").ended()).toMatchObject({ code: 0 });
    expect(JSON.parse((await tidemark("status", "later", "--json")).out)).toMatchObject({ state: "completed" });
  });

  test("a job that has failed says why, goes on after a restart, and keeps its cause", async () => {
    const { nats, tidemark, worker } = await shell();
    const program = ["run", "test/e2e/programs/ticking.ts", "--inject", "crash:count/0@5"];
    const failing = startTidemark([...program, "--nats", nats.server.url, "--", "flaky"]);
    expect(await failing.ended()).toMatchObject({ code: 1 });
    const failed = await tidemark("status", "flaky");
    expect(failed).toMatchObject({ code: 0, said: "" });
    expect(failed.out).toMatch(/^job flaky, generation 1: failed .*\nlast failure: RESTARTS_EXHAUSTED: count\/0/);
    expect(await tidemark("stop", "flaky")).toMatchObject({ code: 1, said: expect.stringContaining("has failed") });

    expect(await tidemark("restart", "flaky")).toMatchObject({ code: 0, said: "" });
    const second = worker("flaky");
    await second.prints(/ticks/);
    const { lastFailure, state } = JSON.parse((await tidemark("status", "flaky", "--json")).out) as JobStatus;
    expect({ lastFailure, state }).toEqual({
      lastFailure: expect.stringMatching(/^RESTARTS_EXHAUSTED: count\/0/),
      state: "running",
    });
    expect(await tidemark("drain", "flaky")).toMatchObject({ code: 0 });
  });
});

describe.skipIf(binary === undefined)("all jobs", { timeout }, () => {
  test("are listed with generations, workers and leader, and so is what belongs to none", async () => {
    const { nats, tidemark, worker } = await shell();
    expect(await tidemark("jobs")).toMatchObject({ code: 0, out: "no jobs" });
    const only = await tidemark("status");
    expect(only).toMatchObject({ code: 1, said: expect.stringMatching(/there is no job here.*handle\.status\(\)/) });

    const seams = await nats.connect();
    await seams.logs.create("TM_Strange_1_LOG", { maxBytes: 1_000_000, full: "refuse" });
    const first = worker("a", "200", "50");
    expect(await first.ended()).toMatchObject({ code: 0 });
    const run = ["run", "test/e2e/programs/ticking.ts", "--new", "--nats", nats.server.url];
    const second = startTidemark([...run, "--", "a", "200", "100000"]);
    await second.prints(/ticks/);
    const other = worker("a-b");
    await other.prints(/ticks/);
    const { jobs, strange } = JSON.parse((await tidemark("jobs", "--json")).out) as JobListing;
    expect(jobs).toMatchObject([
      { job: "a", generation: 1, isCurrent: false, state: "completed", workers: 0, leader: "none", streams: 6 },
      { job: "a", generation: 2, isCurrent: true, state: "running", workers: 1, streams: 7 },
      { job: "a-b", generation: 1, isCurrent: true, state: "running", workers: 1 },
    ]);
    expect(jobs[1]?.leader).toMatch(/^\w+$/);
    expect(strange.map(({ name }) => name)).toEqual(["TM_Strange_1_LOG"]);
    const { out } = await tidemark("jobs");
    expect(out).toMatch(/^JOB +GENERATION +STATE/);
    expect(out).toMatch(/\na +1 \(old\) +completed/);
    expect(out).toContain("1 stream of no job");
    const unknown = await tidemark("status", "b");
    expect(unknown).toMatchObject({ code: 1, said: expect.stringMatching(/no job "b": there are a, a-b/) });
    const several = await tidemark("status");
    expect(several).toMatchObject({ code: 1, said: expect.stringContaining("several jobs: a, a-b; name one") });
  });
});

describe.skipIf(binary === undefined)("delete", { timeout }, () => {
  test("one generation, then the job: refused while it runs or lives; its own streams, and nobody else's", async () => {
    const { tidemark, worker, streams } = await shell();
    const [mine, other] = [worker("a"), worker("a-b")];
    await mine.prints(/ticks/);
    await other.prints(/ticks/);
    expect(await tidemark("delete", "a")).toMatchObject({ code: 2, said: expect.stringContaining("--yes") });
    expect(await tidemark("delete", "a", "--yes")).toMatchObject({
      code: 1,
      said: expect.stringMatching(/^JOB_NOT_RUNNABLE: .*is running: end it with tidemark stop a/),
    });
    expect(await tidemark("delete", "a", "--yes", "--generation", "7")).toMatchObject({
      code: 1,
      said: expect.stringContaining("no generation 7; it has 1"),
    });
    expect(await tidemark("delete", "a", "--yes", "--generation", "x")).toMatchObject({ code: 2 });
    await tidemark("stop", "a");
    const before = await streams();
    const deleted = await tidemark("delete", "a", "--yes", "--json");
    expect(deleted).toMatchObject({ code: 0, said: "" });
    expect(JSON.parse(deleted.out)).toMatchObject({ job: "a", generations: [1], isWhole: true, streams: 7 });
    expect(await streams()).toEqual(before.filter((name) => name.includes("TM_a-b")));
    expect(await tidemark("delete", "a", "--yes")).toMatchObject({ code: 1, said: expect.stringContaining("a-b") });
    const fresh = worker("a", "200", "50");
    expect(await fresh.ended()).toMatchObject({ code: 0 });
  });

  test("--force stops it first", async () => {
    const { tidemark, worker, streams } = await shell();
    const mine = worker("forced");
    await mine.prints(/ticks/);
    expect(await tidemark("delete", "forced", "--yes", "--force")).toMatchObject({ code: 0, said: "" });
    expect(await mine.ended()).toMatchObject({ code: 0 });
    expect(await streams()).toEqual([]);
  });

  test('retain: "none" keeps nothing of a completed generation but that it has completed', async () => {
    const { tidemark, worker, streams } = await shell();
    const both = [worker("brief", "200", "300", "none"), worker("brief", "200", "300", "none")];
    for (const each of both) expect(await each.ended()).toMatchObject({ code: 0 });
    expect(await streams()).toEqual(["KV_TM_brief"]);
    const again = worker("brief", "200", "300", "none");
    expect(await again.ended()).toMatchObject({ code: 0 });
    expect(again.stderr.join("\n")).toContain("has completed");
    expect(JSON.parse((await tidemark("status", "--json")).out)).toMatchObject({ state: "completed", leader: "none" });
  });
});
