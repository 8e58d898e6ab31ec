/**
 * Where the slices of an operator lie, of all keys: side by side in one array of numbers.
 *
 * Owns the places. A slice's place is where its start stands; the numbers of its accumulator follow. A record is added to a slice with one look at
 * memory, whatever else is known of its key. What an accumulator is, is the accumulation's business.
 *
 * T1. A place is a function of nothing: no output and no snapshot depends on it.
 * T2. What a freed place held is forgotten; a place that is given out again has its start, and whatever numbers were there.
 */

const firstCapacity = 64;

/** The slices of one operator. */
export class SliceTable {
  /** Slice `at`: `numbers[at]` is its start, from `at + 1` on its accumulator. Another array after `allocate`. */
  numbers: Float64Array;
  /** Accumulators that are no numbers, by place; where they have no slots. */
  readonly objects: unknown[] = [];
  readonly #stride: number;
  readonly #free: number[] = [];
  #end = 0;

  /** `slots`: how many numbers an accumulator has; 0: it is an object. */
  constructor(slots: number) {
    this.#stride = 1 + slots;
    this.numbers = new Float64Array(firstCapacity * this.#stride);
  }

  /** When the slice at `at` begins. */
  start(at: number): number {
    return this.numbers[at] ?? Number.NaN;
  }

  /** A place for the slice that begins at `start`. */
  allocate(start: number): number {
    const at = this.#free.pop() ?? this.#append();
    this.numbers[at] = start;
    return at;
  }

  /** The slice is gone. */
  free(at: number): void {
    if (this.#stride === 1) this.objects[at] = undefined;
    this.#free.push(at);
  }

  #append(): number {
    const at = this.#end;
    this.#end += this.#stride;
    if (this.#end > this.numbers.length) {
      const grown = new Float64Array(2 * this.numbers.length);
      grown.set(this.numbers);
      this.numbers = grown;
    }
    return at;
  }
}
