/**
 * What a firing window does with what it holds: emit the result of an aggregate, or hand it to a function of the user's.
 *
 * Owns the contract and both of them; joins of windows are others.
 *
 * F1. Outputs have the firing's timestamp.
 */
import type { Key } from "../record/key.ts";
import type { States, StateOf } from "../state/descriptors.ts";
import type { TimeSpan } from "../window/assigner.ts";
import type { WindowElement } from "../window/evictor.ts";
import type { OperatorContext } from "./contract.ts";
import { emitAll, type Outputs } from "./emit-all.ts";
import type { KeyWindow } from "./key-windows.ts";
import { WindowState } from "./window-state.ts";

/**
 * Why a window fires: before it is over, when it is, or because of a record that came later. Count windows are over when they have their records, a global
 * one when the input ends.
 */
export type FireCause = "early" | "onTime" | "late";

/** The cause and number of a firing. */
export interface Fire {
  readonly cause: FireCause;
  /** 1 for a window's first result, and so on; sessions that have become one count on from the larger number. */
  readonly pane: number;
}

/** One firing. */
export interface Firing extends Fire {
  readonly key: Key;
  readonly span: TimeSpan;
  readonly window: KeyWindow;
  /** Timestamp of what comes out (F1). */
  readonly timestamp: number | undefined;
  /** What comes out, when it is known: for the dead letter, should nobody take it. */
  result: unknown;
}

/** Takes what a window holds when it fires. */
export interface WindowFunction {
  /** The program's state per window, where it declares one. */
  readonly windowState?: WindowState | undefined;
  /**
   * `input`: the result of the fold; where there is none the window's elements (`WindowElement[]`), which are the function's.
   */
  fire(input: unknown, firing: Firing): void;
}

/** Makes a function of windows, in an instance. */
export type WindowFunctionOf = (context: OperatorContext) => WindowFunction;

/** Emits `{ key, window, value }`, and with `hasFire` also `fire`. */
export function resultFunction(hasFire: boolean): WindowFunctionOf {
  return (context) => ({
    fire(value, firing) {
      const { key, span: window, cause, pane, timestamp } = firing;
      context.countWindow();
      firing.result = hasFire ? { key, window, value, fire: { cause, pane } } : { key, window, value };
      context.emit(firing.result, timestamp);
    },
  });
}

/** What a function of a window sees besides its contents. Valid during the call only. */
export interface WindowContext<K, W, S> {
  readonly key: K;
  readonly window: TimeSpan;
  /** The current watermark: -Infinity before the first, Infinity at the end of the input. */
  readonly watermark: number;
  /** What the window holds besides its records, by the names of `windowState`; it ends with the window. */
  readonly windowState: StateOf<W>;
  /** What the key holds, by the names of `state`: for good. */
  readonly state: StateOf<S>;
  /** Why the window fires, and how often it has. */
  readonly fire: Fire;
  /** Processing time, the same in a replay: use it instead of `Date.now()`. */
  readonly now: () => number;
  /** A number in [0, 1), the same in a replay: use it instead of `Math.random()`. */
  readonly random: () => number;
}

/** A function of windows, and the state that it keeps. `I`: the window's values, or the result of an aggregate. */
export interface WindowFunctions<K, I, O, W extends States, S extends States> {
  /** State per key and window, by name; it ends with the window. Not in sessions. */
  readonly windowState?: W | undefined;
  /** State per key, by name, for good. */
  readonly state?: S | undefined;
  /** Called for each firing. Outputs have the timestamp of the window's last millisecond. */
  process(input: I, context: WindowContext<K, W, S>): Outputs<O>;
}

// oxlint-disable-next-line typescript/no-explicit-any -- the user's types end where the operator begins
type AnyFunctions = WindowFunctions<any, any, any, any, any>;

/** Calls `functions.process`; `hasElements`: the window holds records, else what they come to. */
export function processFunction(functions: AnyFunctions, hasElements: boolean): WindowFunctionOf {
  return (context) => new ProcessFunction(context, functions, hasElements);
}

class ProcessFunction implements WindowFunction {
  readonly windowState: WindowState | undefined;
  readonly #context: OperatorContext;
  readonly #functions: AnyFunctions;
  readonly #hasElements: boolean;
  readonly #scope: Scope;

  constructor(context: OperatorContext, functions: AnyFunctions, hasElements: boolean) {
    const { windowState, state = {} } = functions;
    const namespace = context.keyed.namespace(context.name);
    this.#context = context;
    this.#functions = functions;
    this.#hasElements = hasElements;
    if (windowState !== undefined)
      this.windowState = new WindowState(context.keyed, namespace.columnName("window/"), windowState);
    this.#scope = new Scope(context, namespace.states(state), this.windowState?.states ?? {});
  }

  fire(input: unknown, firing: Firing): void {
    this.windowState?.enter(firing.window);
    this.#scope.firing = firing;
    const given = this.#hasElements ? (input as readonly WindowElement[]).map(({ value }) => value) : input;
    this.#context.countWindow();
    emitAll(this.#context, this.#functions.process(given, this.#scope), firing.timestamp, "process");
  }
}

/** The one context object of an instance: its getters answer for the firing under way. */
class Scope implements WindowContext<Key, States, States> {
  readonly state: StateOf<States>;
  readonly windowState: StateOf<States>;
  readonly now: () => number;
  readonly random: () => number;
  firing: Firing | undefined;
  readonly #context: OperatorContext;

  constructor(context: OperatorContext, state: StateOf<States>, windowState: StateOf<States>) {
    this.#context = context;
    this.state = state;
    this.windowState = windowState;
    // Bound, so that they can be taken out of the context: `({ now }) => …`.
    this.now = () => context.now();
    this.random = () => context.random();
  }

  get key(): Key {
    return this.#current.key;
  }

  get window(): TimeSpan {
    return this.#current.span;
  }

  get watermark(): number {
    return this.#context.watermark();
  }

  get fire(): Fire {
    const { cause, pane } = this.#current;
    return { cause, pane };
  }

  get #current(): Firing {
    return this.firing as Firing;
  }
}
