/**
 * What makes the watermarks of one split, by strategy.
 *
 * Owns the state that they are made from: all there is to snapshot. A function of the records of the split, so a replay makes the same ones.
 *
 * W1. A watermark never goes back: one that is smaller than an earlier one is ignored.
 * W2. What the program's functions answer is a timestamp, and not too far in the future: the record that it comes with becomes a dead letter otherwise.
 */
import { StreamError } from "../errors.ts";
import { cloneValue } from "../record/default-codec.ts";
import type { UndoLog } from "../state/undo-log.ts";
import { needsCopy } from "../state/value-state.ts";
import { checkTimestamp } from "../time/timestamp.ts";
import { BoundedDisorder } from "../time/watermark-strategy.ts";
import type { WatermarkGenerator, WatermarkStrategy } from "./watermarks.ts";

/** Makes the watermarks of one split. */
export interface WatermarkMaker {
  /** The watermark now: -Infinity before the first. */
  readonly watermark: number;
  /** Takes a record that has been emitted. What it changes is pushed to `undoLog`. `latest`: the largest watermark that is not too far in the future. */
  observe(value: unknown, timestamp: number, undoLog: UndoLog, latest: number): void;
  /** All that it remembers, as a value of the default codec. */
  save(): unknown;
  /** Takes what `save` answered; false when it is something else. */
  load(saved: unknown): boolean;
  /** Takes what `save` has answered in one instance, or in several that this one is one of those behind; false when that cannot be. */
  adopt(saved: readonly unknown[]): boolean;
}

/** The maker of a strategy; without one, disorder is bounded. */
export function makerOf(strategy: WatermarkStrategy<never> | undefined, outOfOrdernessMs: number): WatermarkMaker {
  switch (strategy?.kind) {
    case undefined:
      return new BoundedMaker(outOfOrdernessMs);
    case "monotonic":
      return new BoundedMaker(0);
    case "punctuated":
      return new PunctuatedMaker(strategy.of as (value: unknown, timestamp: number) => number | undefined);
    case "generated":
      return new GeneratedMaker(strategy.generator as WatermarkGenerator<unknown, unknown>);
  }
}

class BoundedMaker implements WatermarkMaker {
  readonly #disorder: BoundedDisorder;

  constructor(outOfOrdernessMs: number) {
    this.#disorder = new BoundedDisorder(outOfOrdernessMs);
  }

  get watermark(): number {
    return this.#disorder.watermark;
  }

  observe(_value: unknown, timestamp: number, undoLog: UndoLog): void {
    const disorder = this.#disorder;
    const { largest } = disorder;
    if (timestamp <= largest) return;
    undoLog.push(restoreLargest, disorder, largest, undefined);
    disorder.observe(timestamp);
  }

  save(): unknown {
    return this.#disorder.largest;
  }

  load(saved: unknown): boolean {
    if (!isTime(saved)) return false;
    this.#disorder.restore(saved);
    return true;
  }

  adopt(saved: readonly unknown[]): boolean {
    return saved.every(isTime) && this.load(Math.min(...saved));
  }
}

class PunctuatedMaker implements WatermarkMaker {
  readonly #of: (value: unknown, timestamp: number) => number | undefined;
  watermark = -Infinity;

  constructor(of: (value: unknown, timestamp: number) => number | undefined) {
    this.#of = of;
  }

  observe(value: unknown, timestamp: number, undoLog: UndoLog, latest: number): void {
    const of = this.#of;
    const said = of(value, timestamp);
    if (said === undefined || checkWatermark(said, latest) <= this.watermark) return;
    undoLog.push(restoreWatermark, this, this.watermark, undefined);
    this.watermark = said;
  }

  save(): unknown {
    return this.watermark;
  }

  load(saved: unknown): boolean {
    if (!isTime(saved)) return false;
    this.watermark = saved;
    return true;
  }

  adopt(saved: readonly unknown[]): boolean {
    return saved.every(isTime) && this.load(Math.min(...saved));
  }
}

class GeneratedMaker implements WatermarkMaker {
  readonly #generator: WatermarkGenerator<unknown, unknown>;
  state: unknown;
  watermark = -Infinity;

  constructor(generator: WatermarkGenerator<unknown, unknown>) {
    this.#generator = generator;
    this.state = copyOf(generator.create());
  }

  observe(value: unknown, timestamp: number, undoLog: UndoLog, latest: number): void {
    const state = this.#generator.onRecord(copyOf(this.state), value, timestamp);
    const said = this.#generator.watermark(copyOf(state));
    if (said !== undefined) checkWatermark(said, latest);
    undoLog.push(restoreState, this, this.state, this.watermark);
    this.state = copyOf(state);
    this.watermark = Math.max(this.watermark, said ?? -Infinity);
  }

  save(): unknown {
    return [this.state, this.watermark];
  }

  load(saved: unknown): boolean {
    if (!Array.isArray(saved) || saved.length !== 2 || !isTime(saved[1])) return false;
    [this.state, this.watermark] = saved as [unknown, number];
    return true;
  }

  /** The state is the program's: nobody else knows what several come to. */
  adopt(saved: readonly unknown[]): boolean {
    return saved.length === 1 && this.load(saved[0]);
  }
}

function isTime(saved: unknown): saved is number {
  return typeof saved === "number" && !Number.isNaN(saved);
}

/** W2. */
function checkWatermark(said: unknown, latest: number): number {
  const watermark = checkTimestamp(said, "the record's watermark");
  if (watermark <= latest) return watermark;
  throw new StreamError(
    "TIMESTAMP_INVALID",
    `the record's watermark ${watermark} lies beyond ${latest}: too far in the future`,
  );
}

function copyOf(state: unknown): unknown {
  return needsCopy(state) ? cloneValue(state) : state;
}

function restoreLargest(disorder: BoundedDisorder, largest: number): void {
  disorder.restore(largest);
}

function restoreWatermark(maker: PunctuatedMaker, watermark: number): void {
  maker.watermark = watermark;
}

function restoreState(maker: GeneratedMaker, state: unknown, watermark: number): void {
  maker.state = state;
  maker.watermark = watermark;
}
