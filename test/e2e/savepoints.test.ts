/**
 * Savepoints of a job on a real server, from the command line: taken, looked at, carried into a file, deleted; and what is refused.
 */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import type { SavepointLook } from "../../framework/administration/savepoint-look.ts";
import type { SavepointSummary } from "../../framework/administration/savepoints.ts";
import { runTidemark } from "../support/command.ts";
import { binaryForTests, natsForTests } from "../support/nats.ts";
import { startTidemark } from "../support/program.ts";

const binary = await binaryForTests();

async function folder(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), "tidemark-savepoints-"));
  onTestFinished(() => rm(path, { recursive: true, force: true }));
  return path;
}

describe.skipIf(binary === undefined)("savepoints of a job on a server", { timeout: 120_000 }, () => {
  test("are taken while it runs, read from the server and from a file, and outlive it", async () => {
    const nats = await natsForTests({}, onTestFinished);
    if (nats === undefined) throw new Error("no nats-server");
    const environment = { TIDEMARK_NATS: nats.server.url };
    const tidemark = (...args: readonly string[]) => runTidemark(args, environment);
    const worker = startTidemark(["run", "test/e2e/programs/ticking.ts", "--", "kept"], environment);
    await worker.prints(/ticks/);
    const file = join(await folder(), "before.savepoint");

    const taken = await tidemark("savepoint", "kept", "before", "--out", file);
    expect(taken.said).toBe("");
    expect(taken.out).toMatch(/^job kept, generation 1, has savepoint before \(.*\), in .*, too: the job goes on/);
    const again = await tidemark("savepoint", "kept", "before");
    expect(again).toMatchObject({ code: 2 });
    expect(again.said).toMatch(/OPTION_INVALID: job kept has a savepoint before already/);

    const look = JSON.parse((await tidemark("inspect", "kept", "before", "--json")).out) as SavepointLook;
    expect(look.stages.map(({ name, instances }) => `${name} ${instances.length}`)).toEqual(["numbers 1", "count 2"]);
    const fromFile = JSON.parse((await tidemark("inspect", file, "--json")).out) as SavepointLook;
    expect(fromFile).toEqual(look);

    const stopped = await tidemark("savepoint", "kept", "last", "--stop", "--json");
    expect(JSON.parse(stopped.out)).toMatchObject({ job: "kept", name: "last", isStopped: true });
    expect(await worker.ended()).toMatchObject({ code: 0 });
    const late = await tidemark("savepoint", "kept", "late");
    expect(late.said).toMatch(/JOB_NOT_RUNNABLE: .* is stopped: a savepoint is taken of a running job/);

    const deleted = await tidemark("delete", "kept", "--yes");
    expect(deleted.out).toMatch(/2 savepoints kept \(before, last\): --savepoints removes them, too/);
    const unknown = await tidemark("inspect", "kept", "nowhere");
    expect(unknown.said).toMatch(/NOT_FOUND: job kept has no savepoint "nowhere"; it has before, last/);
    expect((await tidemark("delete", "kept", "--savepoint", "before", "--yes")).code).toBe(0);
    const left = JSON.parse((await tidemark("inspect", "kept", "--json")).out) as readonly SavepointSummary[];
    expect(left.map(({ name }) => name)).toEqual(["last"]);
    expect((await tidemark("delete", "kept", "--savepoints", "--yes")).code).toBe(0);
    expect((await tidemark("inspect", "kept")).said).toMatch(/NOT_FOUND: there is no job "kept"/);

    const dry = await tidemark(
      "restore",
      "test/e2e/programs/ticking.ts",
      "--from",
      file,
      "--dry-run",
      "--json",
      "--",
      "kept",
    );
    expect(dry.said).toBe("");
    expect(JSON.parse(dry.out)).toMatchObject({ job: "kept", savepoint: "before", instances: 3 });
    expect((await tidemark("inspect", "kept")).said).toMatch(/NOT_FOUND/);
    const carried = ["restore", "test/e2e/programs/ticking.ts", "--from", file, "--", "kept"];
    const next = startTidemark(carried, environment);
    await next.prints(/ticks/);
    const known = JSON.parse((await tidemark("inspect", "kept", "--json")).out) as readonly SavepointSummary[];
    expect(known.map(({ name }) => name)).toEqual(["before"]);
    const needed = await tidemark("delete", "kept", "--savepoint", "before", "--yes");
    expect(needed.said).toMatch(/JOB_NOT_RUNNABLE: generation \d+ of job kept began from savepoint before/);
    expect((await tidemark("stop", "kept")).code).toBe(0);
    expect(await next.ended()).toMatchObject({ code: 0 });
    const other = await tidemark("restore", "test/e2e/programs/ticking.ts", "--from", file, "--", "another");
    expect(other.said).toMatch(/is of job kept, and the program's job is another/);

    const bytes = await readFile(file);
    const cut = join(await folder(), "cut.savepoint");
    await writeFile(cut, bytes.subarray(0, bytes.length - 20));
    expect((await tidemark("inspect", cut)).said).toMatch(/CORRUPT: savepoint file .*cut.savepoint: /);
    bytes[bytes.length >> 1]! ^= 1;
    await writeFile(cut, bytes);
    expect((await tidemark("inspect", cut)).said).toMatch(/CORRUPT: savepoint file .* is not what was written/);
  });
});
