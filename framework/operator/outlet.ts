/**
 * The contract of what lies behind a stage: edges, sinks, and the dead-letter output.
 *
 * The program calls it during a step; the actor implements it. Everything said between `mark` and `undo` was never said.
 *
 * L1. `mark` begins a step. `undo` forgets every `emit` and `write` since the last `mark`.
 * L2. `deadLetter` is called outside of steps, after the failed step has been undone; it is not undone by a later `undo`.
 * L3. A StreamError of policy `record` thrown by `emit` or `write` (VALUE_NOT_ENCODABLE, KEY_INVALID) is the failure of the step's record;
 *     any other error ends the instance.
 */
import type { ErrorCode } from "../errors.ts";

/** What the value of a dead letter is. */
export type LetterOrigin =
  /** The record that the stage took, also when a call or batch at its very beginning has failed for it: it can be given to it again. */
  | "record"
  /** What another step was about: a timer, a window firing, a call or batch behind other operators. */
  | "step"
  /** A row that did not become a record. */
  | "unread"
  /** A row that a sink has refused. */
  | "sinkRow"
  /** A rendering of what cannot be encoded. */
  | "rendering";

/** A record that could not be processed, with the reason. */
export interface DeadLetter {
  readonly origin: LetterOrigin;
  /** Of a record that came over an edge: its index in the plan. */
  readonly edge: number | undefined;
  /** Name of the operator that failed. */
  readonly operator: string;
  readonly code: ErrorCode;
  readonly message: string;
  /** The user's own frames, innermost first, one per line, without the directories of this machine; empty when there are none. */
  readonly stack: string;
  /** The key as people read it; undefined where there is none. */
  readonly key: string | undefined;
  readonly timestamp: number | undefined;
  /** The record (of a window firing: its result), when it can be encoded; else a rendering of it. */
  readonly value: unknown;
}

/** Takes what a stage says. */
export interface Outlet {
  /** Sends a record over an edge. The value has been encoded, and its key taken, when this returns. */
  emit(edge: number, value: unknown, timestamp: number | undefined): void;
  /** Hands a row to a chained sink. */
  write(sink: number, value: unknown, timestamp: number | undefined): void;
  /** Hands on a record that failed. */
  deadLetter(letter: DeadLetter): void;
  /** A step begins. A throw is the failure of the step: it is not to be taken (R15). */
  mark(): void;
  /** The step threw: forget its outputs. */
  undo(): void;
}
