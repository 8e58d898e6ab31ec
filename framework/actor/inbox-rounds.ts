/**
 * Looks at the inboxes of a worker's instances, one after the other, again and again: how full they are and how far behind their readers.
 *
 * Owns the pace. A look is a question to the server, so there is a bound to them: one at a time, at most a round per second, and a hundred looks per second.
 */
import { messageOf } from "../errors.ts";
import type { Platform } from "../platform/platform.ts";

const roundMsMin = 1_000;
const lookMsMin = 10;

/** An instance as the rounds see it. */
export interface InboxOwner {
  readonly name: string;
  /** @throws UNAVAILABLE, TIMEOUT */
  lookAtInbox(): Promise<void>;
}

/** Rounds over the inboxes of `owners`. */
export class InboxRounds {
  readonly #platform: Platform;
  readonly #owners: () => readonly InboxOwner[];
  #isClosed = false;

  constructor(platform: Platform, owners: () => readonly InboxOwner[]) {
    this.#platform = platform;
    this.#owners = owners;
  }

  /** Goes round until it is closed; never rejects. */
  async run(): Promise<void> {
    while (!this.#isClosed) {
      const { clock } = this.#platform;
      const endMs = clock.monotonicMs() + roundMsMin;
      const owners = this.#owners();
      const isCrowd = owners.length * lookMsMin > roundMsMin;
      for (const owner of owners) {
        if (this.#isClosed) return;
        await this.#look(owner);
        if (isCrowd) await this.#pause(lookMsMin);
      }
      await this.#pause(Math.max(lookMsMin, endMs - clock.monotonicMs()));
    }
  }

  close(): void {
    this.#isClosed = true;
  }

  async #look(owner: InboxOwner): Promise<void> {
    try {
      await owner.lookAtInbox();
    } catch (error) {
      const reason = messageOf(error);
      this.#platform.logger.log("debug", "an inbox could not be looked at", { instance: owner.name, reason });
    }
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => this.#platform.clock.schedule(ms, resolve, { background: true }));
  }
}
