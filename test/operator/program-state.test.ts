/** State of operators outside of keyed state, as bytes. */
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { StreamError } from "../../framework/errors.ts";
import { Attached, decodeOperators, encodeOperators } from "../../framework/operator/program-state.ts";

const state = fc.oneof(
  fc.integer(),
  fc.string(),
  fc.tuple(fc.integer(), fc.uint8Array()).map(([of, bytes]) => new Attached(of, bytes)),
);
const states = fc.array(fc.tuple(fc.string(), state), { maxLength: 4 });

test("what is written is read again, with what is attached", () => {
  fc.assert(
    fc.property(fc.nat(), states, (nextTimerNumber, all) => {
      expect(decodeOperators(encodeOperators({ nextTimerNumber, states: all }))).toEqual({
        nextTimerNumber,
        states: all,
      });
    }),
  );
});

test("every prefix, and every changed byte, is read or CORRUPT", () => {
  fc.assert(
    fc.property(states, fc.nat(), fc.nat(255), (all, at, byte) => {
      const bytes = encodeOperators({ nextTimerNumber: 1, states: all });
      const damaged = bytes.slice();
      damaged[at % bytes.length] = byte;
      for (const wrong of [bytes.subarray(0, at % bytes.length), damaged]) expect(outcomeOf(wrong)).not.toBe("other");
    }),
    { numRuns: 1_000 },
  );
});

function outcomeOf(bytes: Uint8Array): string {
  try {
    decodeOperators(bytes);
    return "read";
  } catch (error) {
    return StreamError.is(error, "CORRUPT") ? "corrupt" : "other";
  }
}
