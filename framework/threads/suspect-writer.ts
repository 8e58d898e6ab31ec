/**
 * The watchdog's hand on the suspect register of its worker: with a connection of its own, as the worker's stands still.
 *
 * Owns the connection, which is made when it is first needed. What cannot be written in time is not: the end of the process is not put off for it.
 */
import type { ClusterAddress } from "../log/ends.ts";
import type { Registers } from "../log/contracts.ts";
import { connectNats } from "../nats/connect.ts";
import type { Suspect } from "../record/poison.ts";
import { encodeSuspect } from "../record/wire/poison.ts";

/** Where the register is. */
export interface SuspectPlace {
  readonly cluster: ClusterAddress;
  readonly replicas: number;
  readonly job: string;
  readonly key: string;
}

/** Writes one suspect register. */
export class SuspectWriter {
  readonly #place: SuspectPlace;
  #registers: Promise<Registers> | undefined;

  constructor(place: SuspectPlace) {
    this.#place = place;
  }

  /** Writes over whatever is there. @throws what connecting or writing refuses with */
  async write(suspect: Suspect): Promise<void> {
    this.#registers ??= this.#connect();
    const registers = await this.#registers;
    const bytes = encodeSuspect(suspect);
    for (;;) {
      const found = await registers.get(this.#place.key);
      const result = await (found === undefined
        ? registers.create(this.#place.key, bytes)
        : registers.update(this.#place.key, bytes, found.revision));
      if (result.kind === "written") return;
    }
  }

  async #connect(): Promise<Registers> {
    const { cluster, replicas, job } = this.#place;
    const seams = await connectNats({ ...cluster, replicas, name: "tidemark watchdog" });
    return seams.registers(job);
  }
}
