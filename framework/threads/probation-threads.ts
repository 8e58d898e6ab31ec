/**
 * Threads for instances on probation, as their worker's process starts, watches and ends them (R15).
 *
 * Owns the threads. A thread that ends, by whatever its program does, ends alone; one whose step does not end is ended.
 */
import { Worker as Thread } from "node:worker_threads";
import type { ProbationCell, ProbationEars, ProbationOrder, StartProbation } from "../actor/probation.ts";
import { messageOf } from "../errors.ts";
import type { Clock } from "../platform/platform.ts";
import type { CrashSite } from "../record/poison.ts";
import type { FromThread, ThreadOrder, ToThread } from "./probation-messages.ts";
import { TurnBoard } from "./turn-board.ts";
import { lookEveryMs, TurnWatch } from "./turn-watch.ts";

/** What the threads of a worker have in common. */
export interface ThreadWorld extends Omit<ThreadOrder, "order" | "buffer"> {
  readonly clock: Clock;
  readonly turnMsMax: number;
}

/** How a worker starts threads. */
export function probationThreads(world: ThreadWorld): StartProbation {
  return (order, ears) => new ProbationThread(world, order, ears);
}

class ProbationThread implements ProbationCell {
  readonly #world: ThreadWorld;
  readonly #ears: ProbationEars;
  readonly #board = new TurnBoard();
  readonly #thread: Thread;
  readonly #watch: TurnWatch;
  #isWaiting = false;
  #isOver = false;

  constructor(world: ThreadWorld, order: ProbationOrder, ears: ProbationEars) {
    const { clock: _clock, turnMsMax, ...common } = world;
    this.#world = world;
    this.#ears = ears;
    this.#watch = new TurnWatch(turnMsMax);
    const workerData: ThreadOrder = { ...common, order, buffer: this.#board.buffer };
    const argv = [...world.program.arguments];
    this.#thread = new Thread(new URL("./probation-thread.ts", import.meta.url), { workerData, argv });
    this.#thread.on("message", (message: FromThread) => this.#hear(message));
    this.#thread.once("error", (error) => this.#gone(messageOf(error)));
    this.#thread.once("exit", (code) => this.#gone(`its thread has exited with code ${code}`));
    this.#look();
  }

  release(): void {
    const message: ToThread = { kind: "release" };
    this.#thread.postMessage(message);
  }

  kill(): void {
    this.#isOver = true;
    void this.#thread.terminate();
  }

  #hear(message: FromThread): void {
    if (this.#isOver) return;
    switch (message.kind) {
      case "step":
        return this.#step(message.site);
      case "rest":
        return this.#ears.onRest();
      case "ended":
        this.#isOver = true;
        return this.#ears.onEnded();
      case "unusable":
        this.kill();
        return this.#ears.onUnusable(message.reason);
      case "failed":
        this.#isOver = true;
        return this.#ears.onGone(message.reason, undefined);
    }
  }

  #step(site: CrashSite): void {
    this.#isWaiting = true;
    this.#ears.onStep(site, () => {
      this.#isWaiting = false;
      this.#watch.forgive();
      this.#board.give();
    });
  }

  #look(): void {
    if (this.#isOver) return;
    const { clock, turnMsMax } = this.#world;
    const found = this.#watch.look(this.#board.look(), clock.monotonicMs());
    if (found.kind === "stuck" && !this.#isWaiting)
      return this.#gone(`a step has not ended within ${turnMsMax / 1_000} s (poison.turnTimeout)`);
    clock.schedule(lookEveryMs(turnMsMax), () => this.#look(), { background: true });
  }

  #gone(reason: string): void {
    if (this.#isOver) return;
    this.#isOver = true;
    const { turn } = this.#board.look();
    this.#ears.onGone(`POISON: ${reason}`, turn === undefined ? undefined : siteOf(turn));
  }
}

/** A turn that has not come to a step yet, or to none of this message: only the message is known. */
function siteOf({ position, site }: { readonly position: number; readonly site: CrashSite }): CrashSite {
  return site.sequence > position ? site : { sequence: position + 1, step: 0 };
}
