/**
 * The operators of one stage whose outputs come later than their inputs, driven at the end of each turn.
 *
 * Owns their order, and how event time gets past them. A stage is a tree: each has at most one other before it.
 *
 * F1. A watermark reaches an operator when it has passed the one before it, behind everything that came out of that.
 * F2. Event time behind the stage is the least that has passed each of them.
 */
import type { CallResult } from "../record/messages.ts";
import type { Operator } from "./contract.ts";
import type { Batch, BatchOutcome, Deferral } from "./deferral.ts";
import type { StageClock } from "./stage-clock.ts";
import { targetsOf, type StageShape, type StageTarget } from "./wiring.ts";

/** What the end of a turn came to. */
export type Settled =
  /** Nothing is left that may go. */
  | "done"
  /** More may go: to be called again before anything else. */
  | "unfinished"
  /** `batch` has to be run first. */
  | "awaiting";

interface Member {
  readonly deferral: Deferral;
  /** The one before it. */
  readonly parent: Deferral | undefined;
}

/** The deferring operators of one stage instance. */
export class Deferrals {
  readonly #members: readonly Member[];
  readonly #clock: StageClock;

  constructor(stage: StageShape, operators: readonly (Operator | undefined)[], clock: StageClock) {
    this.#clock = clock;
    this.#members = membersOf(stage, operators);
  }

  /** Whether there are none: then nothing here is ever called. */
  get isEmpty(): boolean {
    return this.#members.length === 0;
  }

  /** Event time behind the stage (F2). */
  get watermark(): number {
    let watermark = this.#clock.applied;
    for (const { deferral } of this.#members) watermark = Math.min(watermark, deferral.passed);
    return watermark;
  }

  /** The batch to be run before the turn goes on. */
  get batch(): Batch | undefined {
    return this.#members.find(({ deferral }) => deferral.batch !== undefined)?.deferral.batch;
  }

  /** Requests that wait in all of them, and their bytes. */
  get pending(): { readonly requests: number; readonly bytes: number } {
    let [requests, bytes] = [0, 0];
    for (const { deferral } of this.#members) {
      requests += deferral.pending?.requests ?? 0;
      bytes += deferral.pending?.bytes ?? 0;
    }
    return { requests, bytes };
  }

  /** `batch` has been run. */
  finish(outcomes: readonly BatchOutcome[]): void {
    this.#members.find(({ deferral }) => deferral.batch !== undefined)?.deferral.finish?.(outcomes);
  }

  /** A result has been read; one for no pending request is ignored. */
  answer(result: CallResult): void {
    for (const { deferral } of this.#members) if (deferral.answer?.(result) === true) return;
  }

  /** Lets go what may go (F1), in at most `stepsMax` steps of each operator. */
  settle(stepsMax: number): Settled {
    for (const { deferral, parent } of this.#members) {
      if (!deferral.release(stepsMax)) return "unfinished";
      if (deferral.batch !== undefined) return "awaiting";
      deferral.reach(parent?.passed ?? this.#clock.applied);
    }
    return "done";
  }
}

/** In an order in which each comes after the one before it. */
function membersOf(stage: StageShape, operators: readonly (Operator | undefined)[]): readonly Member[] {
  const members: Member[] = [];
  const follow = (targets: readonly StageTarget[], parent: Deferral | undefined): void => {
    for (const target of targets) {
      if (target.kind !== "operator") continue;
      const deferral = operators[target.operator]?.deferral;
      if (deferral !== undefined) members.push({ deferral, parent });
      const node = stage.operators[target.operator];
      if (node !== undefined) follow(targetsOf(node), deferral ?? parent);
    }
  };
  follow(stage.entry, undefined);
  return members;
}
