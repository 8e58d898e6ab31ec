/**
 * The program of one stage instance: its operators, run step by step.
 *
 * Owns what makes a step whole (O1): keyed state, counts, random numbers and outputs begin, end and are undone together; and what becomes of a step
 * that throws. Synchronous and pure: what it does is a function of the calls made to it, in order.
 *
 * P1. `process` is one step; so is each timer and each window firing of `advanceTo` and `tick`.
 * P2. A step that throws leaves a dead letter and nothing else. What no record can be blamed for is thrown on, and ends the instance.
 * P3. Between two calls a cut may be taken; a program restored from it behaves like this one, and gives the same bytes (O2).
 * P4. Stages without keyed operators never look up a key.
 */
import { InvariantViolation, StreamError } from "../errors.ts";
import { hashKey, renderKey, type Key } from "../record/key.ts";
import type { CallResult, Counts } from "../record/messages.ts";
import type { Row } from "../state/row.ts";
import type { StateLimits } from "../state/state-limits.ts";
import { KeyedStore } from "../state/store.ts";
import { UndoLog } from "../state/undo-log.ts";
import type { Operator } from "./contract.ts";
import type { Batch, BatchOutcome } from "./deferral.ts";
import { Deferrals, type Settled } from "./deferrals.ts";
import { blame, deadLetterOf, OperatorFailure, type FailedRecord } from "./failure.ts";
import { Ledger } from "./ledger.ts";
import type { Outlet } from "./outlet.ts";
import { ProgramMemory } from "./program-memory.ts";
import type { AdoptedState, ProgramState, SavedState, StateCut } from "./program-state.ts";
import { RequestBook, type OpenRequest } from "./request-book.ts";
import { StageClock } from "./stage-clock.ts";
import { deferringEntry, keyedOperator, lastGenerators } from "./stage-parts.ts";
import { Wiring, type Emit, type StageShape } from "./wiring.ts";

export type { AdoptedState, ProgramState, SavedState, StateCut } from "./program-state.ts";

/** How a program runs. */
export interface ProgramOptions {
  /** What happens when a record fails: a dead letter, the end of the job (DEAD_LETTERS_EXCEEDED), or just a count. */
  readonly onError: "deadLetter" | "fail" | "drop";
  /** Where the random numbers start: different for each instance, the same for all its incarnations. */
  readonly seed: number;
  /**
   * The watermarks that `timestamps` operators make are ignored; only `advanceTo` moves event time. For tests.
   * @default false
   */
  readonly manualWatermarks?: boolean | undefined;
  /**
   * How far ahead of processing time (`setNow`) a timestamp may lie before its record is refused, ms.
   * @default Infinity
   */
  readonly farFutureMs?: number | undefined;
  /**
   * What one key may have.
   * @default nothing is refused
   */
  readonly stateLimits?: StateLimits | undefined;
  /**
   * Index of the edge that all records of the stage come over.
   * @default none, or several
   */
  readonly onlyInput?: number | undefined;
  /**
   * The port of an edge, by its index.
   * @default 0 for all
   */
  readonly portOf?: ((edge: number) => number) | undefined;
}

/** Runs a stage's operators. */
export class StageProgram {
  readonly #stage: StageShape;
  readonly #outlet: Outlet;
  readonly #options: ProgramOptions;
  readonly #store: KeyedStore;
  readonly #ledger: Ledger;
  readonly #clock: StageClock;
  readonly #entry: Emit;
  readonly #operators: readonly (Operator | undefined)[];
  /** Name of the keyed operator; undefined in a stage without one. */
  readonly #keyed: string | undefined;
  /** Whether state of the stage expires. */
  readonly #ages: boolean;
  readonly #generators: readonly Operator[];
  /** Name of the operator whose steps are about records of the stage though they come later: a call or batch that is all of the stage's entry. */
  readonly #deferring: string | undefined;
  readonly #requests = new RequestBook();
  readonly #memory: ProgramMemory;
  readonly #deferrals: Deferrals;
  /** Rows looked up by `lookAhead`; undefined for keys without one. */
  readonly #ahead: (Row | undefined)[] = [];
  #input: number | undefined;
  #port = 0;

  constructor(stage: StageShape, outlet: Outlet, options: ProgramOptions) {
    this.#stage = stage;
    this.#outlet = outlet;
    this.#options = options;
    this.#ledger = new Ledger(options.seed);
    this.#clock = new StageClock(options.farFutureMs ?? Infinity);
    this.#store = new KeyedStore(new UndoLog(), this.#clock, options.stateLimits);
    this.#keyed = keyedOperator(stage);
    const runStep = this.#runStep.bind(this);
    const parts = {
      store: this.#store,
      outlet,
      ledger: this.#ledger,
      clock: this.#clock,
      requests: this.#requests,
      runStep,
      port: () => this.#port,
    };
    const { entry, operators } = new Wiring(stage, parts);
    this.#entry = entry;
    this.#operators = operators;
    this.#memory = new ProgramMemory(stage, operators, parts);
    this.#ages = !this.#store.isAgeless;
    this.#deferrals = new Deferrals(stage, operators, this.#clock);
    this.#deferring = deferringEntry(stage, operators);
    this.#generators = options.manualWatermarks === true ? [] : lastGenerators(stage, operators);
  }

  /** Index of the edge that the next records come over, for their port and their dead letters; undefined where they come over none. */
  get input(): number | undefined {
    return this.#input;
  }

  set input(edge: number | undefined) {
    this.#input = edge;
    this.#port = edge === undefined ? 0 : (this.#options.portOf?.(edge) ?? 0);
  }

  /** The next records have no key; called before `process` when they come over an edge that is not keyed. */
  selectNone(): void {
    this.#store.blur();
  }

  /** Makes the state of `key` current and answers the key's hash; called before `process` when the record comes over a keyed edge. */
  select(key: Key): number {
    return this.#keyed === undefined ? hashKey(key) : this.#store.select(key);
  }

  /**
   * Looks up the state of keys whose records come next, all at once: what lies far away in memory is waited for together. Changes nothing; each record is
   * still selected, by `selectAhead`.
   */
  lookAhead(keys: readonly Key[]): void {
    if (this.#keyed === undefined) return;
    const rows = this.#ahead;
    for (let at = 0; at < keys.length; at++) rows[at] = this.#store.find(keys[at]!);
  }

  /** As `select`, for number `at` of the keys last looked up. */
  selectAhead(key: Key, at: number): number {
    const row = this.#ahead[at];
    // A row that is not chained any more has been dropped since.
    if (row?.isChained !== true) return this.select(key);
    this.#store.focus(row);
    return row.hash;
  }

  /** Takes one record (P1). @throws only what ends the instance (P2) */
  process(value: unknown, timestamp: number | undefined): void {
    this.#ledger.recordsIn += 1;
    if (this.#ages) this.#clock.stepMs = timestamp ?? NaN;
    try {
      this.#begin();
      this.#entry(value, timestamp);
      this.#commit();
    } catch (error) {
      this.#fail(error, { value, timestamp, origin: "record", edge: this.#input });
    }
  }

  /** Takes a row of the source, or a record given again, that could not be made into a record of the stage: a dead letter. */
  refuse(error: StreamError, raw: unknown): void {
    this.#ledger.recordsIn += 1;
    this.#begin();
    const failure = new OperatorFailure(this.#stage.name, error);
    this.#letter(failure, { key: undefined, timestamp: undefined, value: raw, origin: "unread" });
  }

  /** A sink has refused a row of an earlier step for good: a dead letter. */
  rejectRow(sink: string, reason: string, value: unknown, timestamp: number | undefined): void {
    this.#begin();
    const failure = new OperatorFailure(sink, new StreamError("ROW_REFUSED", reason));
    this.#letter(failure, { key: undefined, timestamp, value, origin: "sinkRow" });
  }

  /**
   * Event time has come to `watermark` (Infinity at the end of the input): fires at most `stepsMax` due timers and windows; answers whether all have
   * fired. Called again with the same watermark until it answers true, and nothing else in between. A watermark that is not larger is ignored.
   */
  advanceTo(watermark: number, stepsMax: number): boolean {
    const clock = this.#clock;
    if (!(watermark > clock.applied)) return true;
    if (clock.isAdvancing && clock.watermark !== watermark) {
      throw new InvariantViolation(`watermark ${clock.watermark} is not applied yet, and ${watermark} comes`);
    }
    clock.watermark = watermark;
    for (const operator of this.#operators) {
      if (operator?.advanceTo !== undefined && !operator.advanceTo(watermark, stepsMax)) return false;
    }
    // The end of the input ends no lives.
    if (this.#ages && watermark < Infinity && !this.#store.sweep("event", watermark, stepsMax)) return false;
    clock.applied = watermark;
    return true;
  }

  /** Processing time has come to `now`: as `advanceTo`, for processing-time timers and windows. */
  tick(now: number, stepsMax: number): boolean {
    this.#clock.setNow(now);
    for (const operator of this.#operators) {
      if (operator?.tick !== undefined && !operator.tick(this.#clock.nowMs, stepsMax)) return false;
    }
    return !this.#ages || this.#store.sweep("processing", this.#clock.nowMs, stepsMax);
  }

  /**
   * The event time at which something fires next: Infinity while nothing would, -Infinity when every step of event time counts (an operator does not say what
   * it waits for, or something is due already and fires with the next step).
   */
  nextEventTime(): number {
    let next = Infinity;
    for (const operator of this.#operators) {
      if (operator?.advanceTo === undefined) continue;
      if (operator.nextEventTime === undefined) return -Infinity;
      next = Math.min(next, operator.nextEventTime() ?? Infinity);
    }
    return next <= this.#clock.applied ? -Infinity : next;
  }

  /** When processing time has to be told next: a timer is due, or state expires; undefined when nothing is. */
  nextTickAt(): number | undefined {
    return earliest(this.nextTimerAt(), this.#store.nextSweepAt);
  }

  /** When the earliest processing-time timer is due; undefined when there is none. */
  nextTimerAt(): number | undefined {
    let next: number | undefined;
    for (const operator of this.#operators) {
      next = earliest(next, operator?.nextTickAt?.());
    }
    return next;
  }

  /** Processing time is `ms` from here on, or what it was if that is later. */
  setNow(ms: number): void {
    this.#clock.setNow(ms);
  }

  /** Processing time: what `ctx.now()` answers. */
  get now(): number {
    return this.#clock.nowMs;
  }

  /** The next of the instance's own random numbers; part of the running step. */
  random(): number {
    return this.#ledger.draw();
  }

  /**
   * Event time behind the stage: the last watermark applied; of a stage with `timestamps` operators also what they say (the last one on each path counts,
   * and the smallest of several paths); of one with pending requests the last one that stands before them (R14). -Infinity before the first.
   */
  get watermark(): number {
    const generators = this.#generators;
    let generated = generators.length === 0 ? -Infinity : Infinity;
    for (let at = 0; at < generators.length; at++)
      generated = Math.min(generated, generators[at]?.watermark ?? -Infinity);
    if (this.isDeferring) return this.#deferrals.watermark;
    return Math.max(this.#clock.applied, generated);
  }

  /**
   * Whether it has operators whose outputs come later than their inputs (R14, batch turns): then `beginTurn` comes before each message, and `settle` after
   * it until nothing is left. Never called otherwise.
   */
  get isDeferring(): boolean {
    return !this.#deferrals.isEmpty;
  }

  /** The turn of message `sequence` begins. */
  beginTurn(sequence: number): void {
    this.#requests.beginTurn(sequence);
  }

  /** A result has been read (R14): what it releases goes with `settle`. */
  answer(result: CallResult): void {
    this.#deferrals.answer(result);
  }

  /** Lets go what may go, at most `stepsMax` steps of each operator. */
  settle(stepsMax: number): Settled {
    return this.#deferrals.settle(stepsMax);
  }

  /** What has to be run when `settle` has answered `awaiting`. */
  get batch(): Batch | undefined {
    return this.#deferrals.batch;
  }

  /** `batch` has been run: one outcome per value. `settle` goes on. */
  finishBatch(outcomes: readonly BatchOutcome[]): void {
    this.#deferrals.finish(outcomes);
  }

  /** Requests issued, or restored, since the last call; some may have their result by now. */
  takeRequests(): readonly OpenRequest[] {
    return this.#requests.take();
  }

  /** Requests that wait for their results or for those before them, and what they weigh. */
  get pending(): { readonly requests: number; readonly bytes: number } {
    return this.#deferrals.pending;
  }

  /** What has been counted since the job began. */
  get counts(): Counts {
    return this.#ledger.counts;
  }

  /** Number of keys that have state. */
  get keys(): number {
    return this.#store.size;
  }

  /** The state that it keeps: what a savepoint names, and a restore compares. */
  get states(): readonly ProgramState[] {
    return this.#memory.states;
  }

  /**
   * Freezes the state as it is (P3); instant. The previous cut has been encoded or discarded. A cut between two calls of `advanceTo` with the same
   * watermark has what has not fired yet; the restored program is given that watermark again.
   */
  cut(): StateCut {
    return this.#memory.cut();
  }

  /** Takes the state of a snapshot; called once, before anything else. @throws CORRUPT, SNAPSHOT_UNSUITABLE */
  restore(saved: SavedState): void {
    this.#memory.restore(saved);
  }

  /** Takes the state of a savepoint, in the place of `restore`. @throws CORRUPT, SNAPSHOT_UNSUITABLE when something of it cannot go on here */
  adopt(saved: AdoptedState): void {
    this.#memory.adopt(saved);
  }

  #runStep(operator: string, step: () => void, describe: () => unknown, timestamp: number | undefined): void {
    if (this.#ages) this.#clock.stepMs = timestamp ?? NaN;
    try {
      this.#begin();
      step();
      this.#commit();
    } catch (error) {
      const of: Pick<FailedRecord, "origin" | "edge"> =
        operator === this.#deferring ? { origin: "record", edge: this.#options.onlyInput } : { origin: "step" };
      this.#fail(blame(operator, error), { value: describe(), timestamp, ...of });
    }
  }

  #begin(): void {
    this.#store.begin();
    this.#ledger.mark();
    this.#outlet.mark();
  }

  #commit(): void {
    if (this.#keyed === undefined) return;
    try {
      this.#store.commit();
    } catch (error) {
      throw blame(this.#keyed, error);
    }
  }

  /** P2. The dead letter comes after the undo: it is no part of the step. */
  #fail(error: unknown, record: Omit<FailedRecord, "key">): void {
    const key = this.#store.key;
    this.#store.undo();
    this.#ledger.undo();
    this.#outlet.undo();
    if (!(error instanceof OperatorFailure)) throw error;
    this.#letter(error, { ...record, key: key === undefined ? undefined : renderKey(key) });
  }

  #letter(failure: OperatorFailure, record: FailedRecord): void {
    const letter = deadLetterOf(failure, record);
    this.#ledger.deadLetters += 1;
    switch (this.#options.onError) {
      case "deadLetter":
        return this.#outlet.deadLetter(letter);
      case "fail":
        throw new StreamError(
          "DEAD_LETTERS_EXCEEDED",
          `onError is "fail", and operator ${letter.operator} failed with ${letter.code}: ${letter.message}`,
          {
            cause: failure.cause,
          },
        );
      case "drop":
        return undefined;
    }
  }
}

function earliest(one: number | undefined, other: number | undefined): number | undefined {
  if (one === undefined || other === undefined) return one ?? other;
  return Math.min(one, other);
}
