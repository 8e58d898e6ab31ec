/**
 * How to take back what a step has changed.
 *
 * Owns the list of changes since the step began: for each a function that restores, and its arguments. Nothing is allocated per entry, not even for
 * numbers, as long as they are pushed as such.
 *
 * U1. Undoing runs the entries in reverse order, so each finds things as they were right after its own change.
 * U2. A restoring function changes nothing but what its change did, and never throws.
 */

/** Takes back one change. Arguments are whatever was pushed with it. */
type Restore = (a: unknown, b: unknown, c: unknown) => void;

const stride = 4;
/** Third argument of an entry whose argument is a number, which lies beside. */
const inNumbers = Symbol("in numbers");
/** Entries kept allocated between steps. */
const keptMax = 1024;
const firstNumbers = 64;

/** The changes of the current step. */
export class UndoLog {
  #entries: unknown[] = [];
  /** By entry. */
  #numbers = new Float64Array(firstNumbers);
  #size = 0;

  /** Remembers that `restore(a, b, c)` takes back a change that is being made. */
  push<A, B, C>(restore: (a: A, b: B, c: C) => void, a: A, b: B, c: C): void {
    const entries = this.#entries;
    const at = this.#size;
    entries[at] = restore;
    entries[at + 1] = a;
    entries[at + 2] = b;
    entries[at + 3] = c;
    this.#size = at + stride;
  }

  /** As `push`; `at` is an index, `was` any number. */
  pushNumber<A>(restore: (a: A, at: number, was: number) => void, a: A, at: number, was: number): void {
    const entry = this.#size / stride;
    if (entry >= this.#numbers.length) this.#growNumbers(entry);
    this.#numbers[entry] = was;
    this.push(restore, a, at, inNumbers as never);
  }

  /** Takes everything back (U1). */
  undo(): void {
    const entries = this.#entries;
    for (let at = this.#size - stride; at >= 0; at -= stride) {
      const last = entries[at + 3];
      const c = last === inNumbers ? this.#numbers[at / stride] : last;
      (entries[at] as Restore)(entries[at + 1], entries[at + 2], c);
    }
    this.clear();
  }

  /** The step is over, or a new one begins: what has been done stays. */
  clear(): void {
    if (this.#size > keptMax * stride) this.#shrink();
    this.#size = 0;
  }

  #shrink(): void {
    this.#entries = [];
    this.#numbers = new Float64Array(firstNumbers);
  }

  #growNumbers(entry: number): void {
    const grown = new Float64Array(2 * entry);
    grown.set(this.#numbers);
    this.#numbers = grown;
  }
}
