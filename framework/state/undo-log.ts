/**
 * How to take back what a step has changed.
 *
 * Owns the list of changes since the step began: for each a function that restores, and its arguments. Nothing is allocated per entry.
 *
 * U1. Undoing runs the entries in reverse order, so each finds things as they were right after its own change.
 * U2. A restoring function changes nothing but what its change did, and never throws.
 */

/** Takes back one change. Arguments are whatever was pushed with it. */
type Restore = (a: unknown, b: unknown, c: unknown) => void;

const stride = 4;
/** Entries kept allocated between steps. */
const keptMax = 1024;

/** The changes of the current step. */
export class UndoLog {
  #entries: unknown[] = [];
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

  /** Takes everything back (U1). */
  undo(): void {
    const entries = this.#entries;
    for (let at = this.#size - stride; at >= 0; at -= stride) {
      (entries[at] as Restore)(entries[at + 1], entries[at + 2], entries[at + 3]);
    }
    this.clear();
  }

  /** The step is over, or a new one begins: what has been done stays. */
  clear(): void {
    if (this.#size > keptMax * stride) this.#entries = [];
    this.#size = 0;
  }
}
