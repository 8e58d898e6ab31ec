/**
 * Who waits for acknowledgements: snapshots, until everything up to their cut is out (H1).
 */

interface Waiter {
  readonly ordinal: number;
  readonly resolve: () => void;
}

/** Resolves when everything up to an ordinal has been acknowledged. */
export class AckGate {
  #waiters: Waiter[] = [];

  /** Resolves at the first `pass` with at least `ordinal`. */
  until(ordinal: number): Promise<void> {
    return new Promise((resolve) => this.#waiters.push({ ordinal, resolve }));
  }

  /** Everything up to `acknowledged` is out. */
  pass(acknowledged: number): void {
    if (this.#waiters.length === 0) return;
    const passed = this.#waiters.filter(({ ordinal }) => ordinal <= acknowledged);
    this.#waiters = this.#waiters.filter(({ ordinal }) => ordinal > acknowledged);
    for (const { resolve } of passed) resolve();
  }
}
