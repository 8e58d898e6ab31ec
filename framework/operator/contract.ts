/**
 * The contract of operators: the pure heart of an instance.
 *
 * An operator is made per instance by its factory, takes values one at a time, and hands its outputs to the context it was made with. It has no
 * clock, no chance and no I/O of its own and never awaits: what it does is a function of the calls made to it, in order.
 *
 * O1. A *step* is one record, one timer or one window firing. A step that throws is undone whole: state, timers, outputs, late marks, draws.
 * O2. Between steps nothing is half-done: a snapshot may be taken there, and restoring it and repeating the calls gives the same outputs.
 * O3. `advanceTo(w)` has fired everything due at or below w when it answers true; only then is w forwarded (semantics 1.1.5).
 */
import type { Key } from "../record/key.ts";
import type { DeclaredState } from "../state/declared-states.ts";
import type { KeyedStore } from "../state/store.ts";
import type { UndoLog } from "../state/undo-log.ts";
import type { CallSpec } from "./calls.ts";
import type { Deferral } from "./deferral.ts";
import type { RequestBook } from "./request-book.ts";

/** What an operator does with one value. Values and timestamps travel as arguments; nothing is allocated per record. */
export interface Operator {
  /**
   * Takes one value. For a keyed operator the store has selected the value's key before (`context.keyed.select`), unless it came over a broadcast edge:
   * then it has no key, and there is no current row.
   * A throw undoes the step; the record becomes a dead letter.
   */
  process(value: unknown, timestamp: number | undefined): void;
  /**
   * Event time has come to `watermark` (Infinity at the end of the input): fires at most `stepsMax` due timers and windows, in order of time, then
   * registration. Answers whether nothing due is left. Called again with the same watermark until it answers true, and with nothing in between.
   * Absent for operators that do not look at event time.
   */
  advanceTo?(watermark: number, stepsMax: number): boolean;
  /**
   * The event time at which something is due next; undefined while nothing is. Where `advanceTo` is there and this is not, the operator wants to be told
   * of every step of event time.
   */
  nextEventTime?(): number | undefined;
  /** Processing time has come to `now`: as `advanceTo`, for processing-time timers and windows. */
  tick?(now: number, stepsMax: number): boolean;
  /** When the earliest processing-time timer is due, ms since the epoch; undefined when there is none. */
  nextTickAt?(): number | undefined;
  /** The watermark that the operator makes, -Infinity before the first; only in operators that make one. */
  readonly watermark?: number | undefined;
  /** Present in operators whose outputs come later than their inputs; the program drives it at the end of each turn. */
  readonly deferral?: Deferral | undefined;
  /**
   * State outside of keyed state, as a value of the default codec, or as one with bytes attached (`Attached`); called between steps. Whatever a step changes of it is in `context.undoLog`.
   * Absent for operators that have none.
   */
  snapshot?(): unknown;
  /** Takes what `snapshot` answered; called once, before the first step. @throws CORRUPT when it is something else */
  restore?(saved: unknown): void;
  /**
   * Takes from a savepoint what `snapshot` has answered in the instances that this one goes on from: in one, where there are as many as there were; in all of
   * them, in order, where there is another number. Called in place of `restore`.
   *
   * Absent: what one has answered is taken by `restore`, and cannot be divided.
   *
   * @throws SNAPSHOT_UNSUITABLE when it cannot go on from these
   */
  adopt?(saved: readonly unknown[]): void;
}

/** What an operator is made with. */
export interface OperatorContext {
  /** The operator's name: in dead letters, errors, state. */
  readonly name: string;
  /** What it is, as the plan prints it: the form of state that is the operator's own (`average tumbling 5m`). */
  readonly form: string;
  /** Hands an output to what follows in the chain. The value has been taken (encoded or processed) when this returns. */
  emit(value: unknown, timestamp: number | undefined): void;
  /** Hands on the current record, which came too late: to the late stream of its port, or the job's. */
  emitLate(value: unknown, timestamp: number | undefined): void;
  /** Hands an output to the side output of that name: one of the factory's `sides`. It goes nowhere when nobody reads it. */
  emitSide(side: string, value: unknown, timestamp: number | undefined): void;
  /** Which of the operator's inputs the current record came over: 0 where there is one. Says nothing in timers and window firings. */
  port(): number;
  /**
   * Runs `step` as one step (O1). When it throws, everything it did is undone, and the failure goes to the dead-letter output with `describe()`
   * as the record, and `timestamp`. Used for timers and window firings; records are wrapped by the program.
   */
  step(step: () => void, describe: () => unknown, timestamp?: number): void;
  /** The keyed state and timers of the stage; only in operators whose factory says `keyed`. */
  readonly keyed: KeyedStore;
  /** Where an operator writes how to take back what a step changes outside of keyed state. */
  readonly undoLog: UndoLog;
  /** Gives requests their identity, and hands them to whoever makes the calls (R14). */
  readonly requests: RequestBook;
  /** Processing time: never goes back, the same in a replay (R9). */
  now(): number;
  /** A number in [0, 1), the same in a replay. */
  random(): number;
  /** The instance's current watermark: -Infinity before the first. */
  watermark(): number;
  /** The largest timestamp that is not too far in the future; Infinity when there is no bound. */
  timestampMax(): number;
  /** Counts a window result (part of the step). */
  countWindow(): void;
}

/** Describes an operator in a plan and makes it in an instance. */
export interface OperatorFactory {
  /** `map`, `filter`, `average`, `process` …: the default name. */
  readonly kind: string;
  /** What the plan prints behind the name: `tumbling 5m`. */
  readonly description: string;
  /** First operator behind a keyed exchange; has state, timers or both. */
  readonly keyed: boolean;
  /** Needs timestamps and watermarks. */
  readonly eventTime: boolean;
  /** Whether its outputs have event timestamps; `same`: as its inputs. */
  readonly outputTimestamps: "same" | "always" | "never";
  /**
   * Whether it can stand only in an instance that reads an inbox: not in a source stage.
   * @default false
   */
  readonly needsInbox?: boolean | undefined;
  /** Names of its side outputs. */
  readonly sides?: readonly string[] | undefined;
  /** How it calls out, in operators whose calls leave the turn (R14). */
  readonly calls?: CallSpec | undefined;
  /** The state that the program declares in it, in its order. @default none */
  readonly states?: readonly DeclaredState[] | undefined;
  create(context: OperatorContext): Operator;
}

/** Takes the key of a value. */
export type KeySelector = (value: unknown) => Key;
