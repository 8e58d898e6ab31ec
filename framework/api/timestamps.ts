/**
 * What a program says in `timestamps`, resolved.
 *
 * Owns the options; `operator/timestamps.ts` does the work, and the plan looks at where it stands.
 */
import { StreamError } from "../errors.ts";
import { checkKnownOptions } from "../known-options.ts";
import type { OperatorFactory } from "../operator/contract.ts";
import { timestampsOperator } from "../operator/timestamps.ts";
import type { IngestionTime } from "../operator/watermarks.ts";
import { idleTimeoutMsDefault } from "../plan/drafts.ts";
import { checkBound, checkSpan } from "../plan/options.ts";
import type { TimestampsOptions } from "./stream.ts";

/** When a split counts as idle. @throws OPTION_INVALID */
export function resolveIdleTimeout<T>({ idleTimeout = idleTimeoutMsDefault }: TimestampsOptions<T>): number {
  return checkBound(idleTimeout, "timestamps: idleTimeout");
}

/** How far splits may be apart; undefined: as far as they like. @throws OPTION_INVALID */
export function resolveMaxDrift<T>({ maxDrift }: TimestampsOptions<T>): number | undefined {
  return maxDrift === undefined ? undefined : checkSpan(maxDrift, 1, "timestamps: maxDrift");
}

/** Whose splits wait for each other; undefined: those of the source alone. @throws OPTION_INVALID */
export function resolveDriftGroup<T>({ maxDrift, driftGroup }: TimestampsOptions<T>): string | undefined {
  if (driftGroup === undefined) return undefined;
  if (maxDrift === undefined) throw new StreamError("OPTION_INVALID", "timestamps: driftGroup takes a maxDrift");
  return driftGroup;
}

/** The operator that the options ask for. @throws OPTION_INVALID, PLAN_INVALID */
export function timestampsOf<T>(
  of: ((value: T) => number) | IngestionTime,
  options: TimestampsOptions<T>,
): OperatorFactory {
  checkKnownOptions(options, ["outOfOrderness", "watermarks", "idleTimeout", "maxDrift", "driftGroup"], "timestamps");
  const { outOfOrderness, watermarks } = options;
  if (outOfOrderness !== undefined && watermarks !== undefined) {
    throw new StreamError("OPTION_INVALID", "timestamps: takes outOfOrderness or watermarks, not both");
  }
  if (typeof of !== "function" && of?.kind !== "ingestionTime") {
    throw new StreamError("OPTION_INVALID", "timestamps: takes a function of the record, or ingestionTime()");
  }
  const outOfOrdernessMs = checkSpan(outOfOrderness ?? 0, 0, "timestamps: outOfOrderness");
  return timestampsOperator({ of, outOfOrdernessMs, watermarks });
}
