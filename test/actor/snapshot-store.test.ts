/** Chunks of snapshots: written once, read back, compared by length and sha256. */
import { beforeEach, expect, test } from "vitest";
import { SnapshotStore, type StoredSegment } from "../../framework/actor/snapshot-store.ts";
import { blobBytesMax } from "../../framework/log/contracts.ts";
import type { SegmentState } from "../../framework/record/snapshot-record.ts";
import { Rig, WatchedBlobs } from "./rig.ts";

let rig: Rig;
let blobs: WatchedBlobs;
let store: SnapshotStore;

beforeEach(async () => {
  rig = new Rig();
  blobs = new WatchedBlobs(await rig.result(rig.seams.blobs("job", 1)), () => undefined);
  store = new SnapshotStore(blobs, { stage: "sums", partition: 2, epoch: 7 });
});

async function put(given: readonly StoredSegment[]): Promise<readonly SegmentState[]> {
  const { segments, stored } = store.putSegments(1, given);
  await rig.result(stored);
  return segments;
}

test("R6: a chunk is named by instance, epoch, snapshot, segment, part and content", async () => {
  const [chunk] = await rig.result(store.putSegment(3, 11, Buffer.from("state")));
  expect(chunk?.name).toBe(`sums.2.7.3.11.0.${chunk?.sha256}`);
  expect(chunk?.length).toBe(5);
});

test("what is larger than a blob becomes several chunks, and comes back as one", async () => {
  const bytes = Buffer.alloc(2 * blobBytesMax + 10, "x");
  const chunks = await rig.result(store.putSegment(1, 0, bytes));
  expect(chunks.map(({ length }) => length)).toEqual([blobBytesMax, blobBytesMax, 10]);
  expect(Buffer.compare(await rig.result(store.getSegment(chunks)), bytes)).toBe(0);
});

test("an empty segment needs no chunk", async () => {
  const chunks = await rig.result(store.putSegment(1, 0, new Uint8Array(0)));
  expect(chunks).toEqual([]);
  expect((await rig.result(store.getSegment(chunks))).byteLength).toBe(0);
});

test("a chunk is read back when it is written: one that did not arrive whole is no chunk", async () => {
  blobs.damage = (_name, bytes) => bytes.subarray(1);
  await expect(rig.result(store.putSegment(1, 0, Buffer.from("state")))).rejects.toMatchObject({ code: "CORRUPT" });
});

test.each([
  ["torn", (bytes: Uint8Array) => bytes.subarray(0, 3), "found 3 bytes"],
  ["changed", (bytes: Uint8Array) => bytes.map((byte) => byte ^ 1), "sha256"],
  ["gone", () => undefined, "found nothing"],
] as const)("a chunk that is %s is refused, with what was expected and found", async (_what, damage, message) => {
  const chunks = await rig.result(store.putSegment(1, 0, Buffer.from("state")));
  blobs.damage = (_name, bytes) => damage(bytes);
  await expect(rig.result(store.getSegment(chunks))).rejects.toMatchObject({
    code: "CORRUPT",
    message: expect.stringContaining(message),
  });
});

test("small segments share a chunk, a large one stands alone; each comes back as it was", async () => {
  const large = Buffer.alloc(20_000, "l");
  const given = [
    ...Array.from({ length: 10 }, (_, index) => ({ segment: index, bytes: Buffer.alloc(9_000 + index, `${index}`) })),
    { segment: 20, bytes: large },
    { segment: 21, bytes: Buffer.from("last") },
  ];
  const stored = await put(given);
  expect(stored.map(({ segment }) => segment).toSorted((a, b) => a - b)).toEqual(given.map(({ segment }) => segment));
  // Seven of nine thousand bytes in 64 KiB.
  expect(new Set(stored.flatMap(({ chunks }) => chunks.map(({ name }) => name))).size).toBe(3);
  const back = await rig.result(store.getSegments(stored.toReversed()));
  for (const { segment, bytes } of given) {
    const found = back.find((each) => each.segment === segment);
    expect(Buffer.compare(found?.bytes ?? new Uint8Array(), bytes)).toBe(0);
  }
});

test("a shared chunk is read once, and what is changed in it is refused by the segment that it belongs to", async () => {
  const given = [0, 1, 2].map((index) => ({ segment: index, bytes: Buffer.from(`state ${index}`) }));
  const stored = await put(given);
  let reads = 0;
  blobs.damage = (_name, bytes) => {
    reads += 1;
    return bytes.with(bytes.length - 1, 0);
  };
  await expect(rig.result(store.getSegments(stored))).rejects.toMatchObject({
    code: "CORRUPT",
    message: expect.stringMatching(/expected 7 bytes from 14 on/),
  });
  expect(reads).toBe(1);
  expect(await rig.result(store.getSegments(stored.slice(0, 2)))).toHaveLength(2);
});

test("a chunk that segments share is deleted once", async () => {
  const stored = await put([0, 1].map((index) => ({ segment: index, bytes: Buffer.from(`state ${index}`) })));
  await rig.result(store.delete(stored.flatMap(({ chunks }) => chunks)));
  expect(await rig.result(store.list("sums.2."))).toEqual([]);
});
