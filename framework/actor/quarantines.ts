/**
 * Who is in quarantine, for one leader epoch.
 *
 * Owns the looks at what speaks against workers; what follows is decided by `protocol/quarantine.ts`, and counts when it is in the job log.
 */
import { decideQuarantine } from "../protocol/quarantine.ts";
import type { WorkerStanding } from "../protocol/placement.ts";
import type { JobWorld } from "./job-world.ts";
import type { LivingWorker } from "./worker-registry.ts";

/** A living worker, and whether it may be given instances. */
export interface StandingWorker extends LivingWorker {
  readonly standing: WorkerStanding;
}

/** A decision that has not been read again after so long is made anew, ms. */
const againMs = 5_000;

/** The quarantines of one leader epoch. */
export class Quarantines {
  readonly #world: Pick<JobWorld, "platform" | "registry" | "tail">;
  readonly #leader: number;
  readonly #now: () => number;
  #saidAtMs = -Infinity;

  constructor(world: Pick<JobWorld, "platform" | "registry" | "tail">, leader: number, now: () => number) {
    this.#world = world;
    this.#leader = leader;
    this.#now = now;
  }

  /** Now, in the job log's own time. */
  get nowMs(): number {
    return this.#now();
  }

  /** The workers that live, and whether they may be given instances. */
  workers(): readonly StandingWorker[] {
    const { tail, registry } = this.#world;
    const { drained } = tail.view.fleet;
    const standingOf = ({ worker, isWarming }: LivingWorker): WorkerStanding => {
      if (drained.has(worker)) return "drained";
      if (this.holds(worker)) return "quarantine";
      return isWarming ? "warming" : "open";
    };
    return registry.alive().map((worker) => ({ ...worker, standing: standingOf(worker) }));
  }

  /** Whether the worker, living or dead, is in quarantine, by itself or with its host. */
  holds(worker: string): boolean {
    const host = this.#world.registry.hostOf(worker);
    return this.#world.tail.view.fleet
      .quarantinesAt(this.nowMs)
      .some(({ scope, subject }) => subject !== "" && (scope === "worker" ? worker : host) === subject);
  }

  /** Looks at what speaks against whom; called now and then. */
  consider(): void {
    const { platform, tail, registry } = this.#world;
    const atMs = platform.clock.monotonicMs();
    // One at a time: what has been said is read first.
    if (atMs < this.#saidAtMs + againMs) return;
    const { incidents, quarantines: before } = tail.view.fleet;
    const decision = decideQuarantine({
      nowMs: this.nowMs,
      incidents,
      workers: this.workers(),
      hostOf: (worker) => registry.hostOf(worker),
      before,
    });
    if (decision === undefined) return;
    this.#saidAtMs = atMs;
    const { scope, subject, evidence, durationMs } = decision;
    platform.logger.log("warn", `a ${scope} is put in quarantine`, { subject, evidence, forMs: durationMs });
    tail.append({ kind: "quarantine", leader: this.#leader, ...decision });
  }
}
