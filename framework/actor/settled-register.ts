/**
 * The register in which a leader keeps which incarnations have settled (R15): a lone worker that is killed has told nobody.
 *
 * Owns the value. Nothing correct rests on it: what it does not hold is no progress, and leads to probation at most.
 */
import { messageOf } from "../errors.ts";
import type { Registers } from "../log/contracts.ts";
import type { Platform } from "../platform/platform.ts";
import { decodeSettled, encodeSettled } from "../record/wire/poison.ts";
import { patiently } from "./patience.ts";

/** The register of one job. */
export class SettledRegister {
  readonly #platform: Platform;
  readonly #registers: Registers;
  readonly #key: string;
  #kept = "";
  #isWriting = false;
  #isClosed = false;

  constructor(platform: Platform, registers: Registers, key: string) {
    this.#platform = platform;
    this.#registers = registers;
    this.#key = key;
  }

  /** What the leader before has kept; nothing when it cannot be read. */
  async recall(): Promise<readonly number[]> {
    try {
      const found = await patiently(this.#platform, this.#key, () => this.#registers.get(this.#key));
      return found === undefined ? [] : decodeSettled(found.value).epochs;
    } catch (error) {
      return this.#complain("read", error);
    }
  }

  /** Whoever leads next keeps it from here on: a write under way may fail unheard. */
  close(): void {
    this.#isClosed = true;
  }

  /** Keeps `epochs` in place of what is there, if they are others than those kept last. While it writes, later ones wait for the next call. */
  async keep(epochs: readonly number[]): Promise<void> {
    const kept = epochs.join(" ");
    if (kept === this.#kept || this.#isWriting || this.#isClosed) return;
    this.#isWriting = true;
    try {
      if (await this.#put(encodeSettled({ epochs }))) this.#kept = kept;
    } catch (error) {
      this.#complain("written", error);
    }
    this.#isWriting = false;
  }

  /** A conflict is with a leader that is deposed, or comes: tried again with the next change, if there is one. */
  async #put(bytes: Uint8Array): Promise<boolean> {
    const found = await this.#registers.get(this.#key);
    const result = await (found === undefined
      ? this.#registers.create(this.#key, bytes)
      : this.#registers.update(this.#key, bytes, found.revision));
    return result.kind === "written";
  }

  #complain(what: string, error: unknown): readonly number[] {
    if (!this.#isClosed)
      this.#platform.logger.log("warn", `the register of progress cannot be ${what}`, { reason: messageOf(error) });
    return [];
  }
}
