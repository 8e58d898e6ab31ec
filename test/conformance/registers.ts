/**
 * What registers keep: values change by compare-and-set only.
 */
import { describe, expect, test } from "vitest";
import { newJob, type Place } from "./place.ts";

function bytes(...values: number[]): Uint8Array {
  return Uint8Array.from(values);
}

/** The suite of registers. */
export function describeRegisters(place: Place): void {
  describe(`registers (${place.name})`, () => {
    test("a register that was never written has no value", () =>
      place.run(async (seams) => {
        const registers = await seams.registers(newJob());
        expect(await registers.get("job")).toBeUndefined();
      }));

    test("a register is created once", () =>
      place.run(async (seams) => {
        const registers = await seams.registers(newJob());
        const first = await registers.create("pointer.1.avg.0", bytes(1));
        expect(first.kind).toBe("written");
        expect(await registers.create("pointer.1.avg.0", bytes(2))).toEqual({ kind: "conflict" });
        expect((await registers.get("pointer.1.avg.0"))?.value).toEqual(bytes(1));
      }));

    test("an update replaces the revision it names and no other", () =>
      place.run(async (seams) => {
        const registers = await seams.registers(newJob());
        await registers.create("job", bytes(1));
        const before = await registers.get("job");
        const revision = before?.revision ?? 0;
        const written = await registers.update("job", bytes(2), revision);
        expect(written.kind).toBe("written");
        expect(await registers.update("job", bytes(3), revision)).toEqual({ kind: "conflict" });
        const after = await registers.get("job");
        expect(after?.value).toEqual(bytes(2));
        expect(written).toEqual({ kind: "written", revision: after?.revision });
      }));

    test("of many writers of one revision exactly one wins", () =>
      place.run(async (seams) => {
        const registers = await seams.registers(newJob());
        await registers.create("job", bytes(0));
        for (let round = 0; round < 5; round++) {
          const revision = (await registers.get("job"))?.revision ?? 0;
          const writers = Array.from({ length: 20 }, (_, writer) => registers.update("job", bytes(writer), revision));
          const results = await Promise.all(writers);
          expect(results.filter(({ kind }) => kind === "written")).toHaveLength(1);
          const winner = results.findIndex(({ kind }) => kind === "written");
          expect((await registers.get("job"))?.value).toEqual(bytes(winner));
        }
      }));

    test("keys are listed by their beginning, in order", () =>
      place.run(async (seams) => {
        const registers = await seams.registers(newJob());
        for (const key of ["pointer.1.b.0", "pointer.1.a.1", "pointer.2.a.0", "job"]) {
          await registers.create(key, bytes(1));
        }
        expect(await registers.list("pointer.1.")).toEqual(["pointer.1.a.1", "pointer.1.b.0"]);
        expect(await registers.list("none")).toEqual([]);
      }));

    test("a value that is deleted is gone, and others stay; deleting it again is harmless", () =>
      place.run(async (seams) => {
        const registers = await seams.registers(newJob());
        await registers.create("pointer.1.a.1", bytes(1));
        await registers.create("pointer.1.a.10", bytes(2));
        await registers.delete("pointer.1.a.1");
        await registers.delete("pointer.1.a.1");
        expect(await registers.get("pointer.1.a.1")).toBeUndefined();
        expect(await registers.list("pointer.1.")).toEqual(["pointer.1.a.10"]);
        expect(await registers.create("pointer.1.a.1", bytes(3))).toMatchObject({ kind: "written" });
      }));

    test("opened twice, the registers of a job are the same; those of two jobs are not", () =>
      place.run(async (seams) => {
        const job = newJob();
        const [left, right] = await Promise.all([seams.registers(job), seams.registers(job)]);
        await left.create("job", bytes(1));
        expect((await right.get("job"))?.value).toEqual(bytes(1));
        expect(await (await seams.registers(newJob())).get("job")).toBeUndefined();
      }));

    test("a value's buffer may be reused at once", () =>
      place.run(async (seams) => {
        const registers = await seams.registers(newJob());
        const buffer = Buffer.from([1, 2, 3]);
        const written = registers.create("job", buffer);
        buffer.fill(9);
        await written;
        expect((await registers.get("job"))?.value).toEqual(bytes(1, 2, 3));
      }));
  });
}
