/**
 * State that folds what is added to it: as declared with `reducing()` and `aggregating()`.
 *
 * Owns the fold; what is held lies in a value cell of its own, with all that value state promises (descriptors S1 to S3).
 *
 * F1. The first value added to reducing state is what it holds; the function is called from the second one on.
 * F2. The user's functions may change and answer what they are handed: it is a copy.
 */
import type { AggregatingState, FoldFunctions, ReducingState } from "./descriptors.ts";
import type { ValueCells } from "./value-state.ts";

/** The handle to reducing state. */
export class ReducingCells<V> implements ReducingState<V> {
  readonly #held: ValueCells<V>;
  readonly #combine: (soFar: V, value: V) => V;

  constructor(held: ValueCells<V>, combine: (soFar: V, value: V) => V) {
    this.#held = held;
    this.#combine = combine;
  }

  add(value: V): void {
    const before = this.#held.get();
    const after = before === undefined ? value : this.#combine(before, value);
    if (after === undefined) throw new TypeError("the function of reducing state answered undefined");
    this.#held.set(after);
  }

  get(): V | undefined {
    return this.#held.get();
  }

  clear(): void {
    this.#held.clear();
  }
}

/** The handle to aggregating state. */
export class AggregatingCells<T, A, R> implements AggregatingState<T, R> {
  readonly #held: ValueCells<A>;
  readonly #fold: FoldFunctions<T, A, R>;

  constructor(held: ValueCells<A>, fold: FoldFunctions<T, A, R>) {
    this.#held = held;
    this.#fold = fold;
  }

  add(value: T): void {
    const after = this.#fold.add(this.#held.get() ?? this.#fold.create(), value);
    if (after === undefined) throw new TypeError("add of aggregating state answered undefined");
    this.#held.set(after);
  }

  get(): R | undefined {
    const held = this.#held.get();
    return held === undefined ? undefined : this.#fold.result(held);
  }

  clear(): void {
    this.#held.clear();
  }
}
