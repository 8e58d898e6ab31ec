/** `flatMap`: any number of outputs per record. Keeps nothing. */
import type { OperatorFactory } from "./contract.ts";
import { emitAll } from "./emit-all.ts";

/** Emits the elements of what `expand(value)` answers (nothing, or an iterable object), each with the value's timestamp. */
export function flatMapOperator(expand: (value: unknown) => unknown): OperatorFactory {
  return {
    kind: "flat-map",
    description: "",
    keyed: false,
    eventTime: false,
    outputTimestamps: "same",
    create: (context) => ({
      process(value, timestamp) {
        emitAll(context, expand(value), timestamp, "the function of flatMap");
      },
    }),
  };
}
