import * as fc from "fast-check";
import { expect, test } from "vitest";
import { WaitingLine } from "../../framework/operator/waiting-line.ts";

test("L1: whoever came first goes first, whatever joins and leaves in between", () => {
  fc.assert(
    fc.property(fc.array(fc.option(fc.nat())), (steps) => {
      const line = new WaitingLine<number>();
      const naive: number[] = [];
      for (const step of steps) {
        if (step !== null) {
          line.push(step);
          naive.push(step);
        }
        const [taken, expected] = step === null ? [line.take(), naive.shift()] : [];
        expect([taken, line.length]).toEqual([expected, naive.length]);
      }
    }),
  );
});
