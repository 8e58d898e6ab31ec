/**
 * `reduce` on a keyed stream: what the key's records come to so far, after each of them.
 *
 * R1. The first record of a key is its first result; the function is called from the second one on.
 * R2. What the function gets and what is emitted are the user's own: the state is a copy (descriptors S1, S2).
 */
import { cloneValue } from "../record/default-codec.ts";
import { declaredStates } from "../state/declared-states.ts";
import { value as valueState } from "../state/descriptors.ts";
import { isObject } from "../state/value-state.ts";
import type { OperatorFactory } from "./contract.ts";

const declared = { held: valueState<unknown>() };

/** Emits `reduce(held, value)` for each value and holds it for the key's next one. One that comes to undefined becomes a dead letter. */
export function reduceOperator(reduce: (held: unknown, value: unknown) => unknown): OperatorFactory {
  return {
    kind: "reduce",
    description: "",
    keyed: true,
    eventTime: false,
    outputTimestamps: "same",
    states: declaredStates(declared),
    create(context) {
      const { held } = context.keyed.namespace(context.name).states(declared);
      return {
        process(value, timestamp) {
          const before = held.get();
          const after = before === undefined ? value : reduce(before, value);
          if (after === undefined) throw new TypeError("the function of reduce answered undefined");
          held.set(after);
          context.emit(isObject(after) ? cloneValue(after) : after, timestamp);
        },
      };
    },
  };
}
