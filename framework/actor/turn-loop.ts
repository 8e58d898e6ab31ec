/**
 * The loop in which one incarnation takes its turns.
 *
 * Owns when a turn is taken and when the event loop gets a chance; what a turn does is the feed's and the program's business, what follows from turns
 * the owner's.
 *
 * L1. One turn at a time; between two turns nothing is half-done, but for one that goes on in the next slice (O3).
 * L2. A batch turn awaits its function with nothing else in between: no turn, no cut, no tick.
 * L3. No turn begins while a lane or a sink has no room (R13), while the probe holds it, or when the owner begins no more.
 */
import type { Platform } from "../platform/platform.ts";
import { runDeterministically } from "../platform/determinism.ts";
import type { Incarnation } from "./assembly.ts";
import type { TurnResult } from "./feed.ts";
import type { InstanceMeter } from "./instance-meter.ts";

/** Turns taken before the event loop gets a chance, and time after which it gets one anyway. */
const turnsPerTask = 64;
const taskMsMax = 8;
/** While an instance reads again what it has missed, its neighbours are on time: event time crosses this process in several tasks. */
const replayTaskMsMax = 2;

/** Whose turns they are. */
export interface TurnOwner {
  /** False from the moment it has ended or is failing: nothing is taken, nothing follows. */
  mayTurn(): boolean;
  /** False while it lets go: what is unfinished comes to its end, nothing new begins. */
  mayBegin(): boolean;
  isReplaying(): boolean;
  /** R16: whether what follows an idle report may be read. */
  mayLeaveIdle(): boolean;
  /** A turn is about to begin after `position`; a promise holds it back until it is settled. */
  beforeTurn(position: number): unknown;
  /** A turn, or a slice of one, begins behind `position`. */
  turnBegins(position: number): void;
  /** No turn is under way any more. */
  turnsEnd(): void;
  /** A turn, or a slice of one, has ended with `result`. */
  turned(result: TurnResult, incarnation: Incarnation): void;
  /** A task of turns is over, with everything flushed. */
  afterTurns(incarnation: Incarnation, hasMoved: boolean): void;
  /** A turn has thrown: the incarnation is to end. */
  failed(error: unknown): void;
}

/** The turns of one incarnation. */
export class TurnLoop {
  readonly #owner: TurnOwner;
  readonly #platform: Platform;
  readonly #meter: InstanceMeter;
  readonly #isDeterministic: boolean;
  #incarnation: Incarnation | undefined;
  #isTurning = false;
  #isScheduled = false;
  #isUnfinished = false;
  #isHeld = false;

  /** @param isDeterministic whether globals such as `Date.now` answer from the message during a turn */
  constructor(owner: TurnOwner, platform: Platform, meter: InstanceMeter, isDeterministic: boolean) {
    this.#owner = owner;
    this.#platform = platform;
    this.#meter = meter;
    this.#isDeterministic = isDeterministic;
  }

  /** A turn is under way at this very moment. */
  get isTurning(): boolean {
    return this.#isTurning;
  }

  /** The last turn goes on in the next slice: nothing may be cut. */
  get isUnfinished(): boolean {
    return this.#isUnfinished;
  }

  /** From here on there is something to take turns with. */
  attach(incarnation: Incarnation): void {
    this.#incarnation = incarnation;
  }

  /** Something may have changed: input, room, acks, or the time. A turn is looked for in the next task. */
  wake(): void {
    if (this.#isScheduled || !this.#owner.mayTurn() || this.#incarnation === undefined) return;
    this.#isScheduled = true;
    this.#platform.clock.schedule(0, () => {
      this.#isScheduled = false;
      this.#pump();
    });
  }

  #pump(): void {
    const incarnation = this.#incarnation;
    if (incarnation === undefined || !this.#owner.mayTurn() || this.#isTurning || this.#isHeld) return;
    this.#isTurning = true;
    const { position } = incarnation.feed;
    let hasMore = false;
    try {
      hasMore = this.#turns(incarnation);
      this.#flush(incarnation);
    } catch (error) {
      this.#owner.failed(error);
    } finally {
      this.#isTurning = false;
      this.#owner.turnsEnd();
    }
    if (!this.#owner.mayTurn()) return;
    this.#owner.afterTurns(incarnation, incarnation.feed.position !== position);
    if (hasMore) this.wake();
  }

  #flush({ outputs }: Incarnation): void {
    const { clock } = this.#platform;
    const sinceMs = clock.monotonicMs();
    outputs.flush();
    this.#meter.flushed(clock.monotonicMs() - sinceMs);
  }

  /** Takes turns while there is something to read and room to speak. Answers whether there is more to do at once. */
  #turns(incarnation: Incarnation): boolean {
    const { clock } = this.#platform;
    let sinceMs = clock.monotonicMs();
    const untilMs = sinceMs + (this.#owner.isReplaying() ? replayTaskMsMax : taskMsMax);
    for (let count = 0; count < turnsPerTask; count += 1) {
      if (!incarnation.outputs.hasRoom || (!this.#owner.mayBegin() && !this.#isUnfinished)) return false;
      if (this.#mustHold(incarnation.feed.position)) return false;
      const result = this.#turn(incarnation);
      if (result === "empty" || result === "gated") return false;
      const nowMs = clock.monotonicMs();
      this.#meter.turned(nowMs - sinceMs, nowMs, this.#isUnfinished);
      if (result === "awaiting") return this.#await(incarnation);
      if (nowMs > untilMs) return true;
      sinceMs = nowMs;
    }
    return true;
  }

  /** Asks the owner at the border of a turn. */
  #mustHold(position: number): boolean {
    const held = this.#isUnfinished ? undefined : this.#owner.beforeTurn(position);
    if (!(held instanceof Promise)) return false;
    this.#holdUntil(held);
    return true;
  }

  /** L2. Answers that there is nothing to do meanwhile. */
  #await({ program, batches }: Incarnation): false {
    const { batch } = program;
    if (batch !== undefined) this.#holdUntil(batches.run(batch).then((outcomes) => program.finishBatch(outcomes)));
    return false;
  }

  #holdUntil(settled: Promise<unknown>): void {
    this.#isHeld = true;
    const goOn = () => {
      this.#isHeld = false;
      this.wake();
    };
    settled.then(goOn, (error: unknown) => this.#owner.failed(error));
  }

  #turn(incarnation: Incarnation): TurnResult {
    const { feed, program } = incarnation;
    const mayLeaveIdle = this.#owner.mayLeaveIdle();
    this.#owner.turnBegins(feed.position);
    const result = this.#isDeterministic
      ? runDeterministically(program, () => feed.turn(mayLeaveIdle))
      : feed.turn(mayLeaveIdle);
    this.#isUnfinished = result === "unfinished" || result === "awaiting";
    this.#owner.turned(result, incarnation);
    return result;
  }
}
