/**
 * What a stage counts, and its random numbers: small state that every step may change.
 *
 * L1. `undo` puts back what stood at the last `mark`; what is counted outside of steps (records in, dead letters) stays.
 * L2. The random numbers are a function of the seed and of the draws before, on every machine.
 */
import type { Counts } from "../record/messages.ts";

/** Counts and random state of one stage instance. */
export class Ledger {
  recordsIn = 0;
  deadLetters = 0;
  recordsOut = 0;
  late = 0;
  windowsOut = 0;
  #random: number;
  #markedOut = 0;
  #markedLate = 0;
  #markedWindows = 0;
  #markedRandom = 0;

  /** `seed`: any integer; its lower 32 bits count. */
  constructor(seed: number) {
    this.#random = seed >>> 0;
  }

  /** State of the random numbers, for the snapshot. */
  get random(): number {
    return this.#random;
  }

  get counts(): Counts {
    const { recordsIn, recordsOut, late, deadLetters, windowsOut } = this;
    return { recordsIn, recordsOut, late, deadLetters, windowsOut };
  }

  restore(counts: Counts, random: number): void {
    this.recordsIn = counts.recordsIn;
    this.recordsOut = counts.recordsOut;
    this.late = counts.late;
    this.deadLetters = counts.deadLetters;
    this.windowsOut = counts.windowsOut;
    this.#random = random >>> 0;
  }

  /** A step begins. */
  mark(): void {
    this.#markedOut = this.recordsOut;
    this.#markedLate = this.late;
    this.#markedWindows = this.windowsOut;
    this.#markedRandom = this.#random;
  }

  /** The step has failed (L1). */
  undo(): void {
    this.recordsOut = this.#markedOut;
    this.late = this.#markedLate;
    this.windowsOut = this.#markedWindows;
    this.#random = this.#markedRandom;
  }

  /** A number in [0, 1) with 53 random bits. */
  draw(): number {
    return ((this.#word() >>> 5) * 0x4000000 + (this.#word() >>> 6)) / 0x20000000000000;
  }

  /** The next 32 bits of splitmix32. */
  #word(): number {
    this.#random = (this.#random + 0x9e3779b9) >>> 0;
    let bits = this.#random;
    bits = Math.imul(bits ^ (bits >>> 16), 0x21f0aaad);
    bits = Math.imul(bits ^ (bits >>> 15), 0x735a2d97);
    return (bits ^ (bits >>> 15)) >>> 0;
  }
}
