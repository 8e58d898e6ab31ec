/**
 * Somebody who stops a simulated job by command, and lets it go on after a while; takes savepoints of it, and begins generations from them.
 *
 * A command is repeated until it is answered, as people would.
 */
import { messageOf } from "../../errors.ts";
import { restartJob, stopJob } from "../../administration/job-commands.ts";
import { takeSavepoint, type SavepointWish } from "../../administration/savepoint-request.ts";
import type { Administrator } from "../../administration/administrator.ts";
import { drainWorker, undrainWorker } from "../../administration/worker-drain.ts";
import type { Plan } from "../../plan/plan.ts";
import { previewRestore } from "../../restoring.ts";
import type { SimulatedPlace } from "./place.ts";

/** A generation that is to begin from a savepoint. */
export interface RestoreWish {
  /** `stop`: the old one ends with its savepoint. `resume`: it works on for `behindMs`, and is stopped then. */
  readonly savepoint: SavepointWish & { readonly name: string };
  readonly behindMs: number;
  /** From the end of the old one to the beginning of the new one. */
  readonly forMs: number;
  readonly plan: Plan;
  onStopping(): void;
  /** The old one goes on: there is no savepoint, or the new program cannot go on from it, and why. */
  onGoingOn(reason: string): void;
  /** The new one is to be started, from the savepoint of that name. */
  onBegin(savepoint: string): void;
  /** Whether it has begun. */
  hasBegun(): boolean;
}

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

  /** Whether a command is being carried out. */
  get isBusy(): boolean {
    return this.#isBusy;
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

  /** Ends the generation, and has the next one begin from a savepoint of it. Nothing happens while an earlier command is being carried out. */
  restore(wish: RestoreWish): void {
    if (this.#isBusy) return;
    this.#isBusy = true;
    const command = async () => {
      const { savepoint, plan } = wish;
      const from = `${this.#job}/${savepoint.name}`;
      const refused = await this.#end(wish);
      await this.#later(wish.forMs);
      const reason = refused === "" ? await this.#lookAt(plan, from) : refused;
      if (reason === "") {
        wish.onBegin(from);
        // Until then nobody lets the old one go on.
        while (!wish.hasBegun()) await this.#later(againMs);
      } else {
        await this.#try(() => restartJob(this.#administrator, this.#job), 2);
        wish.onGoingOn(reason);
      }
      this.#isBusy = false;
    };
    void command();
  }

  /** Takes the savepoint, and stops the job with it or behind it; answers why there is nothing to go on from. */
  async #end(wish: RestoreWish): Promise<string> {
    const { savepoint, behindMs } = wish;
    const take = () => takeSavepoint(this.#administrator, this.#job, savepoint);
    if (savepoint.mode === "stop") {
      wish.onStopping();
      return (await this.#try(take, 1)) ? "" : "no savepoint";
    }
    if (!(await this.#try(take, 1))) return "no savepoint";
    await this.#later(behindMs);
    wish.onStopping();
    return (await this.#try(() => stopJob(this.#administrator, this.#job, silenceMsMax), 1)) ? "" : "not stopped";
  }

  /** As `--dry-run` does; answers why the program cannot go on from the savepoint. */
  async #lookAt(plan: Plan, from: string): Promise<string> {
    const { seams, platform } = this.#administrator;
    try {
      await previewRestore({ seams }, plan, { cluster: undefined, logger: platform.logger }, from);
      return "";
    } catch (error) {
      return messageOf(error);
    }
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
