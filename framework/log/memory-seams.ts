/**
 * A place for jobs in the memory of one process: what `embedded()` and every simulation run on.
 *
 * Owns one of everything; several workers of a process share it, as workers of a fleet share a server. Nothing survives the process. Faults
 * are put in front of it by whoever wants them (the simulator wraps these contracts); this one only fails when it is full.
 */
import type { Clock } from "../platform/platform.ts";
import type { Blobs, Holding, Holdings, Registers, Seams } from "./contracts.ts";
import { MemoryBlobs } from "./memory-blobs.ts";
import { MemoryBus } from "./memory-bus.ts";
import { answerLater } from "./memory-delivery.ts";
import { MemoryLogs } from "./memory-logs.ts";
import { MemoryRegisters } from "./memory-registers.ts";

/**
 * All seams in memory, driven by `clock`.
 *
 * @example
 * const clock = new VirtualClock();
 * const seams = new MemorySeams(clock);
 */
export class MemorySeams implements Seams, Holdings {
  readonly logs: MemoryLogs;
  readonly bus: MemoryBus;
  readonly #clock: Clock;
  /** By the names that they have on a server. */
  readonly #registers = new Map<string, MemoryRegisters>();
  readonly #blobs = new Map<string, MemoryBlobs>();

  constructor(clock: Clock) {
    this.#clock = clock;
    this.logs = new MemoryLogs(clock);
    this.bus = new MemoryBus(clock);
  }

  get holdings(): Holdings {
    return this;
  }

  async list(): Promise<readonly Holding[]> {
    const logs = await this.logs.list("TM_");
    const others = [...this.#blobs, ...this.#registers].map(([name, { bytes }]) => ({ name, bytes }));
    return [...logs.map(({ name, bytes }) => ({ name, bytes })), ...others];
  }

  async delete(name: string): Promise<void> {
    this.#blobs.delete(name);
    this.#registers.delete(name);
    await this.logs.delete(name);
  }

  registers(job: string): Promise<Registers> {
    return answerLater(this.#clock, () =>
      once(this.#registers, `KV_TM_${job}`, () => new MemoryRegisters(this.#clock)),
    );
  }

  blobs(job: string, generation: number): Promise<Blobs> {
    return answerLater(this.#clock, () =>
      once(this.#blobs, `TM_${job}_${generation}_CHUNKS`, () => new MemoryBlobs(this.#clock)),
    );
  }

  savepoints(job: string): Promise<Blobs> {
    return answerLater(this.#clock, () =>
      once(this.#blobs, `TM_${job}_SAVEPOINTS`, () => new MemoryBlobs(this.#clock)),
    );
  }
}

function once<T>(table: Map<string, T>, key: string, make: () => T): T {
  const value = table.get(key) ?? make();
  table.set(key, value);
  return value;
}
