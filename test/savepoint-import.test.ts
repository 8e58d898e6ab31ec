/** A savepoint that comes in a file: read as it is, and taken in as one of the job's own. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { job, type Job } from "../framework/api/job.ts";
import { lookAtSavepoint } from "../framework/administration/savepoint-look.ts";
import { listSavepoints, openSavepoint } from "../framework/administration/savepoints.ts";
import { discard } from "../framework/connectors/callback.ts";
import { fromArray } from "../framework/connectors/memory.ts";
import { MemorySeams } from "../framework/log/memory-seams.ts";
import { silentLogger } from "../framework/platform/logger.ts";
import { systemRandom } from "../framework/platform/random.ts";
import { realClock } from "../framework/platform/real-clock.ts";
import { openSavepointFile, writeSavepointFile, type SavepointFile } from "../framework/savepoint-file.ts";
import { importSavepoint, readableFile } from "../framework/savepoint-import.ts";
import { readingStore } from "../framework/actor/snapshot-store.ts";
import { decodeSavepointIndex } from "../framework/record/wire/savepoint.ts";
import { testJob } from "../framework/testing/test-job.ts";

function plant(): Job {
  const program = job("plant", { partitions: 2 });
  program
    .source("words", fromArray<string>([]))
    .keyBy((word) => word)
    .reduce((a) => a)
    .named("words-seen")
    .to(discard());
  return program;
}

/** A savepoint of a job that has read `words`, in a file. */
async function carried(words: readonly string[], name = "first"): Promise<SavepointFile> {
  const t = await testJob(plant());
  await t.feed("words", words);
  await t.savepoint(name);
  const platform = { clock: t.virtualClock, random: systemRandom(), logger: silentLogger };
  const writing = openSavepoint({ platform, seams: t.seams, by: "test" }, "plant", name);
  await t.settle();
  const folder = await mkdtemp(join(tmpdir(), "tidemark-import-"));
  const path = join(folder, "a.savepoint");
  const open = await writing;
  const blobs = { get: (chunk: string) => driven(t, open.blobs.get(chunk)) };
  await writeSavepointFile(path, { ...open, blobs });
  const file = await openSavepointFile(path);
  onTestFinished(async () => {
    await file.close();
    await rm(folder, { recursive: true });
  });
  return file;
}

/** What comes on the test's clock. */
async function driven<V>(t: { settle(): Promise<void> }, answer: Promise<V>): Promise<V> {
  await t.settle();
  return answer;
}

function elsewhere() {
  const platform = { clock: realClock(), random: systemRandom(), logger: silentLogger };
  const seams = new MemorySeams(platform.clock);
  return { seams, administrator: { platform, seams, by: "test" } };
}

test("a file is read like a job's own savepoints, the index included", async () => {
  const file = await carried(["a", "b"]);
  const { blobs, index } = readableFile(file);
  expect(decodeSavepointIndex(await readingStore(blobs).getSegment(index))).toEqual(file.index);
});

test("what was taken in is the savepoint that the file holds; once more changes nothing", async () => {
  const file = await carried(["a", "b", "c"]);
  const { seams, administrator } = elsewhere();
  await importSavepoint(seams, file);
  await importSavepoint(seams, file);
  expect(await listSavepoints(administrator, "plant")).toMatchObject([{ name: "first", state: "complete" }]);
  const open = await openSavepoint(administrator, "plant", "first");
  expect(await lookAtSavepoint(open)).toEqual(await lookAtSavepoint(file));
});

test("SI1: another savepoint of that name is left alone, and named", async () => {
  const { seams, administrator } = elsewhere();
  await importSavepoint(seams, await carried(["a"]));
  const other = await carried(["a", "b"]);
  const change = { ...other, index: { ...other.index, atMs: other.index.atMs + 1 } };
  await expect(importSavepoint(seams, change)).rejects.toThrow(/another savepoint first here.*delete that one/);
  const { index } = await openSavepoint(administrator, "plant", "first");
  expect(index.atMs).not.toBe(change.index.atMs);
});
