/**
 * Savepoints as released versions have written them: every later version goes on from each of them. A file that does not pass any more is never written anew: the
 * reader has to be put right.
 */
import { readdir, readFile } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import { VirtualClock } from "../../framework/platform/virtual-clock.ts";
import { savepointFormat } from "../../framework/protocol/restore.ts";
import { placeOf, readSavepoint, type SavepointFile } from "../../framework/scripts/golden/savepoint-file.ts";
import { feedPart, partitionsBefore, saidBy, savepointJob, savepointName } from "../../framework/scripts/golden/savepoint-job.ts";
import { testJob, type TestJob } from "../../framework/testing/test-job.ts";
import type { TestPlace } from "../../framework/testing/test-joining.ts";

const folder = new URL("savepoints/", import.meta.url);
const files = (await readdir(folder)).toSorted();

async function restored(file: SavepointFile, partitions: number): Promise<TestJob> {
  const clock = new VirtualClock({ wallMs: 0 });
  const placed = placeOf(file, clock);
  await clock.settle();
  const { plan } = await testJob(savepointJob(), { now: 0 });
  const place: TestPlace = { seams: await placed, plan, settle: () => clock.settle() };
  return testJob(savepointJob(), { now: 0, partitions, from: { test: place, savepoint: savepointName } });
}

/** What the job says behind the savepoint, without one. */
async function expected(): Promise<readonly string[]> {
  const t = await testJob(savepointJob(), { now: 0, partitions: partitionsBefore });
  await feedPart(t, 0);
  saidBy(t);
  await feedPart(t, 1);
  await t.endOfInput();
  return saidBy(t);
}

test("there is one of the format that this version writes", () => {
  expect(files).toContain(`format-${savepointFormat}.json`);
});

describe.each(files)("%s", (name) => {
  test.each([partitionsBefore, 3, 7])("goes on at %i partitions", async (partitions) => {
    const file = JSON.parse(await readFile(new URL(name, folder), "utf8")) as SavepointFile;
    const t = await restored(file, partitions);
    await feedPart(t, 1);
    await t.endOfInput();
    expect(t.deadLetters()).toEqual([]);
    expect(saidBy(t)).toEqual(await expected());
  });

  test("comes back from a place as it went in", async () => {
    const file = JSON.parse(await readFile(new URL(name, folder), "utf8")) as SavepointFile;
    const clock = new VirtualClock({ wallMs: 0 });
    const again = placeOf(file, clock).then((seams) => readSavepoint(seams, file.job, file.savepoint));
    await clock.settle();
    expect(await again).toEqual(file);
  });
});
