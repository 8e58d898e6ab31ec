/**
 * Somebody who stops a simulated job by command, and lets it go on after a while; and takes savepoints of it.
 *
 * A command is repeated until it is answered, as people would.
 */
import { restartJob, stopJob } from "../../administration/job-commands.ts";
import { takeSavepoint, type SavepointWish } from "../../administration/savepoint-request.ts";
import type { Administrator } from "../../administration/administrator.ts";
import { drainWorker, undrainWorker } from "../../administration/worker-drain.ts";
import type { SimulatedPlace } from "./place.ts";

const silenceMsMax = 3_000;
const againMs = 200;
const attemptsMax = 20;

/** Commands one job. */
export class Commander {
  readonly #place: SimulatedPlace;
  readonly #administrator: Administrator;
  readonly #job: string;
  #isBusy = false;

  constructor(place: SimulatedPlace, administrator: Administrator, job: string) {
    this.#place = place;
    this.#administrator = administrator;
    this.#job = job;
  }

  /** Stops the job; `onRestarted` is called when it goes on, some `forMs` later. Nothing happens while an earlier command is being carried out. */
  stopFor(forMs: number, onStopping: () => void, onRestarted: () => void): void {
    if (this.#isBusy) return;
    this.#isBusy = true;
    onStopping();
    const command = async () => {
      const hasStopped = await this.#try(() => stopJob(this.#administrator, this.#job, silenceMsMax), 1);
      await this.#later(forMs);
      if (hasStopped) await this.#try(() => restartJob(this.#administrator, this.#job), attemptsMax);
      this.#isBusy = false;
      onRestarted();
    };
    void command();
  }

  /** Takes a worker out of the job, and lets it in again some `forMs` later. */
  drainFor(worker: string, forMs: number): void {
    const command = async () => {
      const patience = { timeoutMs: silenceMsMax };
      if (!(await this.#try(() => drainWorker(this.#administrator, this.#job, worker, patience), 1))) return;
      await this.#later(forMs);
      await this.#try(() => undrainWorker(this.#administrator, this.#job, worker), Infinity);
    };
    void command();
  }

  /**
   * Takes a savepoint; one that stops the job is followed by a restart some `forMs` later, of which `onRestarted` is told. Nothing happens while an earlier command
   * is being carried out.
   */
  savepoint(wish: SavepointWish, forMs: number, onStopping: () => void, onRestarted: () => void): void {
    if (this.#isBusy) return;
    this.#isBusy = true;
    const stops = wish.mode === "stop";
    if (stops) onStopping();
    const command = async () => {
      await this.#try(() => takeSavepoint(this.#administrator, this.#job, wish), 1);
      if (stops) {
        await this.#later(forMs);
        // Also when it is said to have been cancelled: who says so may be wrong about it.
        await this.#try(() => restartJob(this.#administrator, this.#job), 2);
        onRestarted();
      }
      this.#isBusy = false;
    };
    void command();
  }

  /** Whoever finds the job stopped lets it go on, unless it has just been stopped. */
  goOn(): void {
    if (!this.#isBusy) void this.#try(() => restartJob(this.#administrator, this.#job), 1);
  }

  async #try(command: () => Promise<unknown>, attempts: number): Promise<boolean> {
    for (let attempt = 0; attempt < attempts; attempt += 1) {
      try {
        await command();
        return true;
      } catch {
        // Refused, for the job is over or not there yet; or it may succeed in a while.
        await this.#later(againMs);
      }
    }
    return false;
  }

  #later(ms: number): Promise<void> {
    return new Promise((resolve) => this.#place.clock.schedule(ms, resolve));
  }
}
