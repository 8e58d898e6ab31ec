/** `map`: one output per record. Keeps nothing. */
import type { OperatorFactory } from "./contract.ts";

/** Emits `change(value)` for each value, with the value's timestamp. */
export function mapOperator(change: (value: unknown) => unknown): OperatorFactory {
  return {
    kind: "map",
    description: "",
    keyed: false,
    eventTime: false,
    outputTimestamps: "same",
    create: (context) => ({
      process(value, timestamp) {
        context.emit(change(value), timestamp);
      },
    }),
  };
}
