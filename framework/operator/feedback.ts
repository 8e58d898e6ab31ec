/** What stands where records that were sent back come in: hands them on. Keeps nothing. */
import type { OperatorFactory } from "./contract.ts";

/** Emits every value, unchanged. */
export function feedbackOperator(): OperatorFactory {
  return {
    kind: "feedback",
    description: "",
    keyed: false,
    eventTime: false,
    outputTimestamps: "same",
    create: (context) => ({
      process(value, timestamp) {
        context.emit(value, timestamp);
      },
    }),
  };
}
