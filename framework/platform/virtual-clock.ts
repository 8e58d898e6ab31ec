/**
 * The clock of tests and simulations: time passes only when the driver says so.
 *
 * Owns every task of the runtime under test: whatever is asynchronous goes through `schedule`, so one driver decides what runs when. Wall time and
 * monotonic time are kept apart: a test can let everything come to rest without moving the time that records and windows see.
 *
 * V1. Between two tasks every microtask and promise chain comes to its end (a turn of the real event loop).
 * V2. Tasks run in the order in which they are due; at equal times in the order of `schedule`, or in one drawn from `random`.
 * V3. `settle` and `recover` move monotonic time only; wall time moves by `advance`, `until` and `jumpWall`.
 * V4. A cancelled task does not run, and does not keep the clock running.
 */
import { invariant } from "../errors.ts";
import type { Cancel, Clock, Random, ScheduleOptions } from "./platform.ts";
import { WakeUps } from "./wake-ups.ts";

/** How a virtual clock begins. */
export interface VirtualClockOptions {
  /**
   * Wall time at the beginning, ms since the epoch.
   * @default 1_700_000_000_000, so that nobody mistakes it for an interval
   */
  readonly wallMs?: number | undefined;
  /**
   * Draws the order of tasks that are due at the same time: this makes the clock a seeded scheduler.
   * @default none: the order of `schedule`
   */
  readonly random?: Random | undefined;
  /**
   * Virtual time after which `settle` gives up: something foreground reschedules itself for ever.
   * @default 86_400_000 (a day)
   */
  readonly settleMsMax?: number | undefined;
}

/**
 * A clock that stands still until it is driven.
 *
 * @example
 * const clock = new VirtualClock();
 * clock.schedule(5_000, () => console.log("five seconds later"));
 * await clock.settle(); // prints at once; clock.now() is unchanged
 */
export class VirtualClock implements Clock {
  readonly #wakeUps: WakeUps;
  readonly #settleMsMax: number;
  #wallMs: number;
  #monotonicMs = 0;
  #isDriven = false;

  constructor(options: VirtualClockOptions = {}) {
    this.#wakeUps = new WakeUps(options.random);
    this.#wallMs = options.wallMs ?? 1_700_000_000_000;
    this.#settleMsMax = options.settleMsMax ?? 86_400_000;
  }

  now(): number {
    return this.#wallMs;
  }

  monotonicMs(): number {
    return this.#monotonicMs;
  }

  schedule(delayMs: number, wake: () => void, options?: ScheduleOptions): Cancel {
    invariant(!Number.isNaN(delayMs), "a delay is a number");
    return this.#wakeUps.add(this.#monotonicMs + Math.max(0, delayMs), wake, options?.background ?? false);
  }

  /** Scheduled and not yet run, for messages of failed tests. */
  get pending(): { readonly foreground: number; readonly background: number } {
    return { foreground: this.#wakeUps.foreground, background: this.#wakeUps.background };
  }

  /**
   * Runs every task that is due, and lets monotonic time jump to the next wake-up as long as a foreground one is left.
   *
   * Afterwards only background wake-ups of the future are left, and wall time is what it was.
   *
   * @throws InvariantViolation when it does not come to rest; whatever a task threw
   */
  settle(): Promise<void> {
    return this.#drive(() => this.#settled());
  }

  /**
   * Lets `ms` pass on both clocks, stopping at every wake-up on the way, background ones included, and settles after each.
   *
   * Settling moves monotonic time further; wall time moves by exactly `ms`.
   */
  advance(ms: number): Promise<void> {
    return this.#drive(async () => {
      await this.#settled();
      for (let restMs = ms; restMs > 0;) {
        const stepMs = Math.min(restMs, Math.max(0, (this.#wakeUps.nextDueMs ?? Infinity) - this.#monotonicMs));
        this.#pass(stepMs);
        restMs -= stepMs;
        await this.#settled();
      }
    });
  }

  /**
   * Lets time pass, wake-up by wake-up, background ones included, until `predicate` holds.
   *
   * @throws InvariantViolation when `limitMs` of virtual time have passed, or nothing is left that could happen
   */
  until(predicate: () => boolean, limitMs: number): Promise<void> {
    return this.#until(predicate, limitMs, (ms) => this.#pass(ms));
  }

  /** As `until`, and wall time stays what it was (V3): for what takes time and is not what a test is about. */
  recover(predicate: () => boolean, limitMs: number): Promise<void> {
    return this.#until(predicate, limitMs, (ms) => {
      this.#monotonicMs += ms;
    });
  }

  #until(predicate: () => boolean, limitMs: number, pass: (ms: number) => void): Promise<void> {
    return this.#drive(async () => {
      const endMs = this.#monotonicMs + limitMs;
      await this.#turns(() => {
        if (predicate()) return false;
        const dueMs = this.#wakeUps.nextDueMs;
        invariant(dueMs !== undefined, "virtual clock: nothing is left that could make the predicate true");
        invariant(dueMs <= endMs, `virtual clock: the predicate does not hold after ${limitMs} ms`);
        pass(Math.max(0, dueMs - this.#monotonicMs));
        this.#wakeUps.take()?.();
        return true;
      });
    });
  }

  /**
   * Runs the one task that is next, moving monotonic time to it; answers whether there was one.
   *
   * For drivers that decide something between any two tasks (a simulator that crashes a worker). With only background wake-ups of the future left there
   * is none.
   */
  async step(): Promise<boolean> {
    let didRun = false;
    await this.#drive(() =>
      this.#turns(() => {
        if (didRun) return false;
        didRun = this.#runNext();
        return didRun;
      }),
    );
    return didRun;
  }

  /** Moves wall time alone, in either direction, as an administrator or NTP would. */
  jumpWall(deltaMs: number): void {
    this.#wallMs += deltaMs;
  }

  async #settled(): Promise<void> {
    const endMs = this.#monotonicMs + this.#settleMsMax;
    await this.#turns(() => {
      invariant(
        this.#monotonicMs <= endMs,
        `virtual clock: not at rest after ${this.#settleMsMax} ms; a foreground task reschedules itself for ever`,
      );
      return this.#runNext();
    });
  }

  /** Runs the next task unless only background wake-ups of the future are left. */
  #runNext(): boolean {
    const dueMs = this.#wakeUps.nextDueMs;
    if (dueMs === undefined || (dueMs > this.#monotonicMs && this.#wakeUps.foreground === 0)) return false;
    this.#monotonicMs = Math.max(this.#monotonicMs, dueMs);
    this.#wakeUps.take()?.();
    return true;
  }

  #pass(ms: number): void {
    this.#monotonicMs += ms;
    this.#wallMs += ms;
  }

  async #drive(drive: () => Promise<void>): Promise<void> {
    invariant(!this.#isDriven, "a virtual clock has one driver at a time: await settle, advance and until");
    this.#isDriven = true;
    try {
      await drive();
    } finally {
      this.#isDriven = false;
    }
  }

  /** Calls `body` in turns of the event loop of their own (V1) until it answers false. */
  #turns(body: () => boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      const turn = (): void => {
        try {
          if (body()) setImmediate(turn);
          else resolve();
        } catch (error) {
          reject(error);
        }
      };
      setImmediate(turn);
    });
  }
}
