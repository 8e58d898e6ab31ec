/**
 * Threads that host instances, as their worker's process starts, shares, watches and ends them.
 *
 * Owns the threads. One on probation has a thread of its own (R15); those of a stage that asks for threads share as many as it asks for.
 *
 * CT1. A thread that ends, by whatever its program does, ends alone, and its instances with it; one in which a turn does not end is ended. The instance whose turn it
 *      was is told apart from the others.
 * CT2. A shared thread that hosts nothing is ended after a while.
 */
import { Worker as Thread } from "node:worker_threads";
import type { CellIncarnation } from "../actor/cell.ts";
import type { CellEars, CellOrder, HostedCell, StartCell } from "../actor/cell-contract.ts";
import { messageOf } from "../errors.ts";
import type { Clock } from "../platform/platform.ts";
import { instanceKey } from "../protocol/job-log.ts";
import type { CrashSite } from "../record/poison.ts";
import type { FromThread, ThreadOrder, ToThread } from "./cell-messages.ts";
import { TurnBoard, type TurnUnderWay } from "./turn-board.ts";
import { lookEveryMs, TurnWatch } from "./turn-watch.ts";

/** What the threads of a worker have in common. */
export interface ThreadWorld extends Omit<ThreadOrder, "worker" | "buffer"> {
  readonly clock: Clock;
  readonly turnMsMax: number;
  /** Threads that the instances of a stage share, by its index. */
  readonly threadsOf: (stage: number) => number;
}

/** CT2, ms. */
const emptyMsMax = 5_000;

/** How a worker hosts instances in threads. */
export function cellThreads(world: ThreadWorld): StartCell {
  const shared = new Map<number, CellThread[]>();
  return (order, ears) => {
    if (order.isOnProbation) return new CellThread(world, order.worker, true).host(order, ears);
    const { stage } = order.instance;
    const threads = (shared.get(stage) ?? []).filter(({ isOver }) => !isOver);
    if (threads.length < Math.max(1, world.threadsOf(stage))) threads.push(new CellThread(world, order.worker, false));
    shared.set(stage, threads);
    return threads.reduce((least, thread) => (thread.size < least.size ? thread : least)).host(order, ears);
  };
}

interface Hosted {
  readonly order: CellOrder;
  readonly ears: CellEars;
}

class CellThread {
  readonly #world: ThreadWorld;
  readonly #isAlone: boolean;
  readonly #hosted = new Map<string, Hosted>();
  readonly #board = new TurnBoard();
  readonly #thread: Thread;
  readonly #watch: TurnWatch;
  #isWaiting = false;
  #isOver = false;

  /** @param isAlone for one instance, on probation: it ends with that */
  constructor(world: ThreadWorld, worker: string, isAlone: boolean) {
    const { clock: _clock, turnMsMax, threadsOf: _threadsOf, ...common } = world;
    this.#world = world;
    this.#isAlone = isAlone;
    this.#watch = new TurnWatch(turnMsMax);
    const workerData: ThreadOrder = { ...common, worker, buffer: this.#board.buffer };
    const argv = [...world.program.arguments];
    this.#thread = new Thread(new URL("./cell-thread.ts", import.meta.url), { workerData, argv });
    this.#thread.on("message", (message: FromThread) => this.#hear(message));
    this.#thread.once("error", (error) => this.#gone(messageOf(error)));
    this.#thread.once("exit", (code) => this.#gone(`its thread has exited with code ${code}`));
    this.#look();
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  /** Instances hosted. */
  get size(): number {
    return this.#hosted.size;
  }

  host(order: CellOrder, ears: CellEars): HostedCell {
    const { instance, epoch } = order;
    const which = { instance, epoch };
    this.#hosted.set(keyOf(which), { order, ears });
    this.#tell({ kind: "host", order });
    return {
      release: () => this.#tell({ kind: "release", which }),
      kill: () => {
        this.#hosted.delete(keyOf(which));
        if (this.#isAlone) this.#end();
        else this.#tell({ kind: "drop", which });
        this.#endWhenEmpty();
      },
    };
  }

  #tell(message: ToThread): void {
    if (!this.#isOver) this.#thread.postMessage(message);
  }

  #end(): void {
    this.#isOver = true;
    void this.#thread.terminate();
  }

  // CT2
  #endWhenEmpty(): void {
    if (this.#hosted.size > 0 || this.#isOver) return;
    if (this.#isAlone) return this.#end();
    this.#thread.unref();
    const look = () => {
      if (this.#hosted.size === 0 && !this.#isOver) this.#end();
    };
    this.#world.clock.schedule(emptyMsMax, look, { background: true });
  }

  #hear(message: FromThread): void {
    if (this.#isOver) return;
    switch (message.kind) {
      case "step":
        return this.#step(message.site);
      case "rest":
        return this.#alone()?.onRest();
      case "ended":
        return this.#take(message.which)?.onEnded();
      case "failed":
        return this.#take(message.which)?.onGone(message.reason, undefined);
      case "unusable": {
        this.#end();
        for (const { ears } of this.#takeAll()) ears.onUnusable(message.reason);
        return;
      }
      case "broken": {
        this.#end();
        for (const { ears } of this.#takeAll()) ears.onGone(message.reason, undefined);
      }
    }
  }

  #alone(): CellEars | undefined {
    return this.#hosted.values().next().value?.ears;
  }

  /** It lives here no more. */
  #take(which: CellIncarnation): CellEars | undefined {
    const hosted = this.#hosted.get(keyOf(which));
    this.#hosted.delete(keyOf(which));
    this.#endWhenEmpty();
    return hosted?.ears;
  }

  #takeAll(): readonly Hosted[] {
    const all = [...this.#hosted.values()];
    this.#hosted.clear();
    return all;
  }

  #step(site: CrashSite): void {
    this.#isWaiting = true;
    this.#alone()?.onStep(site, () => {
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

  // CT1
  #gone(reason: string): void {
    if (this.#isOver) return;
    this.#end();
    const { turn } = this.#board.look();
    for (const { order, ears } of this.#takeAll()) {
      const isIts = turn !== undefined && turn.epoch === order.epoch;
      if (isIts || order.isOnProbation) ears.onGone(`POISON: ${reason}`, isIts ? siteOf(turn) : undefined);
      else ears.onGone(`UNAVAILABLE: the thread that it shared has ended: ${reason}`, undefined);
    }
  }
}

function keyOf({ instance, epoch }: CellIncarnation): string {
  return `${instanceKey(instance)}@${epoch}`;
}

/** A turn that has not come to a step yet, or to none of this message: only the message is known. */
function siteOf({ position, site }: TurnUnderWay): CrashSite {
  return site.sequence > position ? site : { sequence: position + 1, step: 0 };
}
