/**
 * `process` on a keyed stream: a function of the user's with state and timers.
 *
 * Owns the context that the callbacks see, and the firing of timers.
 *
 * P1. Callbacks of a key never overlap, and see the state and timers of that key only.
 * P2. Outputs for a record have its timestamp, those of an event-time timer the timer's time, those of a processing-time timer none (FINDINGS 25).
 * P3. A timer is gone when its callback is called; when that throws, what it did is undone and the timer stays gone.
 * P4. Event-time timers fire in order of (time, registration) over all keys; one that a callback registers at or below the watermark fires within
 *     the same watermark. Pending processing-time timers do not fire at the end of the input.
 */
import { StreamError } from "../errors.ts";
import type { Key } from "../record/key.ts";
import { agesInEventTime, checkStates } from "../state/declared-states.ts";
import type { States, StateOf } from "../state/descriptors.ts";
import type { KeyedTimers } from "../state/keyed-timers.ts";
import type { TimeDomain } from "../state/namespace.ts";
import type { Timer } from "../state/timer-queue.ts";
import type { Operator, OperatorContext, OperatorFactory } from "./contract.ts";
import { emitAll, type Outputs } from "./emit-all.ts";

/** Registers and cancels timers of the current key. */
export interface Timers {
  /**
   * Calls `onTimer` when the watermark reaches `at`; answers `at`. Registering again changes nothing. At the end of the input (watermark Infinity)
   * every timer fires: one that always registers a next one has to look at the watermark, or the input never ends.
   */
  readonly onEventTime: (at: number) => number;
  /** Takes an event-time timer back; nothing happens when there is none, or `at` is undefined. */
  readonly cancelEventTime: (at: number | undefined) => void;
  /** Calls `onTimer` when processing time reaches `at`; answers `at`. */
  readonly onProcessingTime: (at: number) => number;
  /** Takes a processing-time timer back. */
  readonly cancelProcessingTime: (at: number | undefined) => void;
}

/** What `process` sees besides the record. Valid during the call only. */
export interface ProcessContext<K, S> {
  /** The key of the record, or of the timer. */
  readonly key: K;
  /** What the key holds, by the names of the program's `state`; changes are undone when the call throws. */
  readonly state: StateOf<S>;
  /** Registers and cancels timers of the key; undone when the call throws. */
  readonly timers: Timers;
  /** The record's event timestamp (in an event-time timer: its time). Reading it where there is none makes the record a dead letter (TIMESTAMP_INVALID). */
  readonly timestamp: number;
  /** The current watermark: -Infinity before the first, Infinity at the end of the input. */
  readonly watermark: number;
  /** Processing time, the same in a replay: use it instead of `Date.now()`. */
  readonly now: () => number;
  /** A number in [0, 1), the same in a replay: use it instead of `Math.random()`. */
  readonly random: () => number;
}

/** What `onTimer` sees besides the time. */
export interface TimerContext<K, S> extends ProcessContext<K, S> {
  /** Whether event time or processing time has come to it. */
  readonly domain: TimeDomain;
}

/** A process function: what it keeps, and what it does with records and timers. */
export interface ProcessSpec<T, O, K, S extends States> {
  /** State per key, by name. */
  readonly state?: S | undefined;
  /** Called for each record, after `state` and `timers` have been set to its key. */
  process(value: T, context: ProcessContext<K, S>): Outputs<O>;
  /** Called when a timer is due. */
  onTimer?(time: number, context: TimerContext<K, S>): Outputs<O>;
}

// oxlint-disable-next-line typescript/no-explicit-any -- the user's types end where the operator begins
type AnySpec = ProcessSpec<any, any, any, any>;

/**
 * Runs a process function per key. What it throws makes the record a dead letter and undoes the call (O1).
 *
 * @throws OPTION_INVALID when declared state makes no sense
 */
export function processOperator(spec: AnySpec): OperatorFactory {
  const declared: States = spec.state ?? {};
  checkStates(declared, true);
  return {
    kind: "process",
    description: "",
    keyed: true,
    eventTime: agesInEventTime(declared),
    outputTimestamps: "same",
    create: (context) => new Process(context, spec),
  };
}

class Process implements Operator {
  readonly #context: OperatorContext;
  readonly #spec: AnySpec;
  readonly #event: KeyedTimers;
  readonly #processing: KeyedTimers;
  readonly #scope: Scope;
  #firing: Timer | undefined;
  readonly #fireEvent: () => void = () => this.#call("event");
  readonly #fireProcessing: () => void = () => this.#call("processing");
  readonly #describe: () => unknown = () => ({ timer: this.#firing?.time });

  constructor(context: OperatorContext, spec: AnySpec) {
    const namespace = context.keyed.namespace(context.name);
    const state = namespace.states<States>(spec.state ?? {});
    this.#context = context;
    this.#spec = spec;
    this.#event = namespace.timers("event");
    this.#processing = namespace.timers("processing");
    this.#scope = new Scope(
      context,
      state,
      new KeyTimers(context.name, spec.onTimer !== undefined, this.#event, this.#processing),
    );
  }

  process(value: unknown, timestamp: number | undefined): void {
    const scope = this.#scope;
    scope.enter(timestamp, "event");
    emitAll(this.#context, this.#spec.process(value, scope), timestamp, "process");
  }

  advanceTo(watermark: number, stepsMax: number): boolean {
    return this.#fireDue(this.#event, watermark, stepsMax, this.#fireEvent);
  }

  nextEventTime(): number | undefined {
    return this.#event.queue.next?.time;
  }

  tick(now: number, stepsMax: number): boolean {
    return this.#fireDue(this.#processing, now, stepsMax, this.#fireProcessing);
  }

  nextTickAt(): number | undefined {
    return this.#processing.queue.next?.time;
  }

  #fireDue(timers: KeyedTimers, time: number, stepsMax: number, fire: () => void): boolean {
    for (let steps = 0; ; steps++) {
      const timer = timers.queue.next;
      if (timer === undefined || timer.time > time) return true;
      if (steps >= stepsMax) return false;
      this.#firing = timer;
      timers.take(timer);
      this.#context.step(fire, this.#describe, timers === this.#event ? timer.time : undefined);
    }
  }

  #call(domain: TimeDomain): void {
    const time = this.#firing?.time ?? 0;
    const timestamp = domain === "event" ? time : undefined;
    this.#scope.enter(timestamp, domain);
    emitAll(this.#context, this.#spec.onTimer?.(time, this.#scope), timestamp, "onTimer");
  }
}

/** The one context object of an instance: its getters answer for the step under way. */
class Scope implements TimerContext<Key, States> {
  readonly state: StateOf<States>;
  readonly timers: Timers;
  readonly #context: OperatorContext;
  #timestamp: number | undefined;
  #domain: TimeDomain = "event";

  constructor(context: OperatorContext, state: StateOf<States>, timers: Timers) {
    this.#context = context;
    this.state = state;
    this.timers = timers;
    // Bound, so that they can be taken out of the context: `({ now }) => …`.
    this.now = () => context.now();
    this.random = () => context.random();
  }

  readonly now: () => number;
  readonly random: () => number;

  enter(timestamp: number | undefined, domain: TimeDomain): void {
    this.#timestamp = timestamp;
    this.#domain = domain;
  }

  get key(): Key {
    return this.#context.keyed.current.key;
  }

  get timestamp(): number {
    const timestamp = this.#timestamp;
    if (timestamp !== undefined) return timestamp;
    const reason =
      this.#domain === "processing" ? "a processing-time timer has none" : "say .timestamps(…) at the source";
    throw new StreamError(
      "TIMESTAMP_INVALID",
      `${this.#context.name} reads the event timestamp, and there is none: ${reason}`,
    );
  }

  get watermark(): number {
    return this.#context.watermark();
  }

  get domain(): TimeDomain {
    return this.#domain;
  }
}

class KeyTimers implements Timers {
  readonly onEventTime: (at: number) => number;
  readonly cancelEventTime: (at: number | undefined) => void;
  readonly onProcessingTime: (at: number) => number;
  readonly cancelProcessingTime: (at: number | undefined) => void;

  constructor(operator: string, hasCallback: boolean, event: KeyedTimers, processing: KeyedTimers) {
    const register = (timers: KeyedTimers) => (at: number) => {
      if (!hasCallback) throw new TypeError(`${operator} registers a timer and has no onTimer`);
      return timers.register(at);
    };
    const cancel = (timers: KeyedTimers) => (at: number | undefined) => {
      if (at !== undefined) timers.cancel(at);
    };
    this.onEventTime = register(event);
    this.cancelEventTime = cancel(event);
    this.onProcessingTime = register(processing);
    this.cancelProcessingTime = cancel(processing);
  }
}
