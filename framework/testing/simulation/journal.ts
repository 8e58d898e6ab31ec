/**
 * Everything that happens in a simulation, in order: as a hash, and as lines for people.
 *
 * Owns the hash (SIM1: two runs of a seed are the same run when it is the same). Whoever sees something happen writes it down here.
 */
import type { Clock } from "../../platform/platform.ts";

const prime = 0x01000193;

/** The journal of one run. */
export class Journal {
  readonly #clock: Clock;
  readonly #onLine: ((line: string) => void) | undefined;
  #low = 0x811c9dc5;
  #high = 0x9e3779b9;

  constructor(clock: Clock, onLine: ((line: string) => void) | undefined) {
    this.#clock = clock;
    this.#onLine = onLine;
  }

  /** Whether anybody reads the lines: what is only for people need not be put together otherwise. */
  get isRead(): boolean {
    return this.#onLine !== undefined;
  }

  /** Writes one event down. `detail` is for people alone, and not in the hash. */
  write(text: string, detail?: () => string): void {
    const ms = this.#clock.monotonicMs();
    this.#mix(Math.trunc(ms * 16));
    for (let at = 0; at < text.length; at += 1) this.#mix(text.charCodeAt(at));
    this.#onLine?.(`${ms.toFixed(0).padStart(8)} ${text}${detail === undefined ? "" : ` ${detail()}`}`);
  }

  /** Of everything written so far, 16 hex digits. */
  get hash(): string {
    return `${hex(this.#high)}${hex(this.#low)}`;
  }

  #mix(value: number): void {
    this.#low = Math.imul(this.#low ^ (value & 0xffff) ^ (value >>> 16), prime);
    this.#high = Math.imul((this.#high << 5) ^ (this.#high >>> 27) ^ this.#low, 0x85ebca6b);
  }
}

function hex(value: number): string {
  return (value >>> 0).toString(16).padStart(8, "0");
}
