/**
 * What calls that leave the turn are made of (R14): how an operator calls out, one pending request, and its result.
 *
 * Owns the types only. `pending-requests.ts` keeps the requests of one operator, `actor/calls.ts` makes the calls.
 */
import type { Key } from "../record/key.ts";
import type { CallResult } from "../record/messages.ts";

/** What the function of `mapAsync` sees besides the value. */
export interface CallContext {
  /**
   * The same for every try of the same call, also after a crash, and different for every other call of any job: hand it to a callee that is to do
   * things once.
   */
  readonly idempotencyKey: string;
  /** Aborted when nobody waits for the answer any more: time is up, or the instance goes elsewhere. */
  readonly signal: AbortSignal;
}

/** What the function of `mapBatch` sees besides the values. */
export interface BatchContext {
  /** One per value: see {@link CallContext.idempotencyKey}. */
  readonly idempotencyKeys: readonly string[];
  /** Aborted when nobody waits for the answer any more: time is up, or the instance goes elsewhere. */
  readonly signal: AbortSignal;
}

/** Takes the values of one call; answers as many results in their order, or a promise of them. */
export type CallOut = (values: readonly unknown[], context: BatchContext) => unknown;

/** How an operator calls out. */
export interface CallSpec {
  readonly call: CallOut;
  /** Whether results keep the order of their records, or may overtake each other between two watermarks. */
  readonly order: "ordered" | "unordered";
  /** Values per call, at most. */
  readonly batchMax: number;
  /** Calls in flight, of one instance. */
  readonly capacity: number;
  /** How long a call may take, with all its tries and the waits between them. */
  readonly timeoutMs: number;
  /** Tries per call. */
  readonly triesMax: number;
  /** How long one try may take. */
  readonly tryTimeoutMs: number;
  /** Wait before the second try; doubled before each further one, up to the maximum. */
  readonly backoffMs: number;
  readonly backoffMsMax: number;
  /** Size of an encoded result above which the call has failed. */
  readonly resultBytesMax: number;
}

/** One record that waits for the result of a call. */
export interface Request {
  /** Position of the message in whose turn it was issued, and its number among the requests of that turn (from 1). */
  readonly sequence: number;
  readonly ordinal: number;
  /** Name of the operator that has issued it. */
  readonly operator: string;
  /** The record, encoded when the request was issued. */
  readonly value: Uint8Array;
  readonly timestamp: number | undefined;
  /** Key of the step that issued it; undefined where there is none. */
  readonly key: Key | undefined;
  /** The first logged result; undefined until it has been read. */
  result: CallResult | undefined;
}
