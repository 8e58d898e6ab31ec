/**
 * A worker's suspect register: whose turn it is in, for whoever looks when it has died (R15).
 *
 * Owns the value, and the order in which instances on probation take their turns.
 *
 * SR1. One instance on probation is in a turn at a time: a death then accuses nobody else.
 * SR2. A step is taken when the register says so; when the turn is over it says that, too.
 */
import { messageOf } from "../errors.ts";
import type { Registers } from "../log/contracts.ts";
import type { Platform } from "../platform/platform.ts";
import type { Suspect } from "../record/poison.ts";
import { encodeSuspect } from "../record/wire/poison.ts";
import { patiently } from "./patience.ts";

/** A turn that waits for the ones before it. */
interface Waiting {
  readonly holder: object;
  readonly suspect: Suspect;
  readonly known: () => void;
}

/** The register of one worker. */
export class SuspectRegister {
  readonly #platform: Platform;
  readonly #registers: Registers;
  readonly #key: string;
  #holder: object | undefined;
  #waiting: Waiting[] = [];
  /** Writes follow each other. */
  #written: Promise<void> = Promise.resolve();
  #revision = 0;

  constructor(platform: Platform, registers: Registers, key: string) {
    this.#platform = platform;
    this.#registers = registers;
    this.#key = key;
  }

  /** `holder` is about to take a step; `known` is called when nobody else is in a turn and the register says so (SR1, SR2). */
  enter(holder: object, suspect: Suspect, known: () => void): void {
    if (this.#holder !== undefined && this.#holder !== holder) {
      this.#waiting.push({ holder, suspect, known });
      return;
    }
    this.#holder = holder;
    this.#write(suspect, known);
  }

  /** `holder` is in no turn, or gone. */
  leave(holder: object, suspect: Suspect): void {
    this.#waiting = this.#waiting.filter((waiting) => waiting.holder !== holder);
    if (this.#holder !== holder) return;
    this.#write({ ...suspect, site: { sequence: 0, step: 0 } }, () => this.#next());
  }

  #next(): void {
    this.#holder = undefined;
    const next = this.#waiting.shift();
    if (next !== undefined) this.enter(next.holder, next.suspect, next.known);
  }

  #write(suspect: Suspect, done: () => void): void {
    this.#written = this.#writeAfter(this.#written, encodeSuspect(suspect), done);
  }

  /** What cannot be written holds nobody up: a death would only be harder to explain. */
  async #writeAfter(before: Promise<void>, bytes: Uint8Array, done: () => void): Promise<void> {
    await before;
    try {
      await patiently(this.#platform, this.#key, () => this.#put(bytes));
    } catch (error) {
      this.#platform.logger.log("error", "the suspect register cannot be written", { reason: messageOf(error) });
    }
    done();
  }

  /** Nobody else writes it but the watchdog, when this worker does nothing any more. */
  async #put(bytes: Uint8Array): Promise<void> {
    const result =
      this.#revision === 0
        ? await this.#registers.create(this.#key, bytes)
        : await this.#registers.update(this.#key, bytes, this.#revision);
    if (result.kind === "written") {
      this.#revision = result.revision;
      return;
    }
    this.#revision = (await this.#registers.get(this.#key))?.revision ?? 0;
    await this.#put(bytes);
  }
}
