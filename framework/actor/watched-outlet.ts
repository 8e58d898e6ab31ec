/**
 * The outlet of an instance some of whose steps are not to be taken, or are watched one by one (R15).
 *
 * Owns the count of steps within a message; everything said goes through to the outputs. Instances that have no skips and are not on probation do without it.
 *
 * WO1. Steps of a message are numbered from 1 in the order in which they begin: a pure function of the inbox, so a number means the same step in every replay.
 * WO2. A step that is to be skipped fails as it begins: it becomes a dead letter like any other, what it would have said never was, and the steps behind it keep
 *      their numbers. Its record counts as accepted (R2), and the rolling check goes over it (R11).
 */
import { StreamError } from "../errors.ts";
import { OperatorFailure } from "../operator/failure.ts";
import type { DeadLetter, Outlet } from "../operator/outlet.ts";
import type { CrashSite, Skip } from "../record/poison.ts";

/** Is told of each step before it is taken; returns when it may be. */
export type WatchStep = (site: CrashSite) => void;

/** What is to be watched, and skipped. */
export interface StepWatch {
  /** Name of the stage, for dead letters. */
  readonly stage: string;
  /** Position that is being processed. */
  readonly position: () => number;
  readonly skips: readonly Skip[];
  /** @default nobody is told */
  readonly watch: WatchStep | undefined;
}

/** Counts steps, and refuses those that are to be skipped. */
export class WatchedOutlet implements Outlet {
  readonly #inner: Outlet;
  readonly #watch: StepWatch;
  #sequence = -1;
  #step = 0;

  constructor(inner: Outlet, watch: StepWatch) {
    this.#inner = inner;
    this.#watch = watch;
  }

  emit(edge: number, value: unknown, timestamp: number | undefined): void {
    this.#inner.emit(edge, value, timestamp);
  }

  write(sink: number, value: unknown, timestamp: number | undefined): void {
    this.#inner.write(sink, value, timestamp);
  }

  deadLetter(letter: DeadLetter): void {
    this.#inner.deadLetter(letter);
  }

  mark(): void {
    this.#inner.mark();
    const { position, skips, stage, watch } = this.#watch;
    const sequence = position();
    this.#step = sequence === this.#sequence ? this.#step + 1 : 1;
    this.#sequence = sequence;
    const skip = skips.find((each) => each.sequence === sequence && each.step === this.#step);
    if (skip !== undefined) throw new OperatorFailure(stage, new StreamError("POISON", skip.reason));
    watch?.({ sequence, step: this.#step });
  }

  undo(): void {
    this.#inner.undo();
  }
}
