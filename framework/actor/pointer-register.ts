/**
 * An instance's pointer: the one value that says which snapshot counts and who owns the instance.
 *
 * Owns the value as last read, and moves it by compare-and-set until the outcome is known. The reply to an update is a hint (design, section 6): without a clear
 * one the register is read until it shows the own token, a higher epoch, or the old revision.
 */
import { StreamError } from "../errors.ts";
import type { Registered, RegisterResult, Registers } from "../log/contracts.ts";
import type { Platform } from "../platform/platform.ts";
import { decideClaim } from "../protocol/claim.ts";
import { decideAfterUpdate, type UpdateReply } from "../protocol/pointer.ts";
import { skipsBehind } from "../protocol/skip.ts";
import type { Skip } from "../record/poison.ts";
import type { Pointer, SnapshotRef } from "../record/snapshot-record.ts";
import { decodePointer, encodePointer } from "../record/wire/snapshot.ts";

const retryMs = 100;
const tokenLength = 12;

/** One incarnation's hand on the pointer of its instance. */
export class PointerRegister {
  readonly #platform: Platform;
  readonly #registers: Registers;
  readonly #key: string;
  readonly #epoch: number;
  #pointer: Pointer | undefined;
  #revision = 0;
  #highestEpoch = 0;

  constructor(platform: Platform, registers: Registers, key: string, epoch: number) {
    this.#platform = platform;
    this.#registers = registers;
    this.#key = key;
    this.#epoch = epoch;
  }

  /** The value this incarnation wrote or found last. */
  get current(): Pointer | undefined {
    return this.#pointer;
  }

  /** The highest epoch that any look at the register has found: what a claim that is fenced was fenced by. */
  get highestEpoch(): number {
    return this.#highestEpoch;
  }

  /**
   * R5 (1): makes the pointer this epoch's, with the `skips` that have been decided; from here no older incarnation can commit. `onFound` is called with each value
   * that is about to be replaced: the snapshots of the last one are those that the claim keeps.
   *
   * @throws FENCED, DATA_LOST, and what `identity` rejects with
   */
  async claim(
    identity: string | Promise<string>,
    skips: readonly Skip[] = [],
    onFound: (found: Pointer | undefined) => void = () => undefined,
  ): Promise<Pointer> {
    for (;;) {
      const [input] = await Promise.all([identity, this.#read()]);
      const decision = decideClaim({
        pointer: this.#pointer,
        epoch: this.#epoch,
        identity: input,
        token: this.#token(),
        skips,
      });
      if (decision.kind === "fenced") throw this.#fenced(decision.by);
      if (decision.kind === "replaced") {
        const what = `${this.#key}: its input was created at ${decision.expected}, what is there now at ${decision.found}`;
        throw new StreamError("DATA_LOST", `${what}; start a new generation (--new) if that is intended`);
      }
      onFound(this.#pointer);
      if (await this.#move(decision.value)) return decision.value;
    }
  }

  /** R6: makes `snapshot` the current one. @throws FENCED */
  async advance(snapshot: SnapshotRef): Promise<Pointer> {
    const base = this.#pointer;
    if (base === undefined) throw new StreamError("NOT_FOUND", `${this.#key} has not been claimed`);
    const value: Pointer = {
      ...base,
      token: this.#token(),
      epoch: this.#epoch,
      current: snapshot,
      previous: base.current,
      skips: skipsBehind(snapshot.sequence, base.skips),
    };
    if (await this.#move(value)) return value;
    throw this.#fenced(this.#pointer?.epoch ?? 0);
  }

  /**
   * The epoch that owns the pointer now (R8: before crying data loss); 0 before the first claim. What is read may be old: that it is this one is shown by an
   * update of its own, which changes nothing but the token.
   */
  async owner(): Promise<number> {
    try {
      for (;;) {
        await this.#read();
        const read = this.#pointer;
        if (read === undefined) return 0;
        if (read.epoch > this.#epoch) return read.epoch;
        if (await this.#move({ ...read, token: this.#token(), epoch: this.#epoch })) return this.#epoch;
      }
    } catch (error) {
      if (StreamError.is(error, "FENCED")) return this.#highestEpoch;
      throw error;
    }
  }

  /** Writes `value` over what was read. False: somebody of the same or a lower epoch was faster; read again and decide anew. @throws FENCED */
  async #move(value: Pointer): Promise<boolean> {
    const baseRevision = this.#revision;
    let reply = await this.#write(value, baseRevision);
    for (;;) {
      const read = reply.kind === "written" ? undefined : await this.#tryRead();
      const decision = decideAfterUpdate({ reply: reply.kind, read, wanted: value, baseRevision, epoch: this.#epoch });
      switch (decision) {
        case "done":
          this.#pointer = value;
          this.#revision = reply.kind === "written" ? reply.revision : (read?.revision ?? this.#revision);
          this.#tell("pointer moved", {
            ...spanOf(value),
            over: baseRevision,
            revision: this.#revision,
            reply: reply.kind,
          });
          return true;
        case "fenced":
          throw this.#fenced(read?.value.epoch ?? 0);
        case "lost":
          return false;
        case "repeat":
          await this.#pause();
          reply = await this.#write(value, baseRevision);
          break;
        case "read":
          await this.#pause();
      }
    }
  }

  async #write(
    value: Pointer,
    baseRevision: number,
  ): Promise<RegisterResult | { readonly kind: Extract<UpdateReply, "unknown"> }> {
    const bytes = encodePointer(value);
    try {
      return baseRevision === 0
        ? await this.#registers.create(this.#key, bytes)
        : await this.#registers.update(this.#key, bytes, baseRevision);
    } catch (error) {
      if (StreamError.is(error) && !error.isRetryable) throw error;
      return { kind: "unknown" };
    }
  }

  async #read(): Promise<void> {
    for (;;) {
      try {
        const found = await this.#registers.get(this.#key);
        this.#pointer = found === undefined ? undefined : this.#decoded(found);
        this.#revision = found?.revision ?? 0;
        return;
      } catch (error) {
        if (!StreamError.is(error) || !error.isRetryable) throw error;
        await this.#pause();
      }
    }
  }

  async #tryRead(): Promise<{ readonly value: Pointer; readonly revision: number } | undefined> {
    try {
      const found: Registered | undefined = await this.#registers.get(this.#key);
      return found === undefined ? undefined : { value: this.#decoded(found), revision: found.revision };
    } catch (error) {
      if (!StreamError.is(error) || !error.isRetryable) throw error;
      return undefined;
    }
  }

  #decoded({ value }: Registered): Pointer {
    const pointer = decodePointer(value);
    this.#highestEpoch = Math.max(this.#highestEpoch, pointer.epoch);
    return pointer;
  }

  #pause(): Promise<void> {
    return new Promise((resolve) => this.#platform.clock.schedule(retryMs, resolve));
  }

  #token(): string {
    return this.#platform.random.id(tokenLength);
  }

  #tell(what: string, fields: Readonly<Record<string, unknown>>): void {
    this.#platform.logger.log("debug", what, { register: this.#key, epoch: this.#epoch, ...fields });
  }

  #fenced(by: number): StreamError {
    this.#tell("pointer is another's", { by });
    return new StreamError("FENCED", `${this.#key}: epoch ${this.#epoch} has been superseded by ${by}`);
  }
}

/** What a pointer names, for the log. */
function spanOf({ current, previous }: Pointer): Readonly<Record<string, unknown>> {
  return { current: current?.sequence, previous: previous?.sequence };
}
