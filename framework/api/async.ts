/**
 * What `mapAsync` and `mapBatch` are told: options and the functions they take, and what the runtime makes of them.
 *
 * Owns defaults and refusals; `stream.ts` says what the calls mean.
 */
import { StreamError } from "../errors.ts";
import { checkKnownOptions } from "../known-options.ts";
import { asyncMapOperator } from "../operator/async-map.ts";
import { batchMapOperator } from "../operator/batch-map.ts";
import type { BatchContext, CallContext, CallOut, CallSpec } from "../operator/calls.ts";
import type { OperatorFactory } from "../operator/contract.ts";
import { checkCount, checkSpan, checkWord } from "../plan/options.ts";
import type { Duration } from "../time/duration.ts";

/** How a call that has failed is tried again. */
export interface RetryOptions {
  /**
   * Tries in all, 1 to 100. Every try has the same idempotency key.
   * @default 1
   */
  readonly attempts?: number | undefined;
  /**
   * Wait before the second try; doubled before each further one.
   * @default "100ms"
   */
  readonly backoff?: Duration | undefined;
  /**
   * Longest wait between two tries.
   * @default "10s"
   */
  readonly backoffMax?: Duration | undefined;
  /**
   * How long one try may take.
   * @default as long as the call
   */
  readonly timeout?: Duration | undefined;
}

/** Options of `mapAsync`. */
export interface AsyncOptions {
  /**
   * `ordered`: outputs keep the order of their records. `unordered`: an output goes as soon as its answer is there, but never past a watermark.
   * @default "ordered"
   */
  readonly order?: "ordered" | "unordered" | undefined;
  /**
   * Calls in flight of one instance, 1 to 10000. Records that find no free one wait in the state; the inbox has room for as many results.
   * @default 100
   */
  readonly capacity?: number | undefined;
  /**
   * How long a call may take, with all its tries and the waits between them.
   * @default "30s"
   */
  readonly timeout?: Duration | undefined;
  /** @default one try */
  readonly retry?: RetryOptions | undefined;
  /**
   * Size of an encoded result above which the call has failed, bytes. Every inbox of the stage reserves this much for each call in flight.
   * @default 262144, as much as a record may have; of `mapBatch` 16384
   */
  readonly resultBytes?: number | undefined;
}

/** Options of `mapBatch`. */
export interface BatchOptions extends AsyncOptions {
  /**
   * Values per call, at most, 1 to 10000.
   * @default 64
   */
  readonly size?: number | undefined;
  /**
   * Calls in flight of one instance.
   * @default 4
   */
  readonly capacity?: number | undefined;
}

/** Takes values; answers as many results in their order, or a promise of them. */
export type BatchFunction<T, U> = (
  values: readonly T[],
  context: BatchContext,
) => readonly U[] | PromiseLike<readonly U[]>;

/**
 * A function of a batch whose author states that its results depend on the values and on `version` alone, whatever the batch they come in, on every machine that
 * runs the job: it may be awaited inside the turn. Clocks and chance are those of the machine while it runs, and not for it to look at.
 */
export interface BatchModel<T, U> {
  readonly deterministic: true;
  /** Recorded in snapshots; another version does not go on from them. */
  readonly version: string;
  run(values: readonly T[], context: BatchContext): readonly U[] | PromiseLike<readonly U[]>;
}

const capacityMax = 10_000;
const attemptsMax = 100;
const resultBytesDefault = 256 * 1024;
const batchResultBytesDefault = 16 * 1024;
const resultBytesMax = 512 * 1024;
const known = ["order", "capacity", "timeout", "retry", "resultBytes"];

/** The operator behind `mapAsync`. @throws PLAN_INVALID */
export function asyncMap(
  call: (value: never, context: CallContext) => unknown,
  options: AsyncOptions,
): OperatorFactory {
  if (typeof call !== "function")
    throw new StreamError("PLAN_INVALID", `mapAsync takes a function, not ${typeof call}`);
  const one = call as (value: unknown, context: CallContext) => unknown;
  const callOne: CallOut = async ([value], { idempotencyKeys: [idempotencyKey = ""], signal }) => [
    await one(value, { idempotencyKey, signal }),
  ];
  checkKnownOptions(options, known, "mapAsync");
  const defaults = { capacity: 100, resultBytes: resultBytesDefault };
  return asyncMapOperator("map-async", specOf(callOne, options, defaults, 1, "mapAsync"));
}

/** The operator behind `mapBatch`. @throws PLAN_INVALID */
export function batchMap(
  batch: BatchFunction<never, unknown> | BatchModel<never, unknown>,
  options: BatchOptions,
): OperatorFactory {
  if (typeof batch !== "function") return modelMap(batch, options);
  checkKnownOptions(options, [...known, "size"], "mapBatch");
  const defaults = { capacity: 4, resultBytes: batchResultBytesDefault };
  return asyncMapOperator("map-batch", specOf(batch as CallOut, options, defaults, sizeOf(options), "mapBatch"));
}

function modelMap(model: BatchModel<never, unknown>, options: BatchOptions): OperatorFactory {
  checkKnownOptions(options, ["size", "timeout"], "mapBatch of a deterministic model");
  const { deterministic, version, run } = (model ?? {}) as Partial<BatchModel<never, unknown>>;
  if (deterministic !== true || typeof version !== "string" || version === "" || typeof run !== "function") {
    throw new StreamError(
      "PLAN_INVALID",
      "mapBatch takes a function, or { deterministic: true, version, run }: what is awaited inside a turn must be a function of its values and of a " +
        "version that is no empty text. Give the function alone, and its results are logged",
    );
  }
  return batchMapOperator({
    call: (values, context) => model.run(values as readonly never[], context),
    version,
    batchMax: sizeOf(options),
    timeoutMs: checkSpan(options.timeout ?? "30s", 1, "mapBatch: timeout"),
  });
}

function sizeOf({ size = 64 }: BatchOptions): number {
  return checkCount(size, [1, capacityMax], "mapBatch: size");
}

function specOf(
  call: CallOut,
  options: AsyncOptions,
  defaults: { readonly capacity: number; readonly resultBytes: number },
  batchMax: number,
  place: string,
): CallSpec {
  const { order = "ordered", timeout = "30s", retry = {} } = options;
  checkKnownOptions(retry, ["attempts", "backoff", "backoffMax", "timeout"], `${place}: retry`);
  const timeoutMs = checkSpan(timeout, 1, `${place}: timeout`);
  const resultBytes = options.resultBytes ?? defaults.resultBytes;
  return {
    call,
    order: checkWord(order, ["ordered", "unordered"], `${place}: order`),
    batchMax,
    capacity: checkCount(options.capacity ?? defaults.capacity, [1, capacityMax], `${place}: capacity`),
    timeoutMs,
    triesMax: checkCount(retry.attempts ?? 1, [1, attemptsMax], `${place}: retry.attempts`),
    tryTimeoutMs: retry.timeout === undefined ? Infinity : checkSpan(retry.timeout, 1, `${place}: retry.timeout`),
    backoffMs: checkSpan(retry.backoff ?? "100ms", 0, `${place}: retry.backoff`),
    backoffMsMax: checkSpan(retry.backoffMax ?? "10s", 0, `${place}: retry.backoffMax`),
    resultBytesMax: checkCount(resultBytes, [1, resultBytesMax], `${place}: resultBytes`),
  };
}
