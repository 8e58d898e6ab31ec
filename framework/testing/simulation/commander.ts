/**
 * Somebody who stops a simulated job by command, and lets it go on after a while.
 *
 * Owns a way to the place of its own, without faults: a command is repeated by people until it is answered.
 */
import { restartJob, stopJob } from "../../administration/job-commands.ts";
import type { Administrator } from "../../administration/administrator.ts";
import type { Seams } from "../../log/contracts.ts";
import { silentLogger } from "../../platform/logger.ts";
import { seededRandom } from "../../platform/random.ts";
import { Connection } from "./connection.ts";
import { Dice } from "./faults.ts";
import type { SimulatedPlace } from "./place.ts";
import { simulatedBus } from "./simulated-bus.ts";
import { SimulatedLogs } from "./simulated-logs.ts";
import { SimulatedBlobs, simulatedRegisters } from "./simulated-stores.ts";

const silenceMsMax = 3_000;
const againMs = 200;
const attemptsMax = 20;

/** Commands one job. */
export class Commander {
  readonly #place: SimulatedPlace;
  readonly #administrator: Administrator;
  readonly #job: string;
  #isBusy = false;

  constructor(place: SimulatedPlace, job: string) {
    const random = seededRandom("commander");
    const dice = new Dice(random, {}, new Set(), () => undefined);
    const connection = new Connection(place, dice, random, () => []);
    const seams: Seams = {
      logs: new SimulatedLogs(connection, 0),
      bus: simulatedBus(connection),
      holdings: { list: () => Promise.resolve([{ name: `KV_TM_${job}`, bytes: 0 }]), delete: () => Promise.resolve() },
      registers: () => Promise.resolve(simulatedRegisters(connection)),
      blobs: () => Promise.resolve(new SimulatedBlobs(connection)),
    };
    this.#place = place;
    this.#job = job;
    this.#administrator = { seams, by: "simulation", platform: { clock: place.clock, random, logger: silentLogger } };
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
