/**
 * What blobs keep: chunks that are written once.
 */
import { describe, expect, test } from "vitest";
import { blobBytesMax } from "../../framework/log/contracts.ts";
import { newJob, type Place } from "./place.ts";

/** The suite of blobs. */
export function describeBlobs(place: Place): void {
  describe(`blobs (${place.name})`, () => {
    test("what is put can be got, up to the largest size", () =>
      place.run(async (seams) => {
        const blobs = await seams.blobs(newJob(), 1);
        const sizes = [0, 1, blobBytesMax];
        for (const size of sizes) await blobs.put(`size.${size}`, new Uint8Array(size).fill(size & 255));
        for (const size of sizes) {
          expect(await blobs.get(`size.${size}`)).toEqual(new Uint8Array(size).fill(size & 255));
        }
        expect(await blobs.get("size.2")).toBeUndefined();
      }));

    test("putting the same again is harmless; other bytes under the same name are refused", () =>
      place.run(async (seams) => {
        const blobs = await seams.blobs(newJob(), 1);
        await blobs.put("avg.0.12.1.seg", new Uint8Array([1, 2]));
        await blobs.put("avg.0.12.1.seg", new Uint8Array([1, 2]));
        const other = blobs.put("avg.0.12.1.seg", new Uint8Array([1, 3]));
        await expect(other).rejects.toMatchObject({ code: "CORRUPT" });
        expect(await blobs.get("avg.0.12.1.seg")).toEqual(new Uint8Array([1, 2]));
      }));

    test("deleting is harmless when repeated, and a deleted name can be put again", () =>
      place.run(async (seams) => {
        const blobs = await seams.blobs(newJob(), 1);
        await blobs.put("a.1", new Uint8Array([1]));
        await blobs.put("a.2", new Uint8Array([2]));
        await blobs.delete("a.1");
        await blobs.delete("a.1");
        expect(await blobs.get("a.1")).toBeUndefined();
        expect(await blobs.get("a.2")).toEqual(new Uint8Array([2]));
        await blobs.put("a.1", new Uint8Array([3]));
        expect(await blobs.get("a.1")).toEqual(new Uint8Array([3]));
      }));

    test("names are listed by their beginning, in order", () =>
      place.run(async (seams) => {
        const blobs = await seams.blobs(newJob(), 1);
        for (const name of ["b.1", "a.2", "a.1"]) await blobs.put(name, new Uint8Array([1]));
        expect(await blobs.list("a.")).toEqual(["a.1", "a.2"]);
        expect(await blobs.list("")).toEqual(["a.1", "a.2", "b.1"]);
      }));

    test("the savepoints of a job are apart from the chunks of its generations", () =>
      place.run(async (seams) => {
        const job = newJob();
        const [chunks, savepoints] = [await seams.blobs(job, 1), await seams.savepoints(job)];
        await savepoints.put("before.1.7.average.0.m", new Uint8Array([1]));
        await chunks.put("a", new Uint8Array([2]));
        expect(await chunks.list("")).toEqual(["a"]);
        expect(await (await seams.savepoints(job)).list("before.")).toEqual(["before.1.7.average.0.m"]);
        await seams.holdings.delete(`TM_${job}_1_CHUNKS`);
        expect(await savepoints.get("before.1.7.average.0.m")).toEqual(new Uint8Array([1]));
        expect(await (await seams.savepoints(newJob())).list("")).toEqual([]);
      }));

    test("two generations of a job do not see each other's", () =>
      place.run(async (seams) => {
        const job = newJob();
        const [first, second] = [await seams.blobs(job, 1), await seams.blobs(job, 2)];
        await first.put("a", new Uint8Array([1]));
        expect(await second.get("a")).toBeUndefined();
        expect(await (await seams.blobs(job, 1)).get("a")).toEqual(new Uint8Array([1]));
      }));

    test("a blob's buffer may be reused at once", () =>
      place.run(async (seams) => {
        const blobs = await seams.blobs(newJob(), 1);
        const buffer = Buffer.from([1, 2, 3]);
        const put = blobs.put("a", buffer);
        buffer.fill(9);
        await put;
        expect(await blobs.get("a")).toEqual(new Uint8Array([1, 2, 3]));
      }));
  });
}
