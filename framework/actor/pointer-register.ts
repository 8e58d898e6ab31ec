/**
 * An instance's pointer: the one value that says which snapshot counts and who owns the instance.
 *
 * Owns the value that this incarnation has written, and moves it by compare-and-set until the outcome is known. The reply to an update is a hint (design, section 6):
 * without a clear one the register is read until it shows the own token, a higher epoch, or the old revision.
 *
 * R5. The pointer moves from a value that this incarnation has written itself, never from one that it has only read: whoever has looked at what a newer one wrote
 *     could replace it otherwise.
 * R6. One question or update at a time: what follows sees what has become of the one before.
 */
import { StreamError } from "../errors.ts";
import type { RegisterResult, Registers } from "../log/contracts.ts";
import type { Platform } from "../platform/platform.ts";
import { decideClaim } from "../protocol/claim.ts";
import { decideAfterUpdate, type UpdateReply } from "../protocol/pointer.ts";
import { skipsBehind } from "../protocol/skip.ts";
import type { Skip } from "../record/poison.ts";
import type { Pointer, SnapshotRef } from "../record/snapshot-record.ts";
import { decodePointer, encodePointer } from "../record/wire/snapshot.ts";

const retryMs = 100;
const tokenLength = 12;

/** A pointer in its register. */
interface Found {
  readonly value: Pointer;
  readonly revision: number;
}

/** One incarnation's hand on the pointer of its instance. */
export class PointerRegister {
  readonly #platform: Platform;
  readonly #registers: Registers;
  readonly #key: string;
  readonly #epoch: number;
  /** Written by this incarnation; undefined until it has claimed the instance. */
  #own: Found | undefined;
  #highestEpoch = 0;
  #last: Promise<unknown> = Promise.resolve();

  constructor(platform: Platform, registers: Registers, key: string, epoch: number) {
    this.#platform = platform;
    this.#registers = registers;
    this.#key = key;
    this.#epoch = epoch;
  }

  /** The value this incarnation wrote last; undefined until it has claimed the instance. */
  get current(): Pointer | undefined {
    return this.#own?.value;
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
  claim(
    identity: string | Promise<string>,
    skips: readonly Skip[] = [],
    onFound: (found: Pointer | undefined) => void = () => undefined,
  ): Promise<Pointer> {
    return this.#inTurn(() => this.#claim(identity, skips, onFound));
  }

  /** R6: makes `snapshot` the current one. @throws FENCED */
  advance(snapshot: SnapshotRef): Promise<Pointer> {
    return this.#inTurn(async () => {
      const own = this.#own;
      if (own === undefined) throw new StreamError("NOT_FOUND", `${this.#key} has not been claimed`);
      const value: Pointer = {
        ...own.value,
        token: this.#token(),
        current: snapshot,
        previous: own.value.current,
        skips: skipsBehind(snapshot.sequence, own.value.skips),
      };
      if (await this.#move(value, own.revision)) return value;
      throw this.#fenced(this.#highestEpoch);
    });
  }

  /**
   * The epoch that owns the pointer now (R8: before crying data loss); 0 before the first claim. What is read may be old: that it is this one is shown by an
   * update of its own, which changes nothing but the token.
   */
  owner(): Promise<number> {
    return this.#inTurn(async () => {
      try {
        for (;;) {
          const read = await this.#read();
          if (read === undefined) return 0;
          if (read.value.epoch > this.#epoch) return read.value.epoch;
          if (await this.#move({ ...read.value, token: this.#token(), epoch: this.#epoch }, read.revision))
            return this.#epoch;
        }
      } catch (error) {
        if (StreamError.is(error, "FENCED")) return this.#highestEpoch;
        throw error;
      }
    });
  }

  async #claim(
    identity: string | Promise<string>,
    skips: readonly Skip[],
    onFound: (found: Pointer | undefined) => void,
  ): Promise<Pointer> {
    for (;;) {
      const [input, read] = await Promise.all([identity, this.#read()]);
      const facts = { pointer: read?.value, epoch: this.#epoch, identity: input, token: this.#token(), skips };
      const decision = decideClaim(facts);
      if (decision.kind === "fenced") throw this.#fenced(decision.by);
      if (decision.kind === "replaced") {
        const what = `${this.#key}: its input was created at ${decision.expected}, what is there now at ${decision.found}`;
        throw new StreamError("DATA_LOST", `${what}; start a new generation (--new) if that is intended`);
      }
      onFound(read?.value);
      if (await this.#move(decision.value, read?.revision ?? 0)) return decision.value;
    }
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#last.then(work);
    this.#last = done.catch(() => undefined);
    return done;
  }

  /** Writes `value` over the revision that was read. False: somebody of the same or a lower epoch was faster; read again and decide anew. @throws FENCED */
  async #move(value: Pointer, baseRevision: number): Promise<boolean> {
    let reply = await this.#write(value, baseRevision);
    for (;;) {
      const answer = reply.kind === "written" ? undefined : await this.#tryRead();
      const read = answer === "unreadable" ? undefined : answer;
      const decision = decideAfterUpdate({ reply: reply.kind, read, wanted: value, baseRevision, epoch: this.#epoch });
      switch (decision) {
        case "done": {
          const revision = reply.kind === "written" ? reply.revision : (read?.revision ?? baseRevision);
          this.#own = { value, revision };
          this.#tell("pointer moved", { ...spanOf(value), over: baseRevision, revision, reply: reply.kind });
          return true;
        }
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

  /** Undefined: there is none yet. Asks until there is an answer. */
  async #read(): Promise<Found | undefined> {
    for (;;) {
      const answer = await this.#tryRead();
      if (answer !== "unreadable") return answer;
      await this.#pause();
    }
  }

  async #tryRead(): Promise<Found | undefined | "unreadable"> {
    try {
      const found = await this.#registers.get(this.#key);
      if (found === undefined) return undefined;
      const value = decodePointer(found.value);
      this.#highestEpoch = Math.max(this.#highestEpoch, value.epoch);
      return { value, revision: found.revision };
    } catch (error) {
      if (!StreamError.is(error) || !error.isRetryable) throw error;
      return "unreadable";
    }
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
