/**
 * Registers in memory: named values that change by compare-and-set.
 *
 * Owns values and revisions. Revisions are counted over all keys, as in a KV bucket: only "equal or not" means anything.
 */
import type { Clock } from "../platform/platform.ts";
import type { Registered, RegisterResult, Registers } from "./contracts.ts";
import { answerLater } from "./memory-delivery.ts";

/** The registers of one job. */
export class MemoryRegisters implements Registers {
  readonly #clock: Clock;
  readonly #values = new Map<string, Registered>();
  #revision = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get(key: string): Promise<Registered | undefined> {
    return answerLater(this.#clock, () => this.#values.get(key));
  }

  create(key: string, value: Uint8Array): Promise<RegisterResult> {
    return this.#compareAndSet(key, value, undefined);
  }

  update(key: string, value: Uint8Array, revision: number): Promise<RegisterResult> {
    return this.#compareAndSet(key, value, revision);
  }

  list(prefix: string): Promise<readonly string[]> {
    return answerLater(this.#clock, () => [...this.#values.keys()].filter((key) => key.startsWith(prefix)).toSorted());
  }

  delete(key: string): Promise<void> {
    return answerLater(this.#clock, () => void this.#values.delete(key));
  }

  /** Of all values. */
  get bytes(): number {
    return [...this.#values.values()].reduce((sum, { value }) => sum + value.byteLength, 0);
  }

  #compareAndSet(key: string, value: Uint8Array, revision: number | undefined): Promise<RegisterResult> {
    const copy = new Uint8Array(value);
    return answerLater(this.#clock, () => {
      if (this.#values.get(key)?.revision !== revision) return { kind: "conflict" };
      this.#revision++;
      this.#values.set(key, { value: copy, revision: this.#revision });
      return { kind: "written", revision: this.#revision };
    });
  }
}
