/**
 * Fleets as users have them: processes that start processes, what becomes of them, and the exit code.
 */
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { JobBus } from "../../framework/actor/job-bus.ts";
import type { JobStatus } from "../../framework/actor/job-status.ts";
import { JobNames } from "../../framework/log/names.ts";
import { temporaryFolder } from "../connectors/temporary-folder.ts";
import { runTidemark } from "../support/command.ts";
import { binaryForTests, natsForTests, type NatsForTests } from "../support/nats.ts";
import { childrenOf, isAlive } from "../support/processes.ts";
import { type Program, startNode, startTidemark } from "../support/program.ts";
import { until } from "../support/until.ts";

const timeout = 180_000;
const binary = await binaryForTests();

async function server(): Promise<NatsForTests> {
  const nats = await natsForTests({}, onTestFinished);
  if (nats === undefined) throw new Error("no nats-server");
  return nats;
}

/** The worker processes of a fleet, oldest first. */
function workersOf({ processId }: Program): number[] {
  return childrenOf(processId)
    .filter(({ command }) => !command.includes("nats-server"))
    .map((worker) => worker.processId);
}

/** What the leader of `job` says; undefined as long as there is none. */
async function statusOf(nats: NatsForTests, job: string): Promise<() => Promise<JobStatus | undefined>> {
  const { bus } = await nats.connect();
  return () => new JobBus(bus, new JobNames(job, 1)).status().catch(() => undefined);
}

async function eventually(what: string, holds: () => Promise<boolean>, limitMs = 60_000): Promise<void> {
  const endMs = performance.now() + limitMs;
  while (!(await holds())) {
    if (performance.now() > endMs) throw new Error(`not within ${limitMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** Every worker of a fleet of `count` has joined, and has something to do. */
async function allAtWork(nats: NatsForTests, job: string, count: number): Promise<JobStatus> {
  const ask = await statusOf(nats, job);
  let found: JobStatus | undefined;
  const isAtWork = async () => {
    found = await ask();
    return (
      found !== undefined &&
      found.workers.filter(({ instances }) => instances > 0).length === count &&
      found.instances.every(({ state }) => state === "running")
    );
  };
  await eventually(`${count} workers at work`, isAtWork).catch((error: unknown) => {
    throw new Error(JSON.stringify(found), { cause: error });
  });
  if (found === undefined) throw new Error("no status");
  return found;
}

const program = "test/e2e/programs/counting.ts";

/** A job that never ends by itself. */
function startCounting(nats: NatsForTests, name: string, workers: number): Program {
  return startNode([program, name, "500", "1000000", String(workers), nats.server.url]);
}

interface Counted {
  readonly key: number;
  readonly from: number;
  readonly value: number;
}

/** Windows of `counting.ts` in the output, each once. @throws on a line that is none */
function counted({ stdout }: Program): ReadonlyMap<string, number> {
  const lines = stdout.map((line) => JSON.parse(line) as Counted);
  return new Map(lines.map(({ key, from, value }) => [`${key}@${from}`, value]));
}

describe.skipIf(binary === undefined)("a fleet", { timeout }, () => {
  test("starts a nats-server when none is named, ends with the job, and leaves nothing behind", async () => {
    const temporary = await temporaryFolder();
    const fleet = startTidemark(["run", "examples/quick-start.ts", "--workers", "2"], { TMPDIR: temporary });
    const said = await fleet.prints(/^nats-server of this fleet: nats:\/\/127\.0\.0\.1:\d+/);
    expect(said).toContain("keeps nothing");
    await until("there is a server", () =>
      childrenOf(fleet.processId).some(({ command }) => command.includes("nats-server")),
    );
    const children = childrenOf(fleet.processId).map(({ processId }) => processId);
    expect(await fleet.ended()).toMatchObject({ code: 0 });
    expect(
      fleet.stdout.toSorted().map((line) => (JSON.parse(line) as { value: { value: number } }).value.value),
    ).toEqual([75, 90, 12]);
    expect(fleet.stderr).toEqual([said]);
    expect(children.filter(isAlive)).toEqual([]);
    expect(readdirSync(temporary).filter((name) => name.startsWith("tidemark-nats"))).toEqual([]);
  });

  test("a directory that is named keeps the job, and belongs to one server at a time", async () => {
    const directory = join(await temporaryFolder(), "streams");
    const run = ["run", "examples/quick-start.ts", "--workers", "1", "--directory", directory];
    const first = startTidemark(run);
    await first.prints(/its streams are kept in .*streams/);
    const second = startTidemark(run);
    expect(await second.ended()).toMatchObject({ code: 1 });
    expect(second.stderr).toEqual([
      expect.stringMatching(/^PATH_UNUSABLE: .*streams belongs to the nats-server of process \d+/),
    ]);
    expect(await first.ended()).toMatchObject({ code: 0 });
    expect(existsSync(join(directory, ".tidemark", "jetstream"))).toBe(true);

    const third = startTidemark(run);
    expect(await third.ended()).toMatchObject({ code: 0 });
    expect(third.stdout).toEqual([]);
    expect(third.stderr.join("\n")).toContain("quick-start, generation 1, has completed");
    const next = startTidemark([...run, "--new"]);
    expect(await next.ended()).toMatchObject({ code: 0 });
    expect(next.stdout).toHaveLength(3);
  });

  test("replaces a worker that is killed, and one that is asked to go; the job goes on", async () => {
    const nats = await server();
    const fleet = startCounting(nats, "replaced", 2);
    const { workers: before } = await allAtWork(nats, "replaced", 2);
    const [killed, asked] = before.map(({ processId }) => processId);
    expect(workersOf(fleet)).toEqual(expect.arrayContaining([killed, asked]));
    process.kill(killed ?? 0, "SIGKILL");
    process.kill(asked ?? 0, "SIGTERM");
    const ask = await statusOf(nats, "replaced");
    await eventually("both replaced", async () => {
      const workers = (await ask())?.workers ?? [];
      return workers.length === 2 && workers.every(({ processId }) => processId !== killed && processId !== asked);
    });
    await allAtWork(nats, "replaced", 2);
    expect(fleet.stderr.filter((line) => line.includes("is replaced"))).toHaveLength(2);
    expect(fleet.stderr.find((line) => line.includes("SIGKILL"))).toContain("is replaced");
    fleet.send("SIGTERM");
    expect(await fleet.ended()).toMatchObject({ code: 0 });
  });

  test("a death is told at once: its instances have another worker within a second, not after the silence", async () => {
    const nats = await server();
    const fleet = startCounting(nats, "told", 3);
    const ask = await statusOf(nats, "told");
    const tookMs: number[] = [];
    // A machine that is busy may take as long as the silence, once.
    while (tookMs.length < 3 && !tookMs.some((ms) => ms < 1_900)) {
      const { workers, leader } = await allAtWork(nats, "told", 3);
      const victim = workers.find(({ worker }) => leader !== "none" && worker !== leader.worker);
      process.kill(victim?.processId ?? 0, "SIGKILL");
      const killedMs = performance.now();
      await eventually("its instances have another worker", async () => {
        const instances = (await ask())?.instances ?? [];
        return instances.length > 0 && instances.every(({ worker }) => worker !== victim?.worker);
      });
      tookMs.push(performance.now() - killedMs);
    }
    expect(Math.min(...tookMs)).toBeLessThan(1_900);
    fleet.send("SIGTERM");
    await fleet.ended();
  });

  test.each(["SIGTERM", "SIGINT"] as const)(
    "%s: every worker leaves in order, exit code 0 within 10 s",
    async (signal) => {
      const nats = await server();
      const fleet = startCounting(nats, "asked", 3);
      await allAtWork(nats, "asked", 3);
      const workers = workersOf(fleet);
      // As a terminal does: the whole group hears it.
      if (signal === "SIGINT") for (const worker of workers) process.kill(worker, signal);
      fleet.send(signal);
      const ending = await fleet.ended();
      expect(ending).toMatchObject({ code: 0, signal: null });
      expect(ending.ms).toBeLessThan(10_000);
      expect(fleet.stderr).toEqual([expect.stringMatching(/^stopped: \d+ in$/)]);
      expect(workers.filter(isAlive)).toEqual([]);
    },
  );

  test("a second signal ends all of it at once", async () => {
    const nats = await server();
    const fleet = startTidemark(["run", "examples/host-monitor.ts", "--workers", "2", "--nats", nats.server.url]);
    await allAtWork(nats, "host-monitor", 2);
    const workers = workersOf(fleet);
    // So that the first one has something to wait for.
    await nats.server.kill("SIGSTOP");
    fleet.send("SIGINT");
    fleet.send("SIGTERM");
    const ending = await fleet.ended();
    await nats.server.kill("SIGCONT");
    expect(ending).toMatchObject({ code: 130 });
    // Without it they would wait for their last snapshots: 10 s.
    expect(ending.ms).toBeLessThan(5_000);
    await until("no worker is left", () => !workers.some(isAlive));
  });

  test("whose starter is killed leaves no orphans: workers leave, and end its server", async () => {
    const temporary = await temporaryFolder();
    const fleet = startTidemark(["run", "examples/host-monitor.ts", "--workers", "2"], { TMPDIR: temporary });
    await fleet.prints(/average CPU/);
    const children = childrenOf(fleet.processId).map(({ processId }) => processId);
    expect(children).toHaveLength(3);
    fleet.send("SIGKILL");
    await until("nobody is left", () => !children.some(isAlive), 20_000);
  });

  test("whose nats-server dies starts it again, on the same port and data", async () => {
    const fleet = startNode([program, "revived", "400", "2000", "2"]);
    const said = await fleet.prints(/^nats-server of this fleet/);
    const url = /nats:\S+/.exec(said)?.[0] ?? "";
    await until("something is counted", () => fleet.stdout.length > 10, 60_000);
    const dies = childrenOf(fleet.processId).find(({ command }) => command.includes("nats-server"));
    process.kill(dies?.processId ?? 0, "SIGKILL");
    await fleet.prints(/nats-server has died and is started again/);
    expect(await fleet.ended()).toMatchObject({ code: 0 });
    expect(fleet.stderr.join("\n")).toContain(url);
    expect(fleet.stderr).toContain("completed: 2000 in");
    expect([...counted(fleet).values()].reduce((sum, value) => sum + value, 0)).toBe(2_000);
  });

  test("is a handle in the starter: drained from there, with the totals at the end", async () => {
    const nats = await server();
    const args = [program, "drained", "500", "1000000", "2", nats.server.url];
    const fleet = startNode(args, { DRAIN_AFTER: "500" });
    expect(await fleet.ended()).toMatchObject({ code: 0 });
    // Its workers run the same program: what follows `start` happens once.
    expect(fleet.stderr.filter((line) => line === "started")).toHaveLength(1);
    const [, drained] = /^completed: (\d+) in$/.exec(fleet.stderr.at(-1) ?? "") ?? [];
    expect(Number(drained)).toBeGreaterThan(0);
    expect([...counted(fleet).values()].reduce((sum, value) => sum + value, 0)).toBe(Number(drained));
  });

  test("with more workers than instances runs, and says that some are idle", async () => {
    const nats = await server();
    const fleet = startNode([program, "idle", "500", "3000", "7", nats.server.url]);
    expect(await fleet.ended()).toMatchObject({ code: 0 });
    expect(fleet.stderr.filter((line) => line.includes("idle"))).toEqual([
      expect.stringContaining("2 of 7 workers are idle: the job has 5 instances"),
    ]);
    expect(counted(fleet).size).toBe(300);
  });

  test("whose server and workers die together goes on when the server is back", async () => {
    const nats = await server();
    const fleet = startNode([program, "all-dead", "400", "3000", "2", nats.server.url]);
    const { workers } = await allAtWork(nats, "all-dead", 2);
    await nats.server.kill("SIGKILL");
    for (const { processId } of workers) process.kill(processId, "SIGKILL");
    await fleet.prints(/is replaced.*SERVER_UNREACHABLE/);
    await nats.server.restart();
    expect(await fleet.ended()).toMatchObject({ code: 0 });
    expect(fleet.stderr).toContain("completed: 3000 in");
    const windows = counted(fleet);
    expect(windows.size).toBe(300);
    expect(new Set(windows.values())).toEqual(new Set([10]));
  });

  test("ends when its job is stopped by a command, and replaces nobody", async () => {
    const nats = await server();
    const fleet = startCounting(nats, "commanded", 2);
    await allAtWork(nats, "commanded", 2);
    const stop = startTidemark(["stop", "commanded", "--nats", nats.server.url]);
    expect(await stop.ended()).toMatchObject({ code: 0 });
    expect(await fleet.ended()).toMatchObject({ code: 0 });
    expect(fleet.stderr.at(-1)).toMatch(/^stopped: \d+ in$/);
    expect(fleet.stderr.filter((line) => line.includes("replaced"))).toEqual([]);
  });

  test("lines of its workers stay whole, however long", async () => {
    const nats = await server();
    const args = [program, "long-lines", "2000", "3000", "3", nats.server.url];
    const fleet = startNode(args, { PADDING: "30000" });
    expect(await fleet.ended()).toMatchObject({ code: 0 });
    const windows = counted(fleet);
    expect(windows.size).toBe(300);
    expect(new Set(windows.values())).toEqual(new Set([10]));
  });

  test("--duration stops all of it", async () => {
    const nats = await server();
    const run = ["run", "examples/host-monitor.ts", "--workers", "2", "--nats", nats.server.url, "--duration", "3s"];
    const fleet = startTidemark(run);
    expect(await fleet.ended()).toMatchObject({ code: 0 });
    expect(fleet.stdout.length).toBeGreaterThan(0);
    const seams = await nats.connect();
    expect((await seams.logs.list("TM_host-monitor_2")).length).toBe(0);
  });

  test("two on one server at the same time do not touch each other", async () => {
    const nats = await server();
    const fleets = ["one", "other"].map((name) => startNode([program, name, "1000", "3000", "2", nats.server.url]));
    for (const fleet of fleets) {
      expect(await fleet.ended()).toMatchObject({ code: 0 });
      expect(fleet.stderr).toContain("completed: 3000 in");
      const windows = counted(fleet);
      expect(windows.size).toBe(300);
      expect(new Set(windows.values())).toEqual(new Set([10]));
    }
  });
});

describe.skipIf(binary === undefined)("refused, in one line", { timeout }, () => {
  test.each(["0", "-1", "1.5", "10000", "many"])("%s workers", async (workers) => {
    const { code, said } = await runTidemark(["run", "examples/quick-start.ts", `--workers=${workers}`]);
    expect(code).toBe(2);
    expect(said).toMatch(/^OPTION_INVALID: --workers is ".*"; a fleet has 1 to 256.*$/);
  });

  test("a wrong program, once for all workers", async () => {
    const fleet = startTidemark(["run", "test/e2e/programs/wrong-plan.ts", "--workers", "3"]);
    expect(await fleet.ended()).toMatchObject({ code: 2 });
    expect(fleet.stderr).toEqual([expect.stringMatching(/^PLAN_INVALID/)]);
  });

  test("a server that is down, within 5 s", async () => {
    const fleet = startTidemark(["run", "examples/quick-start.ts", "--workers", "2", "--nats", "nats://127.0.0.1:9"]);
    const ending = await fleet.ended();
    expect(ending).toMatchObject({ code: 1 });
    expect(ending.ms).toBeLessThan(6_000);
    expect(fleet.stderr).toEqual([expect.stringMatching(/^SERVER_UNREACHABLE: /)]);
  });

  test("a port that is in use", async () => {
    const { server: taken } = await server();
    const fleet = startTidemark(["run", "examples/quick-start.ts", "--workers", "2", "--port", String(taken.port)]);
    expect(await fleet.ended()).toMatchObject({ code: 1 });
    expect(fleet.stderr).toEqual([
      expect.stringMatching(new RegExp(`^SERVER_UNREACHABLE: port ${taken.port} is in use`)),
    ]);
  });

  test.each([
    [["--workers", "2", "--embedded"], /--embedded and --workers/],
    [["--port", "4222"], /add --workers/],
    [["--workers", "2", "--nats", "nats://127.0.0.1:9", "--directory", "x"], /one is named/],
    [["--workers", "2", "--nats", "nats://127.0.0.1:9", "--sync-interval", "always"], /one is named/],
    [["--workers", "2", "--sync-interval", "now and then"], /syncInterval is "now and then"; it takes "always"/],
    [["--sync-interval", "always"], /add --workers/],
  ])("%j", async (flags, message) => {
    const { code, said } = await runTidemark(["run", "examples/quick-start.ts", ...flags]);
    expect(code).toBe(2);
    expect(said).toMatch(message);
    expect(said).not.toContain("\n");
  });

  test("another version of a job that a fleet runs: the second one, before it starts anybody; the first is untouched", async () => {
    const nats = await server();
    const first = startCounting(nats, "versions", 2);
    const { workers } = await allAtWork(nats, "versions", 2);
    const second = startNode([program, "versions", "700", "1000000", "2", nats.server.url]);
    const { code } = await second.ended();
    expect(code).not.toBe(0);
    expect(second.stderr.join("\n")).toMatch(/JOB_MISMATCH/);
    const after = await allAtWork(nats, "versions", 2);
    expect(after.workers.map(({ worker }) => worker)).toEqual(workers.map(({ worker }) => worker));
    first.send("SIGTERM");
    expect(await first.ended()).toMatchObject({ code: 0 });
    expect(first.stderr.filter((line) => line.includes("replaced"))).toEqual([]);
  });
});
