/**
 * What a leader does about an upgrade: that of the generation whose savepoint is held, and that of the one that is to follow it.
 *
 * Owns the looks at the job's register. Both sides do what it says, so that whoever upgrades may die at any moment: one of the two generations goes on.
 *
 * U1. A generation that has been succeeded is stopped. A successor that is the job begins.
 * U3. A successor that was given up ends.
 */
import { messageOf } from "../errors.ts";
import type { JobWorld } from "./job-world.ts";
import { generationOf, isSuccessor, successionOf, upgradeBy } from "./succession.ts";

/** How often the registers are looked at, ms. */
const lookMs = 250;

/** The looks of one leader epoch. */
export class SuccessionWatch {
  readonly #world: JobWorld;
  readonly #leader: number;
  #lookedMs = -Infinity;
  #isBusy = false;
  /** A generation that was restored, and took the place of none. */
  #isNoSuccessor = false;
  #isClosed = false;

  constructor(world: JobWorld, leader: number) {
    this.#world = world;
    this.#leader = leader;
  }

  /** Called now and then. */
  look(): void {
    const { tail, platform } = this.#world;
    const isHeld = tail.view.savepoints.open?.state === "held";
    const isWaiting = this.#mayWait && !tail.view.hasBegun;
    const nowMs = platform.clock.monotonicMs();
    if (this.#isClosed || this.#isBusy || tail.view.isOver || !(isHeld || isWaiting)) return;
    if (nowMs - this.#lookedMs < lookMs) return;
    this.#lookedMs = nowMs;
    this.#isBusy = true;
    const looked = isWaiting ? this.#lookAsSuccessor() : this.#lookAsPredecessor();
    looked
      .catch((error: unknown) =>
        platform.logger.log("warn", "the registers of an upgrade could not be read", { reason: messageOf(error) }),
      )
      .finally(() => {
        this.#isBusy = false;
      });
  }

  close(): void {
    this.#isClosed = true;
  }

  /** Also where this worker came when the switch had been made: others may have come before, and stand still until they read that it has begun. */
  get #mayWait(): boolean {
    return this.#world.origin !== undefined && !this.#isNoSuccessor;
  }

  async #lookAsPredecessor(): Promise<void> {
    const { registers, names, tail, worker } = this.#world;
    const generation = await generationOf(registers);
    if (this.#isClosed || generation === undefined || generation <= names.generation) return;
    tail.append({ kind: "command", command: "stop", by: upgradeBy(generation, `worker ${worker}`) });
  }

  async #lookAsSuccessor(): Promise<void> {
    const { registers, names, tail, worker } = this.#world;
    if (!(await isSuccessor(registers, names.generation))) {
      this.#isNoSuccessor = true;
      return;
    }
    const state = await successionOf(registers, names.generation);
    if (this.#isClosed || state === "prepared") return;
    if (state === "switched") return tail.append({ kind: "resume", savepoint: 0, by: `worker ${worker}` });
    const message = `the upgrade of job ${names.job} to generation ${names.generation} has been given up`;
    tail.append({ kind: "outcome", leader: this.#leader, outcome: "failed", code: "JOB_MISMATCH", message });
  }
}
