/** An operator that throws when its fuse is lit: for poisoning records at the end of their step. */
import type { OperatorFactory } from "../operator/contract.ts";

/** Whether the next record fails. */
export interface Fuse {
  isLit: boolean;
}

/** Throws for every record while `fuse` is lit, and does nothing otherwise. */
export function bomb(fuse: Fuse): OperatorFactory {
  return {
    kind: "bomb",
    description: "",
    keyed: false,
    eventTime: false,
    outputTimestamps: "same",
    create: () => ({
      process() {
        if (fuse.isLit) throw new Error("poison");
      },
    }),
  };
}
