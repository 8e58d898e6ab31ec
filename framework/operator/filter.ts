/** `filter`: lets some records through. Keeps nothing. */
import type { OperatorFactory } from "./contract.ts";

/** Emits the values for which `isKept` answers something truthy, unchanged. */
export function filterOperator(isKept: (value: unknown) => unknown): OperatorFactory {
  return {
    kind: "filter",
    description: "",
    keyed: false,
    eventTime: false,
    outputTimestamps: "same",
    create: (context) => ({
      process(value, timestamp) {
        if (isKept(value)) context.emit(value, timestamp);
      },
    }),
  };
}
