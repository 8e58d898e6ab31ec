/**
 * Who hosts what, for one leader epoch.
 *
 * Owns the comparison of what placement wants with what the job log and the reports say, and what is asked of workers that are to let go. Placement itself is
 * decided in `protocol/placement.ts`; an assignment is made by the supervisor.
 *
 * D1. A move for balance is graceful: the host lets go first, and while it lives nobody else is assigned.
 * D2. What has been moved works before more is moved: the newcomer has to read what was missed, and that is over.
 * D3. What has never been placed waits until those who start together have been heard of (`gathering.ts`).
 */
import { instanceKey } from "../protocol/job-log.ts";
import { place, type PlacementFacts } from "../protocol/placement.ts";
import type { AssignmentCause, InstanceId, Report } from "../record/messages.ts";
import { Gathering } from "./gathering.ts";
import type { JobWorld } from "./job-world.ts";
import type { Quarantines } from "./quarantines.ts";

/** Moves of instances that work, at a time. */
const movesMax = 2;
/** Where an instance has crashed it is not put again for so long, while there is another place, ms. */
const avoidedMs = 60_000;
/** One of these says that the instance works where it is, with nothing of the time before it left. */
const workingStates: ReadonlySet<string> = new Set(["running", "snapshotting", "frozen", "draining", "released"]);

/** An instance that is to be assigned anew. */
export interface Relocation {
  readonly instance: InstanceId;
  readonly worker: string;
  readonly cause: Extract<AssignmentCause, "start" | "workerLost" | "balance" | "release">;
  /** The worker that had it and has not let go; empty when nobody had. */
  readonly holder: string;
}

/** What is distributed, and where. */
type DistributedWorld = Pick<JobWorld, "platform" | "plan" | "tail" | "registry" | "bus" | "gatherMs">;

/** What the supervisor knows of the instances. */
export interface KnownInstances {
  all(): readonly InstanceId[];
  /** Newest report of the current incarnation. */
  reportOf(instance: InstanceId): Report | undefined;
  /** Something is already under way for it. */
  isSpokenFor(instance: InstanceId): boolean;
  /** The workers of a generation that has not been placed may have gathered: what is wanted is to be looked at again. */
  onGathered(): void;
}

/** The distribution of one leader epoch. */
export class Distribution {
  readonly #world: DistributedWorld;
  readonly #leader: number;
  readonly #quarantines: Quarantines;
  readonly #instances: KnownInstances;
  readonly #gathering: Gathering;
  /** As measured last, also by incarnations before: what has just moved is not measured at once. */
  readonly #busy = new Map<string, number>();

  constructor(world: DistributedWorld, leader: number, quarantines: Quarantines, instances: KnownInstances) {
    this.#quarantines = quarantines;
    this.#world = world;
    this.#leader = leader;
    this.#instances = instances;
    this.#gathering = new Gathering(world.platform.clock, world.gatherMs, () => instances.onGathered());
  }

  /** What is to be assigned at this moment. Hosts that are to let go before that are asked to. */
  relocations(): readonly Relocation[] {
    if (this.#waitsForOthers()) return [];
    const moves = place(this.#facts(this.#instances.all()));
    return moves.flatMap(({ instance, worker, cause }) => {
      if (this.#instances.isSpokenFor(instance)) return [];
      if (cause === "balance" && this.askToRelease(instance)) return [];
      const hasLetGo = this.#instances.reportOf(instance)?.state === "released";
      const holder = this.holderOf(instance) ?? "";
      return [{ instance, worker, cause: hasLetGo ? "release" : cause, holder }];
    });
  }

  /** D3 */
  #waitsForOthers(): boolean {
    return !this.#world.tail.view.isPlaced && !this.#gathering.isOver(this.#quarantines.workers().length);
  }

  /** An instance has reported. */
  reported({ instance, load: { busy } }: Report): void {
    if (busy !== undefined) this.#busy.set(instanceKey(instance), busy);
  }

  /**
   * Where an instance that has just crashed is started again: where it was, unless it has crashed there before lately. Then it is tried elsewhere, on another host
   * if there is one: if it works there, that was the worker's doing.
   */
  hostAfterCrash(instance: InstanceId): string | undefined {
    const here = this.hostOf(instance);
    if (here === undefined || !this.#avoids(instance, here)) return here;
    const isThis = (id: InstanceId) => instanceKey(id) === instanceKey(instance);
    const instances = this.#instances.all();
    const current = (id: InstanceId) => (isThis(id) ? undefined : this.holderOf(id));
    const { registry } = this.#world;
    const others = this.#quarantines.workers().filter(({ worker }) => !this.#avoids(instance, worker));
    const elsewhere = others.filter(({ host }) => host === "" || host !== registry.hostOf(here));
    const workers = elsewhere.length > 0 ? elsewhere : others;
    const found = place({ ...this.#facts(instances), workers, current, movesMax: 0 }).find((each) =>
      isThis(each.instance),
    );
    return found?.worker ?? here;
  }

  /** P7 */
  #avoids(instance: InstanceId, worker: string): boolean {
    const sinceMs = this.#quarantines.nowMs - avoidedMs;
    const crashes = this.#world.tail.view.crashes(instance);
    return crashes.some((crash) => crash.worker === worker && crash.storedAtMs > sinceMs);
  }

  #facts(instances: readonly InstanceId[]): PlacementFacts {
    const receiving = this.#receiving(instances);
    return {
      instances,
      workers: this.#quarantines.workers(),
      current: (instance) => this.holderOf(instance),
      busyOf: (instance) => this.#busy.get(instanceKey(instance)),
      isSource: ({ stage }) => this.#world.plan.stages[stage]?.source !== undefined,
      avoids: (instance, worker) => this.#avoids(instance, worker),
      movesMax: Math.max(0, movesMax - receiving.length),
      receiving: new Set(receiving),
    };
  }

  /** D2. The worker of each instance that has been moved and does not work yet. */
  #receiving(instances: readonly InstanceId[]): readonly string[] {
    return instances.flatMap((instance) => {
      const { cause, worker = "" } = this.#world.tail.view.assignment(instance) ?? {};
      const isMove = cause === "release" || cause === "balance";
      const state = this.#instances.reportOf(instance)?.state ?? "";
      const isAtWork = workingStates.has(state) || state === "failed";
      return isMove && !isAtWork && this.#world.registry.isAlive(worker) ? [worker] : [];
    });
  }

  /**
   * D1. Asks the host to let go; answers whether it lives and has not let go yet. A new leader waits for the instance's first report: what moves without a release
   * reads again all that came after its last snapshot.
   */
  askToRelease(instance: InstanceId): boolean {
    const report = this.#instances.reportOf(instance);
    const host = this.hostOf(instance);
    if (host === undefined) return false;
    if (report === undefined) return true;
    const release = { instance, epoch: report.epoch, n: report.n };
    this.#world.bus.askToRelease(host, { leader: this.#leader, answers: [release] });
    return true;
  }

  /** The worker that the job log names, living or not, unless it has released the instance. */
  holderOf(instance: InstanceId): string | undefined {
    if (this.#instances.reportOf(instance)?.state === "released") return undefined;
    return this.#world.tail.view.assignment(instance)?.worker;
  }

  /** {@link holderOf}, if it lives. */
  hostOf(instance: InstanceId): string | undefined {
    const worker = this.holderOf(instance);
    return worker !== undefined && this.#world.registry.isAlive(worker) ? worker : undefined;
  }
}
