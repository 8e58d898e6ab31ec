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

/** Declares a {@link ValueState}: `state: { last: value<Reading>() }`. */
export interface ValueDescriptor<V> {
  readonly kind: "value";
  /** Only types look at it. */
  readonly holds?: V | undefined;
}

/** Declares a {@link MapState}: `state: { seen: map<string, number>() }`. */
export interface MapDescriptor<K extends KeyPart, V> {
  readonly kind: "map";
  /** Only types look at it. */
  readonly holds?: readonly [K, V] | undefined;
}

/** The state that an operator declares, by name; the name is the state's identity across versions of the program. */
export type States = Readonly<Record<string, AnyDescriptor>>;

// oxlint-disable-next-line typescript/no-explicit-any -- any value type: descriptors are read back by StateOf
type AnyDescriptor = ValueDescriptor<any> | MapDescriptor<any, any>;

/** The handles to declared state. */
export type StateOf<S> = {
  readonly [P in keyof S]: S[P] extends ValueDescriptor<infer V>
    ? ValueState<V>
    : S[P] extends MapDescriptor<infer K, infer V>
      ? MapState<K, V>
      : never;
};

/** One value per key. The values are anything the default codec takes: numbers, strings, plain objects, arrays, Dates, bytes … */
export function value<V>(): ValueDescriptor<V> {
  return { kind: "value" };
}

/** A map per key. Its keys are strings, numbers, booleans or bigints. */
export function map<K extends KeyPart, V>(): MapDescriptor<K, V> {
  return { kind: "map" };
}
