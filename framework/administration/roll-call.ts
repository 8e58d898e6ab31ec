/**
 * Who works on a job, heard from the workers themselves.
 *
 * Owns when each was last heard. A worker that hangs is not heard, and not proven gone either: safety never depends on this.
 */
import { JobBus } from "../actor/job-bus.ts";
import type { JobNames } from "../log/names.ts";
import type { Announcement } from "../record/messages.ts";
import type { Administrator } from "./administrator.ts";

/** A living worker announces itself twice as often, ms. */
export const rollCallMs = 1_200;

const lookMs = 50;

/** The workers of one generation, from the moment it is made. Close it. */
export class RollCall {
  readonly #administrator: Administrator;
  readonly #heard = new Map<string, { readonly announcement: Announcement; readonly atMs: number }>();
  readonly #unlisten: () => void;
  readonly #beganMs: number;

  constructor(administrator: Administrator, names: JobNames) {
    this.#administrator = administrator;
    this.#beganMs = this.#nowMs;
    this.#unlisten = new JobBus(administrator.seams.bus, names).hearWorkers((announcement) => {
      this.#heard.set(announcement.worker, { announcement, atMs: this.#nowMs });
    });
  }

  /** Everybody that has been heard so far. */
  get all(): readonly Announcement[] {
    return [...this.#heard.values()].map(({ announcement }) => announcement);
  }

  /** Those that have been heard lately. */
  get alive(): readonly Announcement[] {
    const sinceMs = this.#nowMs - rollCallMs;
    return [...this.#heard.values()].filter(({ atMs }) => atMs >= sinceMs).map(({ announcement }) => announcement);
  }

  /** Listens long enough to have heard everybody; answers who is alive. */
  async called(): Promise<readonly Announcement[]> {
    await this.#until(() => this.#nowMs - this.#beganMs >= rollCallMs, Infinity);
    return this.alive;
  }

  /** Waits until nobody is heard any more, `timeoutMs` at most; answers who still is. */
  async silence(timeoutMs: number): Promise<readonly Announcement[]> {
    await this.called();
    await this.#until(() => this.alive.length === 0, timeoutMs);
    return this.alive;
  }

  close(): void {
    this.#unlisten();
  }

  get #nowMs(): number {
    return this.#administrator.platform.clock.monotonicMs();
  }

  async #until(holds: () => boolean, timeoutMs: number): Promise<void> {
    const endMs = this.#nowMs + timeoutMs;
    const { clock } = this.#administrator.platform;
    while (!holds() && this.#nowMs < endMs) await new Promise<void>((resolve) => clock.schedule(lookMs, resolve));
  }
}

/** Who works on a generation at the moment; takes {@link rollCallMs}. */
export async function callRoll(administrator: Administrator, names: JobNames): Promise<readonly Announcement[]> {
  const roll = new RollCall(administrator, names);
  try {
    return await roll.called();
  } finally {
    roll.close();
  }
}
