/**
 * How a program declares keyed state, and the handles through which it reads and writes it.
 *
 * Owns the types only. A handle always speaks of the current key: the one of the record or timer being processed.
 *
 * S1. Within a step, state behaves like any object: what was got or set can be changed in place, and the change counts.
 * S2. When the step ends, state is a copy of its own: nothing outside of it can change it any more.
 * S3. A step that throws leaves no trace in state.
 */
import type { KeyPart } from "../record/key.ts";
import type { Schema } from "./schema.ts";
import type { Ttl } from "./ttl.ts";

/** One value per key. */
export interface ValueState<V> {
  /** The value; undefined when there is none. Changing the object that it answers changes the state. */
  get(): V | undefined;
  /** Replaces the value; undefined removes it. */
  set(value: V | undefined): void;
  /** Removes the value. */
  clear(): void;
}

/** A map per key, in insertion order like a `Map`. */
export interface MapState<K extends KeyPart, V> {
  /** The value of `key`; undefined when there is none. Changing the object that it answers changes the state. */
  get(key: K): V | undefined;
  set(key: K, value: V): void;
  has(key: K): boolean;
  /** Removes an entry; answers whether there was one. */
  delete(key: K): boolean;
  entries(): IterableIterator<[K, V]>;
  keys(): IterableIterator<K>;
  values(): IterableIterator<V>;
  readonly size: number;
  clear(): void;
}

/** A list per key, in the order in which its values were appended. */
export interface ListState<V> {
  /** Adds a value at the end; costs the same however long the list is. */
  append(value: V): void;
  /** The values. Changing an object among them changes the state. */
  values(): IterableIterator<V>;
  /** Puts these values in the place of all there are. */
  replace(values: Iterable<V>): void;
  /** How many values there are. */
  readonly size: number;
  /** Removes all values. */
  clear(): void;
}

/** One value per key, which what is added is combined with. */
export interface ReducingState<V> {
  /** Combines `value` with what is held; the first one is held as it is. */
  add(value: V): void;
  /** What the values added come to; undefined when there were none. */
  get(): V | undefined;
  /** Forgets all that was added. */
  clear(): void;
}

/** One accumulator per key, which takes values of `T` and comes to a result of `R`. */
export interface AggregatingState<T, R> {
  /** Adds `value` to the accumulator, a fresh one if there is none. */
  add(value: T): void;
  /** The result of what was added; undefined when nothing was. */
  get(): R | undefined;
  /** Forgets all that was added. */
  clear(): void;
}

/** What aggregating state computes with; an `Aggregate` of windows is one. Accumulators are anything the default codec takes. */
export interface FoldFunctions<T, A, R> {
  /** A fresh accumulator. */
  create(): A;
  /** The accumulator with one more value. May change `accumulator` and answer it: it is a copy. */
  add(accumulator: A, value: T): A;
  /** What the accumulator comes to. */
  result(accumulator: A): R;
}

/** Options that every kind of state has. `V`: what it holds, one by one. */
export interface StateOptions<V = unknown> {
  /**
   * How long it lives after it was last used: a duration of event time, or `{ after, time, refresh, expired }`. A map's entries and a list's elements have lives of
   * their own. Keyed state alone can have one.
   * @default for ever
   */
  readonly ttl?: Ttl | undefined;
  /**
   * Which version of `V` the program works with, and how older ones become it: `schema<Old>().migrate((old) => …)`. Looked at when a savepoint is restored.
   * @default version 1
   */
  readonly schema?: Schema<V> | undefined;
}

/** Declares a {@link ValueState}: `state: { last: value<Reading>() }`. */
export interface ValueDescriptor<V> extends StateOptions<V> {
  readonly kind: "value";
  /** Only types look at it. */
  readonly holds?: V | undefined;
}

/** Declares a {@link MapState}: `state: { seen: map<string, number>() }`. */
export interface MapDescriptor<K extends KeyPart, V> extends StateOptions<V> {
  readonly kind: "map";
  /** Only types look at it. */
  readonly holds?: readonly [K, V] | undefined;
}

/** Declares a {@link ListState}: `state: { recent: list<Reading>() }`. */
export interface ListDescriptor<V> extends StateOptions<V> {
  readonly kind: "list";
  /** Only types look at it. */
  readonly holds?: V | undefined;
}

/** Declares a {@link ReducingState}: `state: { total: reducing((a: number, b: number) => a + b) }`. */
export interface ReducingDescriptor<V> extends StateOptions<V> {
  readonly kind: "reducing";
  readonly combine: (soFar: V, value: V) => V;
}

/** Declares an {@link AggregatingState}: `state: { mean: aggregating(average((r: Reading) => r.celsius)) }`. */
export interface AggregatingDescriptor<T, A, R> extends StateOptions<A> {
  readonly kind: "aggregating";
  readonly fold: FoldFunctions<T, A, R>;
}

/** The state that an operator declares, by name; the name is the state's identity across versions of the program. */
export type States = Readonly<Record<string, AnyDescriptor>>;

/* oxlint-disable typescript/no-explicit-any -- any value type: descriptors are read back by StateOf */
/** Any declaration of state. */
export type AnyDescriptor =
  | ValueDescriptor<any>
  | MapDescriptor<any, any>
  | ListDescriptor<any>
  | ReducingDescriptor<any>
  | AggregatingDescriptor<any, any, any>;

/** The handle to what a descriptor declares. */
export type HandleOf<D> =
  D extends ValueDescriptor<infer V>
    ? ValueState<V>
    : D extends MapDescriptor<infer K, infer V>
      ? MapState<K, V>
      : D extends ListDescriptor<infer V>
        ? ListState<V>
        : D extends ReducingDescriptor<infer V>
          ? ReducingState<V>
          : D extends AggregatingDescriptor<infer T, any, infer R>
            ? AggregatingState<T, R>
            : never;
/* oxlint-enable typescript/no-explicit-any */

/** The handles to declared state. */
export type StateOf<S> = { readonly [P in keyof S]: HandleOf<S[P]> };

/** One value per key. The values are anything the default codec takes: numbers, strings, plain objects, arrays, Dates, bytes … */
export function value<V>(options: StateOptions<V> = {}): ValueDescriptor<V> {
  return { ...options, kind: "value" };
}

/** A map per key. Its keys are strings, numbers, booleans or bigints. */
export function map<K extends KeyPart, V>(options: StateOptions<V> = {}): MapDescriptor<K, V> {
  return { ...options, kind: "map" };
}

/** A list per key: values in the order in which they were appended. */
export function list<V>(options: StateOptions<V> = {}): ListDescriptor<V> {
  return { ...options, kind: "list" };
}

/**
 * One value per key that what is added is combined with. `combine` may change and answer `soFar`: it is a copy.
 *
 * @example
 * state: { total: reducing((a: number, b: number) => a + b) }
 */
export function reducing<V>(combine: (soFar: V, value: V) => V, options: StateOptions<V> = {}): ReducingDescriptor<V> {
  return { ...options, kind: "reducing", combine };
}
