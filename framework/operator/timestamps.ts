/**
 * `timestamps`: where event time begins.
 *
 * Owns the timestamps of the records from here on, and the watermark that follows from them; a function of the split's prefix.
 *
 * T1. A record is emitted before its timestamp is observed: the watermark never overtakes it.
 * T2. A timestamp that is no safe integer, or too far in the future, makes the record a dead letter and moves nothing.
 * T3. Ingestion time is the time that the split's store gave the entry, never a clock's: the same whenever it is read again.
 */
import { StreamError } from "../errors.ts";
import { formatDuration } from "../time/duration.ts";
import { checkTimestamp } from "../time/timestamp.ts";
import type { Operator, OperatorContext, OperatorFactory } from "./contract.ts";
import { makerOf, type WatermarkMaker } from "./watermark-makers.ts";
import { checkStrategy, type IngestionTime, type WatermarkStrategy } from "./watermarks.ts";

/** How to take timestamps from records, and how watermarks follow from them. */
export interface TimestampsSpec {
  // oxlint-disable-next-line typescript/no-explicit-any -- records of any type: the operator never looks inside
  readonly of: ((value: any) => number) | IngestionTime;
  /** How far out of order records are; not looked at where `watermarks` says more. */
  readonly outOfOrdernessMs: number;
  /** @default by `outOfOrdernessMs` */
  readonly watermarks?: WatermarkStrategy<never> | undefined;
}

/** Gives each record its event timestamp. @throws OPTION_INVALID when the disorder is no duration of at least 0, or the strategy is none */
export function timestampsOperator({ of, outOfOrdernessMs, watermarks }: TimestampsSpec): OperatorFactory {
  if (!Number.isSafeInteger(outOfOrdernessMs) || outOfOrdernessMs < 0) {
    throw new StreamError("OPTION_INVALID", `outOfOrderness is ${outOfOrdernessMs}; it is a duration of at least 0`);
  }
  if (watermarks !== undefined) checkStrategy(watermarks);
  const disorder = outOfOrdernessMs === 0 ? "in order" : `up to ${formatDuration(outOfOrdernessMs)} out of order`;
  const strategy =
    watermarks === undefined || watermarks.kind === "monotonic" ? disorder : `watermarks ${watermarks.kind}`;
  return {
    kind: "timestamps",
    description: typeof of === "function" ? strategy : `ingestion time, ${strategy}`,
    keyed: false,
    eventTime: false,
    outputTimestamps: "always",
    create(context) {
      const maker = makerOf(watermarks, outOfOrdernessMs);
      return new Timestamps(context, typeof of === "function" ? of : () => context.now(), maker);
    },
  };
}

class Timestamps implements Operator {
  readonly #context: OperatorContext;
  readonly #of: (value: unknown) => number;
  readonly #maker: WatermarkMaker;

  constructor(context: OperatorContext, of: (value: unknown) => number, maker: WatermarkMaker) {
    this.#context = context;
    this.#of = of;
    this.#maker = maker;
  }

  get watermark(): number {
    return this.#maker.watermark;
  }

  process(value: unknown): void {
    const of = this.#of;
    const context = this.#context;
    const timestamp = checkTimestamp(of(value), "the record's timestamp");
    const latest = context.timestampMax();
    if (timestamp > latest) {
      throw new StreamError(
        "TIMESTAMP_INVALID",
        `the record's timestamp ${timestamp} lies beyond ${latest}: too far in the future`,
      );
    }
    context.emit(value, timestamp);
    this.#maker.observe(value, timestamp, context.undoLog, latest);
  }

  snapshot(): unknown {
    return this.#maker.save();
  }

  /** What several instances have promised together is the least of it. */
  adopt(saved: readonly unknown[]): void {
    if (this.#maker.adopt(saved)) return;
    const what =
      saved.length > 1
        ? "makes watermarks from a state that cannot be divided among another number of partitions"
        : "makes watermarks in another way than the program that took the savepoint";
    throw new StreamError("SNAPSHOT_UNSUITABLE", `${this.#context.name} ${what}`);
  }

  restore(saved: unknown): void {
    if (this.#maker.load(saved)) return;
    throw new StreamError(
      "CORRUPT",
      `the state of ${this.#context.name} is ${String(saved)}, and should be a timestamp`,
    );
  }
}
