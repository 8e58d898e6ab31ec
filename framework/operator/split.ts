/** `split`: each value goes to the branches whose function answers true, to none of them or to several; each branch is a side output. */
import { StreamError } from "../errors.ts";
import type { OperatorFactory } from "./contract.ts";
import { checkSideNames } from "./sides.ts";

/** Whether a value belongs to a branch. */
export type Branch = (value: unknown) => boolean;

/** Sorts values into side outputs; its main output says nothing. @throws OPTION_INVALID when there is no branch, or one is no function */
export function splitOperator(branches: Readonly<Record<string, Branch>>): OperatorFactory {
  const all = Object.entries(branches);
  if (all.length === 0) throw new StreamError("OPTION_INVALID", "split: needs at least one branch");
  for (const [name, belongs] of all) {
    if (typeof belongs !== "function") throw new StreamError("OPTION_INVALID", `split: branch ${name} is no function`);
  }
  return {
    kind: "split",
    description: "",
    keyed: false,
    eventTime: false,
    outputTimestamps: "same",
    sides: checkSideNames(all.map(([name]) => name)),
    create: (context) => ({
      process(value, timestamp) {
        for (const [name, belongs] of all) if (belongs(value)) context.emitSide(name, value, timestamp);
      },
    }),
  };
}
