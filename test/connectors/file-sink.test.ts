import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, copyFile, mkdir, readdir, readFile, rm, stat, symlink, truncate, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { beforeEach, describe, expect, test } from "vitest";
import { file } from "../../framework/connectors/file.ts";
import { noCluster } from "./home.ts";
import { FileSinkJob, linesTo, rowsIn, rowsSeenIn } from "./file-sink-job.ts";
import { temporaryFolder } from "./temporary-folder.ts";
import { identityOf, rowsFor } from "./writing.ts";

let folder = "";
let path = "";
beforeEach(async () => {
  folder = await temporaryFolder();
  path = join(folder, "out.jsonl");
});

async function partFiles(): Promise<readonly string[]> {
  return (await readdir(folder)).filter((name) => name.endsWith(".part"));
}

async function jobOn(target = path): Promise<FileSinkJob> {
  const job = new FileSinkJob(file(target));
  await job.claim();
  return job;
}

test("it is one two-phase sink for the whole stage", () => {
  expect(file("out.jsonl")).toMatchObject({
    guarantee: "twoPhase",
    placement: "global",
    name: "file",
    description: "file(out.jsonl)",
  });
});

describe("in order", () => {
  test("rows are visible after the commit, not before", async () => {
    const job = await jobOn();
    await job.current.write(3);
    await job.current.prepare();
    job.movePointer();
    await expect(stat(path)).rejects.toMatchObject({ code: "ENOENT" });
    await job.commit();
    expect(await rowsIn(path)).toBe(3);
    await job.current.write(2);
    expect(await rowsIn(path)).toBe(3);
    await job.current.prepare();
    job.movePointer();
    expect(await rowsIn(path)).toBe(3);
    await job.commit();
    expect(await rowsIn(path)).toBe(5);
  });

  test("no part file is left when everything is committed and closed", async () => {
    const job = await jobOn();
    await job.snapshot(3);
    await job.snapshot(0);
    await job.snapshot(4);
    await job.current.writer.close();
    expect(await partFiles()).toEqual([]);
  });

  test("T1: a new generation replaces what was there, in one step, with its first commit", async () => {
    await writeFile(path, "of an earlier life\n".repeat(100));
    const job = await jobOn();
    await job.current.write(2);
    await job.current.prepare();
    expect(await readFile(path, "utf8")).toMatch(/^of an earlier life\n/);
    job.movePointer();
    await job.commit();
    expect(await rowsIn(path)).toBe(2);
  });

  test("T1: a generation without a row leaves an empty file", async () => {
    await writeFile(path, "of an earlier life\n");
    await (await jobOn()).snapshot(0);
    expect(await readFile(path, "utf8")).toBe("");
  });

  test("T1: permissions and a link to the file stay", async () => {
    const link = join(folder, "link.jsonl");
    await writeFile(path, "");
    await chmod(path, 0o640);
    await symlink(path, link);
    const job = await jobOn(link);
    await job.snapshot(1);
    await job.snapshot(1);
    expect(await rowsIn(path)).toBe(2);
    expect((await stat(path)).mode & 0o777).toBe(0o640);
    expect((await readdir(folder)).toSorted()).toEqual(["link.jsonl", "out.jsonl"]);
  });

  test("many rows in one transaction are all there", async () => {
    const job = await jobOn();
    await job.snapshot(5_000);
    await job.snapshot(5_000);
    expect(await rowsIn(path)).toBe(10_000);
  });

  test("T2: whoever reads while a transaction is copied sees rows in order, all but the last one whole", async () => {
    const job = await jobOn();
    await job.snapshot(1);
    await job.current.write(20_000);
    await job.current.prepare();
    job.movePointer();
    const seen = new Set<number>();
    const committing = job.commit().then(() => "committed" as const);
    while ((await Promise.race([committing, Promise.resolve("under way")])) === "under way")
      seen.add(await rowsSeenIn(path));
    expect(await rowsIn(path)).toBe(20_001);
    expect(seen.size).toBeGreaterThan(1);
  });

  test("what JSON has no form for is refused when it is emitted", () => {
    const spec = file(path);
    expect(spec.encode?.({ a: [1, null, "é"] })).toBe('{"a":[1,null,"é"]}\n');
    for (const value of [2n, undefined, () => 1]) {
      expect(() => spec.encode?.(value)).toThrow(expect.objectContaining({ code: "ROW_REFUSED" }));
    }
  });
});

describe("a crash", () => {
  test("before `prepare`: the rows are written again", async () => {
    const job = await jobOn();
    await job.snapshot(2);
    await job.current.write(3);
    await job.claim();
    expect(await rowsIn(path)).toBe(2);
    expect(await partFiles()).toEqual([]);
    await job.snapshot(5);
    expect(await rowsIn(path)).toBe(7);
  });

  test("between `prepare` and the pointer: what was prepared is thrown away", async () => {
    const job = await jobOn();
    await job.current.write(3);
    await job.current.prepare();
    await job.claim();
    expect(await partFiles()).toEqual([]);
    await job.snapshot(1);
    await job.current.write(3);
    await job.current.prepare();
    await job.claim();
    await job.snapshot(1);
    expect(await rowsIn(path)).toBe(2);
  });

  test.each([0, 2])("between the pointer and `commit`, after %d rows: the next incarnation commits", async (before) => {
    const job = await jobOn();
    if (before > 0) await job.snapshot(before);
    await job.current.write(3);
    await job.current.prepare();
    job.movePointer();
    await job.claim();
    expect(await rowsIn(path)).toBe(before + 3);
    expect(await partFiles()).toEqual([]);
  });

  test("T2: in the middle of `commit`, at any byte: the next one completes it", async () => {
    for (const torn of [0, 1, 60, 130, 200]) {
      const job = await jobOn();
      await job.snapshot(2);
      await job.current.write(3);
      await job.current.prepare();
      const [part = ""] = await partFiles();
      const saved = join(folder, "saved");
      await copyFile(join(folder, part), saved);
      job.movePointer();
      await job.commit();
      await truncate(path, linesTo(2).length + torn);
      await copyFile(saved, join(folder, part));
      await job.claim();
      expect(await rowsIn(path)).toBe(5);
      await job.snapshot(1);
      expect(await rowsIn(path)).toBe(6);
      await job.current.writer.close();
    }
  });

  test("after `commit`: repeating it changes nothing, also when later rows are there", async () => {
    const job = await jobOn();
    await job.current.write(2);
    const first = await job.current.writer.prepare?.();
    if (first === undefined) throw new Error("nothing was prepared");
    await job.current.writer.commit?.(first);
    await job.current.write(2);
    const second = await job.current.writer.prepare?.();
    if (second === undefined) throw new Error("nothing was prepared");
    await job.current.writer.commit?.(second);
    await job.current.writer.commit?.(first);
    expect(await rowsIn(path)).toBe(4);
    await job.current.writer.close();
    const successor = new FileSinkJob(file(path), {}, { last: 4, listed: [first, second] });
    await successor.claim();
    expect(await rowsIn(path)).toBe(4);
    await successor.snapshot(1);
    expect(await rowsIn(path)).toBe(5);
  });

  test("T4: a snapshot without new rows still says where the file ends", async () => {
    const job = await jobOn();
    await job.snapshot(3);
    await job.snapshot(0);
    await job.claim();
    await job.snapshot(2);
    expect(await rowsIn(path)).toBe(5);
  });

  test("a zombie that commits late, writes on or closes changes nothing", async () => {
    const job = await jobOn();
    await job.current.write(2);
    await job.current.prepare();
    job.movePointer();
    const listed = job.current;
    await job.claim();
    await job.snapshot(3);
    await job.zombieCommits(listed);
    await listed.write(10);
    await listed.prepare();
    expect(await rowsIn(path)).toBe(5);
    await job.snapshot(1);
    await listed.write(1);
    await listed.writer.close();
    expect(await rowsIn(path)).toBe(6);
    await job.claim();
    expect(await partFiles()).toEqual([]);
  });

  test("part files of other jobs, generations, sinks and of later epochs are left alone", async () => {
    const others = ["other.1.out.1", "test.2.out.1", "test.1.late.1", "test.1.out.99"].map(
      (id) => `out.jsonl.${id}.1.part`,
    );
    for (const name of others) await writeFile(join(folder, name), "x\n");
    await writeFile(join(folder, "out.jsonl.test.1.out.1.7.part"), "x\n");
    await jobOn();
    expect((await partFiles()).toSorted()).toEqual(others.toSorted());
  });

  test("T5: `close` does not take away what `prepare` is just answering", async () => {
    const job = await jobOn();
    await job.current.write(2);
    const preparing = job.current.prepare();
    await Promise.all([preparing, job.current.writer.close()]);
    job.movePointer();
    await job.claim();
    expect(await rowsIn(path)).toBe(2);
  });

  test("a closed writer takes nothing", async () => {
    const writer = await file(path).open(identityOf(), noCluster);
    await writer.write(rowsFor(file(path), [1]));
    await writer.close();
    await expect(writer.write(rowsFor(file(path), [2], 2))).rejects.toMatchObject({ code: "SINK_UNAVAILABLE" });
    await expect(writer.prepare?.()).rejects.toMatchObject({ code: "SINK_UNAVAILABLE" });
    expect(await partFiles()).toEqual([]);
  });
});

describe("whatever the order of writes, cuts, commits, crashes and zombies", () => {
  type Step = readonly ["write" | "prepare" | "movePointer" | "commit" | "crash" | "close" | "zombie", number];
  const step: fc.Arbitrary<Step> = fc.tuple(
    fc.constantFrom("write", "write", "prepare", "movePointer", "commit", "crash", "close", "zombie"),
    fc.nat({ max: 9 }),
  );

  async function run(job: FileSinkJob, [kind, size]: Step): Promise<void> {
    switch (kind) {
      case "write":
        return job.current.write(size);
      case "prepare":
        return job.current.prepare();
      case "movePointer":
        return job.movePointer();
      case "commit":
        return job.commit();
      case "crash":
        return job.claim();
      case "close":
        await job.current.writer.close();
        return job.claim();
      case "zombie":
        return wake(job, size);
    }
  }

  async function checkVisible(job: FileSinkJob): Promise<void> {
    const [least, most] = job.visible;
    const isOfEarlierLife = (await readFile(path, "utf8")) === "of an earlier life\n";
    const rows = isOfEarlierLife ? 0 : await rowsIn(path);
    expect(rows).toBeGreaterThanOrEqual(least);
    expect(rows).toBeLessThanOrEqual(most);
  }

  async function wake(job: FileSinkJob, size: number): Promise<void> {
    const zombie = job.zombies.at(-1 - (size % 3));
    if (zombie === undefined) return;
    try {
      if (size % 2 === 0) await job.zombieCommits(zombie);
      else if (size % 4 === 1) await zombie.write(size);
      else await zombie.prepare();
    } catch (error) {
      expect(error).toMatchObject({ code: "SINK_UNAVAILABLE" });
    }
  }

  test("a reader sees the committed rows, whole, in order, once", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
        await rm(path, { force: true });
        await writeFile(path, "of an earlier life\n");
        const job = await jobOn();
        for (const next of steps) {
          await run(job, next);
          await checkVisible(job);
        }
        await job.snapshot(1);
        expect(await rowsIn(path)).toBe(job.current.written);
        await job.claim();
        expect(await rowsIn(path)).toBe(job.current.written);
        await job.current.writer.close();
      }),
      { numRuns: 100 },
    );
  });
});

describe("a process that is killed", () => {
  const program = fileURLToPath(new URL("file-sink-process.ts", import.meta.url));

  async function killedAfter(epoch: number, ms: number): Promise<void> {
    const child: ChildProcess = spawn(process.execPath, [program, path, join(folder, "pointer"), String(epoch)], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    if (child.stdout === null) throw new Error("no output");
    await once(child.stdout, "data");
    await sleep(ms);
    child.kill("SIGKILL");
    await once(child, "exit");
  }

  test("loses and repeats nothing, and others see whole rows only", async () => {
    let rows = 0;
    for (const [at, ms] of [5, 13, 31, 47].entries()) {
      await killedAfter(at + 1, ms);
      const pointer = JSON.parse(
        await readFile(join(folder, "pointer"), "utf8").catch(() => '{"last":0,"listed":[]}'),
      ) as {
        readonly last: number;
        readonly listed: readonly string[];
      };
      const listed = pointer.listed.map((prepared) => Buffer.from(prepared, "base64"));
      const job = new FileSinkJob(file(path), {}, { last: pointer.last, listed });
      await job.claim();
      // Before the first snapshot there may be no file yet.
      expect(await rowsIn(path).catch(() => 0)).toBe(pointer.last);
      expect(pointer.last).toBeGreaterThanOrEqual(rows);
      rows = pointer.last;
      await job.current.writer.close();
    }
    expect(rows).toBeGreaterThan(0);
  });
});

describe("T3: a file that others have changed", () => {
  test("is not written into behind its end", async () => {
    const job = await jobOn();
    await job.snapshot(3);
    await truncate(path, 10);
    await expect(job.snapshot(1)).rejects.toMatchObject({ code: "DATA_LOST" });
  });

  test("is noticed when committed rows are not there any more", async () => {
    const job = await jobOn();
    await job.snapshot(3);
    await writeFile(path, "x".repeat(1_000));
    await expect(job.claim()).rejects.toMatchObject({
      code: "DATA_LOST",
      message: expect.stringContaining("others") as string,
    });
  });

  test("or removed", async () => {
    const job = await jobOn();
    await job.snapshot(3);
    await rm(path);
    await expect(job.snapshot(1)).rejects.toMatchObject({ code: "DATA_LOST" });
  });
});

describe("a path that cannot be written", () => {
  test("is refused before anything starts", async () => {
    const directory = join(folder, "directory");
    await mkdir(directory);
    for (const bad of [directory, join(folder, "missing", "out.jsonl"), join(folder, "x".repeat(200)), "/dev/null"]) {
      const refusal = { code: "PATH_UNUSABLE", message: expect.stringContaining(basename(bad)) as string };
      await expect(file(bad).validate?.(noCluster)).rejects.toMatchObject(refusal);
    }
  });

  test("a writable one is not touched by the check", async () => {
    await file(path).validate?.(noCluster);
    expect(await readdir(folder)).toEqual([]);
    await writeFile(path, "old\n");
    await file(path).validate?.(noCluster);
    expect(await readFile(path, "utf8")).toBe("old\n");
  });

  test("two sinks do not write into one path", async () => {
    const first = await file(path).open(identityOf({ sink: "averages" }), noCluster);
    const second = file(path).open(identityOf({ sink: "maxima" }), noCluster);
    await expect(second).rejects.toMatchObject({
      code: "PATH_UNUSABLE",
      message: expect.stringContaining("averages") as string,
    });
    await first.close();
    await (await file(path).open(identityOf({ sink: "maxima" }), noCluster)).close();
  });

  test("a disk that is away is waited for", async () => {
    const away = join(folder, "away");
    await mkdir(away);
    const writer = await file(join(away, "out.jsonl")).open(identityOf(), noCluster);
    await rm(away, { recursive: true });
    await expect(writer.write(rowsFor(file(path), [1]))).rejects.toMatchObject({ code: "SINK_UNAVAILABLE" });
    await mkdir(away);
    await writer.write(rowsFor(file(path), [1]));
    const prepared = await writer.prepare?.();
    if (prepared === undefined) throw new Error("nothing was prepared");
    await writer.commit?.(prepared);
    expect(await readFile(join(away, "out.jsonl"), "utf8")).toBe("1\n");
  });
});
