/**
 * The register of a savepoint's name, as the leader that takes the savepoint moves it.
 *
 * Owns the compare-and-set and its doubtful replies: whatever a reply says, one reads and decides anew (`protocol/savepoint.ts`, F4).
 */
import type { Registers } from "../log/contracts.ts";
import type { Platform } from "../platform/platform.ts";
import {
  decideConclusion,
  decideReservation,
  type RegisterDecision,
  type RegisterOwner,
} from "../protocol/savepoint.ts";
import type { SavepointRecord } from "../record/savepoint-record.ts";
import { decodeSavepointRecord, encodeSavepointRecord } from "../record/wire/savepoint.ts";
import { patiently } from "./patience.ts";

const retryMs = 50;

/** What has become of a savepoint, for its register. */
export type Conclusion = Pick<SavepointRecord, "state" | "reason" | "index" | "atMs" | "bytes">;

/** What a step has come to; `record` is what is in the register. */
export interface RegisterOutcome {
  readonly kind: Exclude<RegisterDecision, "write">;
  readonly record: SavepointRecord | undefined;
}

const nothingYet: Conclusion = { state: "open", reason: "", index: [], atMs: 0, bytes: 0 };

/** The register of one savepoint, in the hands of one leader. */
export class SavepointRegister {
  readonly #platform: Platform;
  readonly #registers: Registers;
  readonly #key: string;
  readonly #owner: RegisterOwner;
  readonly #isOver: () => boolean;

  constructor(platform: Platform, registers: Registers, key: string, owner: RegisterOwner, isOver: () => boolean) {
    this.#platform = platform;
    this.#registers = registers;
    this.#key = key;
    this.#owner = owner;
    this.#isOver = isOver;
  }

  /** Makes it this leader's; `mine` is success. @throws FENCED when it is over */
  reserve(): Promise<RegisterOutcome> {
    return this.#move(decideReservation, nothingYet);
  }

  /** Writes what has become of the savepoint; `settled` says what stands there. @throws FENCED when it is over */
  conclude(conclusion: Conclusion): Promise<RegisterOutcome> {
    return this.#move(decideConclusion, conclusion);
  }

  async #move(decide: typeof decideReservation, wanted: Conclusion): Promise<RegisterOutcome> {
    for (;;) {
      const found = await patiently(this.#platform, this.#key, () => this.#registers.get(this.#key), this.#isOver);
      const record = found === undefined ? undefined : decodeSavepointRecord(found.value);
      const kind = decide(record, this.#owner);
      if (kind !== "write") return { kind, record };
      await this.#tryToWrite({ ...this.#owner, ...wanted }, found?.revision);
    }
  }

  /** Whether it was written, the next look says: also after a conflict, for a register may be shown as it was before. */
  async #tryToWrite(record: SavepointRecord, revision: number | undefined): Promise<void> {
    const bytes = encodeSavepointRecord(record);
    const result = await (
      revision === undefined
        ? this.#registers.create(this.#key, bytes)
        : this.#registers.update(this.#key, bytes, revision)
    ).catch(() => undefined);
    if (result?.kind !== "written")
      await new Promise<void>((resolve) => this.#platform.clock.schedule(retryMs, resolve));
  }
}
