/**
 * What everything that jobs keep in a place has to be: found by its name, and removed by it.
 */
import { describe, expect, test } from "vitest";
import { parseHoldingName } from "../../framework/log/holding-name.ts";
import { JobNames } from "../../framework/log/names.ts";
import { newJob, type Place } from "./place.ts";

/** The suite of holdings. */
export function describeHoldings(place: Place): void {
  describe(`holdings (${place.name})`, () => {
    test("logs, chunks and registers of a job are listed, each under its name and with its size", () =>
      place.run(async (seams) => {
        const names = new JobNames(newJob(), 3);
        const log = await seams.logs.create(names.jobLog, { maxBytes: 1_000_000, full: "refuse" });
        await log.append(new Uint8Array(500));
        await (await seams.blobs(names.job, 3)).put("a", new Uint8Array(700));
        await (await seams.registers(names.job)).create("job", new Uint8Array(10));
        const mine = (await seams.holdings.list()).filter(({ name }) => parseHoldingName(name)?.job === names.job);
        expect(mine.map(({ name }) => name).toSorted()).toEqual([
          `KV_TM_${names.job}`,
          `TM_${names.job}_3_CHUNKS`,
          `TM_${names.job}_3_LOG`,
        ]);
        expect(mine.every(({ name, bytes }) => bytes >= (name.endsWith("LOG") ? 500 : 10))).toBe(true);
      }));

    test("one that is deleted is gone, and the others stay; deleting it again is harmless", () =>
      place.run(async (seams) => {
        const job = newJob();
        await (await seams.registers(job)).create("job", Uint8Array.of(1));
        await seams.blobs(job, 1);
        await seams.holdings.delete(`KV_TM_${job}`);
        await seams.holdings.delete(`KV_TM_${job}`);
        const names = (await seams.holdings.list()).map(({ name }) => name);
        expect(names).not.toContain(`KV_TM_${job}`);
        expect(names).toContain(`TM_${job}_1_CHUNKS`);
        expect(await (await seams.registers(job)).get("job")).toBeUndefined();
      }));
  });
}
