/**
 * Looks at whether snapshots are due though no turn has ended: time has passed, or an inbox is filling.
 */
import { messageOf } from "../errors.ts";
import type { Logger } from "../platform/platform.ts";

/** An instance as it is looked at. */
export interface SnapshotOwner {
  readonly name: string;
  /** @throws UNAVAILABLE, TIMEOUT */
  considerSnapshot(): Promise<void>;
}

/** Lets each decide for itself; one that cannot look at its inbox at the moment is looked at again. */
export function considerSnapshots(logger: Logger, owners: Iterable<SnapshotOwner>): void {
  for (const owner of owners) {
    owner.considerSnapshot().catch((error: unknown) => {
      const reason = messageOf(error);
      logger.log("debug", "an inbox could not be looked at", { instance: owner.name, reason });
    });
  }
}
