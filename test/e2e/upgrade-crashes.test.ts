/**
 * Somebody dies in the middle of an upgrade, or of a restore: one of the generations goes on, every result is there once, and nothing stays held.
 */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { JobBus } from "../../framework/actor/job-bus.ts";
import type { JobStatus } from "../../framework/actor/job-status.ts";
import { generationOf, successionOf } from "../../framework/actor/succession.ts";
import { JobNames, successorRegister } from "../../framework/log/names.ts";
import { decodeJobRecord } from "../../framework/record/wire/job-record.ts";
import { binaryForTests, natsForTests } from "../support/nats.ts";
import { childrenOf, isAlive } from "../support/processes.ts";
import { startTidemark } from "../support/program.ts";

const timeout = 120_000;
const binary = await binaryForTests();
const nats = await natsForTests();
const programFile = "test/e2e/programs/counted.ts";

interface Row {
  readonly key: string;
  readonly sum: number;
  readonly version: string;
}

/** A file for results, and what is in it. */
async function resultsFile() {
  const folder = await mkdtemp(join(tmpdir(), "tidemark-upgrade-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const path = join(folder, "counts.jsonl");
  const rows = async (): Promise<readonly Row[]> => {
    const text = await readFile(path, "utf8").catch(() => "");
    const lines = text.split("\n").slice(0, -1);
    return lines.map((line) => JSON.parse(line) as Row);
  };
  /** Results of that version come, ever more of them. */
  const grows = async (version: string): Promise<void> => {
    const count = async () => (await rows()).filter((row) => row.version === version).length;
    const before = await count();
    await eventually(`more results of version ${version}`, async () => (await count()) > before + 20);
  };
  return { path, rows, grows };
}

/** A job of its own on the server of this file, the file of its results, and the commands that know both. */
async function scene(job: string) {
  if (nats === undefined) throw new Error("no nats-server");
  const { path, rows, grows } = await resultsFile();
  const tidemark = (...args: readonly string[]) => startTidemark(args, { TIDEMARK_NATS: nats.server.url });
  const begin = (command: "run" | "upgrade" | "restore", version: string, partitions: string, ...flags: string[]) =>
    tidemark(command, programFile, ...flags, "--", job, path, version, partitions);
  const seams = await nats.connect();
  const registers = await seams.registers(job);
  const status = (generation: number) => new JobBus(seams.bus, new JobNames(job, generation)).status();
  /** The successor has its savepoint: its instances take their state, each key slowly, and the switch is still to come. */
  const isMoving = async (): Promise<boolean> => {
    const found = await registers.get(successorRegister(2));
    return found !== undefined && decodeJobRecord(found.value).origin !== undefined;
  };
  const holdings = async () =>
    (await seams.holdings.list()).map(({ name }) => name).filter((name) => name.startsWith(`TM_${job}_`));
  return { tidemark, begin, registers, status, isMoving, rows, grows, holdings };
}

async function eventually(what: string, holds: () => Promise<boolean>, limitMs = 60_000): Promise<void> {
  const endMs = performance.now() + limitMs;
  while (!(await holds().catch(() => false))) {
    if (performance.now() > endMs) throw new Error(`not within ${limitMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** Of each key 1, 2, 3 …: nothing lost, nothing twice, in order. */
function expectExact(rows: readonly Row[]): void {
  const wrong = [...Map.groupBy(rows, ({ key }) => key)].filter(([, own]) => own.some(({ sum }, at) => sum !== at + 1));
  expect(wrong.map(([key, own]) => [key, own.map(({ sum }) => sum).join()])).toEqual([]);
}

function leaderOf({ leader, workers }: JobStatus): number | undefined {
  return leader === "none" ? undefined : workers.find(({ worker }) => worker === leader.worker)?.processId;
}

describe.skipIf(binary === undefined)("SIGKILL in the middle of an upgrade", { timeout }, () => {
  test("of the leader, and of a worker of the new generation: both fleets go on, the old one ends and says why", async () => {
    const { begin, registers, status, isMoving, rows, grows } = await scene("fleets");
    const old = begin("run", "1", "8", "--workers", "2");
    await grows("1");
    const leader = leaderOf(await status(1));
    const upgrade = begin("upgrade", "slow", "12", "--workers", "2");
    await eventually("state is on its way", isMoving);
    process.kill(leader ?? 0, "SIGKILL");
    const [victim] = childrenOf(upgrade.processId);
    process.kill(victim?.processId ?? 0, "SIGKILL");
    await upgrade.prints(/has been upgraded from generation 1 to 2/);
    await grows("slow");
    const workers = childrenOf(old.processId);
    expect(await old.ended()).toMatchObject({ code: 0 });
    expect(old.stderr.join("\n")).toContain("upgraded to generation 2; this worker ends");
    expect(workers.filter(({ processId }) => isAlive(processId))).toEqual([]);
    for (const { stderr } of [old, upgrade])
      expect(stderr.filter((line) => line.includes("is replaced"))).toEqual([expect.stringContaining("SIGKILL")]);
    expect(await generationOf(registers)).toBe(2);
    upgrade.send("SIGTERM");
    expect(await upgrade.ended()).toMatchObject({ code: 0 });
    expectExact(await rows());
  });

  test("of the upgrading process: the old generation goes on, and the command given again upgrades it", async () => {
    const { begin, registers, rows, grows, holdings } = await scene("left");
    const old = begin("run", "1", "8");
    await grows("1");
    const upgrade = begin("upgrade", "slow", "12");
    await eventually("state is on its way", async () => (await holdings()).includes("TM_left_2_LOG"));
    upgrade.send("SIGKILL");
    const tooEarly = begin("upgrade", "2", "12");
    expect(await tooEarly.ended()).toMatchObject({ code: 1 });
    expect(tooEarly.stderr.join("\n")).toMatch(/is held by savepoint upgrade-2 for an upgrade by .*then ask again/);
    await grows("1");
    expect(await successionOf(registers, 2)).toBe("givenUp");
    const again = begin("upgrade", "2", "12");
    await again.prints(/has been upgraded from generation 1 to 4/);
    await grows("2");
    expect(await old.ended()).toMatchObject({ code: 0 });
    expect((await holdings()).filter((name) => /_[23]_/.test(name))).toEqual([]);
    again.send("SIGTERM");
    await again.ended();
    expectExact(await rows());
  });
});

describe.skipIf(binary === undefined)(
  "SIGKILL in the middle of a restore at another number of partitions",
  { timeout },
  () => {
    test("of the leader: whoever is left restores what it had", async () => {
      const { tidemark, begin, status, rows, grows } = await scene("restored");
      const first = begin("run", "1", "8");
      await grows("1");
      await tidemark("savepoint", "restored", "before", "--stop").ended();
      await first.ended();
      // The other process may be seconds late on a busy machine: state takes its time until it is there.
      const restore = () => begin("restore", "slower", "12", "--from", "restored/before");
      const programs = [restore(), restore()];
      let found: JobStatus | undefined;
      const seen = new Set<string>();
      const isAtIt = async () => {
        found = await status(2);
        const { workers, instances } = found;
        const isRestoring = instances.some(({ state }) => state === "restoring");
        seen.add(`${workers.map((each) => each.instances).join(" and ")} instances, restoring: ${isRestoring}`);
        return workers.length === 2 && isRestoring;
      };
      await eventually("two workers, and state on its way", isAtIt).catch((error: unknown) => {
        throw new Error(`${String(error)}; seen: ${[...seen].join("; ")}`);
      });
      programs.find(({ processId }) => processId === (found && leaderOf(found)))?.send("SIGKILL");
      await grows("slower");
      for (const each of programs) each.send("SIGTERM");
      const ends = await Promise.all(programs.map((each) => each.ended()));
      expect(new Set(ends.map(({ code, signal }) => code ?? signal))).toEqual(new Set([0, "SIGKILL"]));
      expectExact(await rows());
    });
  },
);

test.skipIf(binary === undefined)(
  "a fleet keeps the nats-server that it runs when its job is upgraded, until it is asked to go",
  { timeout },
  async () => {
    const { path, rows, grows } = await resultsFile();
    const begin = (command: string, version: string, ...flags: string[]) =>
      startTidemark([command, programFile, ...flags, "--", "own", path, version, "4"]);
    const old = begin("run", "1", "--workers", "1");
    const [url = ""] = /nats:\/\/\S+/.exec(await old.prints(/^nats-server of this fleet/)) ?? [];
    await grows("1");
    const nowhere = begin("upgrade", "2", "--workers", "1");
    expect(await nowhere.ended()).toMatchObject({ code: 2 });
    expect(nowhere.stderr.join("\n")).toMatch(
      /^OPTION_INVALID: an upgrade takes place where the job runs: name its servers with --nats/,
    );
    const upgrade = begin("upgrade", "2", "--nats", url);
    await upgrade.prints(/has been upgraded from generation 1 to 2/);
    await old.prints(/^upgraded to generation 2, which needs the nats-server of this fleet/);
    await grows("2");
    for (const program of [upgrade, old]) {
      program.send("SIGTERM");
      expect(await program.ended()).toMatchObject({ code: 0 });
    }
    expectExact(await rows());
  },
);
