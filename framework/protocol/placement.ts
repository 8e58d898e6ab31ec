/**
 * Which worker hosts which instance.
 *
 * Owns the choice only: who lives is observed by the leader, and an assignment counts when it is in the job log (R4). Nothing correct depends on it.
 *
 * P1. Whatever has no living worker is placed now, on the least loaded.
 * P2. A leaving worker gets nothing, and all it has moves.
 * P3. Sticky: what has a place moves only to even out a difference of two or more, and few at a time.
 * P4. The same facts give the same placement, in whatever order they are given.
 */
import type { AssignmentCause, InstanceId } from "../record/messages.ts";

/** A living worker. */
export interface WorkerFacts {
  readonly worker: string;
  /** It is about to end. */
  readonly isLeaving: boolean;
}

/** What a placement is decided on. */
export interface PlacementFacts {
  readonly instances: readonly InstanceId[];
  /** Workers that live. */
  readonly workers: readonly WorkerFacts[];
  /** The worker that the job log names; undefined when there is none yet. One that is not among `workers` is dead. */
  readonly current: (id: InstanceId) => string | undefined;
  /** Moves for balance alone, at most. */
  readonly movesMax: number;
}

/** An assignment to append. */
export interface Placement {
  readonly instance: InstanceId;
  readonly worker: string;
  readonly cause: Extract<AssignmentCause, "start" | "workerLost" | "balance">;
}

/** A worker that may be given instances, and what it has. */
interface Host {
  readonly worker: string;
  /** Instances it has had before, and may lose again. */
  readonly settled: InstanceId[];
  load: number;
}

/** Decides what is to be assigned; empty when nothing is, or when nobody may be given anything. */
export function place(facts: PlacementFacts): readonly Placement[] {
  const hosts = openHosts(facts.workers);
  const living = new Set(facts.workers.map(({ worker }) => worker));
  const homeless: Omit<Placement, "worker">[] = [];
  for (const instance of facts.instances.toSorted(byStageAndPartition)) {
    const worker = facts.current(instance);
    const host = hosts.find((candidate) => candidate.worker === worker);
    if (host === undefined) homeless.push({ instance, cause: causeOf(worker, living) });
    else settle(host, instance);
  }
  if (hosts.length === 0) return [];
  return [...homeless.map((homelessOne) => settleAnew(hosts, homelessOne)), ...balance(hosts, facts.movesMax)];
}

function openHosts(workers: readonly WorkerFacts[]): readonly Host[] {
  const open = workers.filter(({ isLeaving }) => !isLeaving).map(({ worker }) => worker);
  return [...new Set(open)].toSorted().map((worker) => ({ worker, settled: [], load: 0 }));
}

function causeOf(worker: string | undefined, living: ReadonlySet<string>): Placement["cause"] {
  if (worker === undefined) return "start";
  return living.has(worker) ? "balance" : "workerLost";
}

function settle(host: Host, instance: InstanceId): void {
  host.settled.push(instance);
  host.load += 1;
}

function settleAnew(hosts: readonly Host[], { instance, cause }: Omit<Placement, "worker">): Placement {
  const host = hosts.reduce((least, candidate) => (candidate.load < least.load ? candidate : least));
  host.load += 1;
  return { instance, worker: host.worker, cause };
}

function balance(hosts: readonly Host[], movesMax: number): readonly Placement[] {
  const moves: Placement[] = [];
  while (moves.length < movesMax) {
    const most = hosts.reduce((best, candidate) => (candidate.load > best.load ? candidate : best));
    const least = hosts.reduce((best, candidate) => (candidate.load < best.load ? candidate : best));
    const instance = most.load - least.load < 2 ? undefined : most.settled.pop();
    if (instance === undefined) break;
    most.load -= 1;
    least.load += 1;
    moves.push({ instance, worker: least.worker, cause: "balance" });
  }
  return moves;
}

function byStageAndPartition(a: InstanceId, b: InstanceId): number {
  return a.stage - b.stage || a.partition - b.partition;
}
