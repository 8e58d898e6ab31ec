/**
 * `timestamps`: where event time begins.
 *
 * Owns the timestamps of the records from here on, and the watermark that follows from them; a function of the split's prefix.
 *
 * T1. A record is emitted before its timestamp is observed: the watermark never overtakes it.
 * T2. A timestamp that is no safe integer, or too far in the future, makes the record a dead letter and moves nothing.
 */
import { StreamError } from "../errors.ts";
import { formatDuration } from "../time/duration.ts";
import { checkTimestamp } from "../time/timestamp.ts";
import { BoundedDisorder } from "../time/watermark-strategy.ts";
import type { Operator, OperatorContext, OperatorFactory } from "./contract.ts";

/** How to take timestamps from records, and how far out of order they are. */
export interface TimestampsSpec {
  // oxlint-disable-next-line typescript/no-explicit-any -- records of any type: the operator never looks inside
  readonly of: (value: any) => number;
  readonly outOfOrdernessMs: number;
}

/** Gives each record its event timestamp. @throws OPTION_INVALID when the disorder is no duration of at least 0 */
export function timestampsOperator({ of, outOfOrdernessMs }: TimestampsSpec): OperatorFactory {
  if (!Number.isSafeInteger(outOfOrdernessMs) || outOfOrdernessMs < 0) {
    throw new StreamError("OPTION_INVALID", `outOfOrderness is ${outOfOrdernessMs}; it is a duration of at least 0`);
  }
  return {
    kind: "timestamps",
    description: outOfOrdernessMs === 0 ? "in order" : `up to ${formatDuration(outOfOrdernessMs)} out of order`,
    keyed: false,
    eventTime: false,
    outputTimestamps: "always",
    create: (context) => new Timestamps(context, of, outOfOrdernessMs),
  };
}

class Timestamps implements Operator {
  readonly #context: OperatorContext;
  readonly #of: (value: unknown) => number;
  readonly #disorder: BoundedDisorder;

  constructor(context: OperatorContext, of: (value: unknown) => number, outOfOrdernessMs: number) {
    this.#context = context;
    this.#of = of;
    this.#disorder = new BoundedDisorder(outOfOrdernessMs);
  }

  get watermark(): number {
    return this.#disorder.watermark;
  }

  process(value: unknown): void {
    const of = this.#of;
    const timestamp = checkTimestamp(of(value), "the record's timestamp");
    const latest = this.#context.timestampMax();
    if (timestamp > latest) {
      throw new StreamError(
        "TIMESTAMP_INVALID",
        `the record's timestamp ${timestamp} lies beyond ${latest}: too far in the future`,
      );
    }
    this.#context.emit(value, timestamp);
    const disorder = this.#disorder;
    const { largest } = disorder;
    if (timestamp <= largest) return;
    this.#context.undoLog.push(restoreLargest, disorder, largest, undefined);
    disorder.observe(timestamp);
  }

  snapshot(): unknown {
    return this.#disorder.largest;
  }

  restore(saved: unknown): void {
    if (typeof saved !== "number" || Number.isNaN(saved)) {
      throw new StreamError(
        "CORRUPT",
        `the state of ${this.#context.name} is ${String(saved)}, and should be a timestamp`,
      );
    }
    this.#disorder.restore(saved);
  }
}

function restoreLargest(disorder: BoundedDisorder, largest: number): void {
  disorder.restore(largest);
}
