/**
 * What the callbacks of process functions see.
 *
 * Owns the contexts, their types and the one object behind them. When callbacks run is decided by the operator.
 */
import { StreamError } from "../errors.ts";
import type { Key } from "../record/key.ts";
import type { States, StateOf } from "../state/descriptors.ts";
import type { KeyedTimers } from "../state/keyed-timers.ts";
import type { TimeDomain } from "../state/namespace.ts";
import type { OperatorContext } from "./contract.ts";
import { sidesOf, type Sides, type SidesOf } from "./sides.ts";

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
export interface ProcessContext<K, S, D = {}> {
  /** The key of the record, or of the timer. */
  readonly key: K;
  /** What the key holds, by the names of the program's `state`; changes are undone when the call throws. */
  readonly state: StateOf<S>;
  /** Registers and cancels timers of the key; undone when the call throws. */
  readonly timers: Timers;
  /** The side outputs, by the names of the program's `sides`. */
  readonly sides: SidesOf<D>;
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
export interface TimerContext<K, S, D = {}> extends ProcessContext<K, S, D> {
  /** Whether event time or processing time has come to it. */
  readonly domain: TimeDomain;
}

/** What a scope hands out. */
export interface ScopeParts {
  readonly state: StateOf<States>;
  readonly timers: Timers;
  readonly sides: Sides | undefined;
  /** Of a broadcast. */
  readonly rules?: unknown;
}

/** The one context object of an instance: its getters answer for the step under way. */
export class Scope implements TimerContext<Key, States, Sides> {
  readonly state: StateOf<States>;
  readonly timers: Timers;
  readonly sides: SidesOf<Sides>;
  readonly rules: unknown;
  readonly #context: OperatorContext;
  #timestamp: number | undefined;
  #domain: TimeDomain = "event";

  constructor(context: OperatorContext, { state, timers, sides, rules }: ScopeParts) {
    this.#context = context;
    this.state = state;
    this.timers = timers;
    this.rules = rules;
    this.sides = sidesOf(sides, context, () => this.#timestamp);
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

/** Timers of the current key; without a callback they refuse to be registered. */
export class KeyTimers implements Timers {
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
