/**
 * Which worker hosts which instance.
 *
 * Owns the choice only: who lives is observed by the leader, and an assignment counts when it is in the job log (R4). Nothing correct depends on it.
 *
 * What an instance weighs is the share of a core that its turns take, and a little for being there; what a worker carries is that over its capacity. While nothing
 * has been measured, that is a balance by count.
 *
 * P1. Whatever has no living worker is placed now, where it makes the least burden.
 * P2. A leaving worker gets nothing, and all it has moves at once. A drained one, or one in quarantine, gets nothing, and all it has moves, few at a time.
 * P3. Sticky: what has a place moves for balance only when the burdens come closer by more than loads are likely to vary, and few at a time. Each such move makes
 *     the burdens more equal, so that moves come to an end while loads stay as they are.
 * P4. The same facts give the same placement, in whatever order they are given.
 * P5. No zone gets more of a stage's instances than its share by capacity, rounded up; what it has beyond that moves, few at a time.
 * P7. An instance is not put where it is to avoid, while there is another place for it; what it avoids and has, it keeps.
 * P8. Of all that could move for balance, a source is the last: event time, and with it every key, waits for it.
 * P6. Workers in quarantine are used all the same when there is nobody else.
 */
import type { AssignmentCause, InstanceId } from "../record/messages.ts";
import { Burdens } from "./burdens.ts";
import { instanceKey } from "./job-log.ts";

/** Whether a worker may be given instances: not in `quarantine` while there are others, and never when it is `drained`. */
export type WorkerStanding = "open" | "quarantine" | "drained";

/** A living worker. */
export interface WorkerFacts {
  readonly worker: string;
  /** It is about to end. */
  readonly isLeaving: boolean;
  /** @default open */
  readonly standing?: WorkerStanding | undefined;
  /** How much it can carry, relative to the others. @default 1 */
  readonly capacity?: number | undefined;
  /** Workers of one zone may fail together. @default one zone for all that name none */
  readonly zone?: string | undefined;
}

/** What a placement is decided on. */
export interface PlacementFacts {
  readonly instances: readonly InstanceId[];
  /** Workers that live. */
  readonly workers: readonly WorkerFacts[];
  /** The worker that the job log names; undefined when there is none yet. One that is not among `workers` is dead. */
  readonly current: (id: InstanceId) => string | undefined;
  /** Share of a core that the instance's turns take; undefined while it has not been measured. @default nothing has been measured */
  readonly busyOf?: ((id: InstanceId) => number | undefined) | undefined;
  /** Whether event time stands still for every key while the instance moves. @default it never does */
  readonly isSource?: ((id: InstanceId) => boolean) | undefined;
  /** Whether the instance is not to be put on the worker: it has crashed there lately. @default it never is */
  readonly avoids?: ((id: InstanceId, worker: string) => boolean) | undefined;
  /** Moves of instances whose worker lives and stays, at most. */
  readonly movesMax: number;
}

/** An assignment to append. */
export interface Placement {
  readonly instance: InstanceId;
  readonly worker: string;
  readonly cause: Extract<AssignmentCause, "start" | "workerLost" | "balance">;
}

/** An instance that has no place it could stay at. */
interface Homeless extends Omit<Placement, "worker"> {
  /** It works where it is until it has let go: it moves as one of few. */
  readonly isAtWork: boolean;
}

/** Decides what is to be assigned; empty when nothing is, or when nobody may be given anything. */
export function place(facts: PlacementFacts): readonly Placement[] {
  const instances = facts.instances.toSorted(byStageAndPartition);
  const { busyOf = () => undefined, avoids = () => false, isSource = () => false } = facts;
  const burdens = new Burdens(openWorkers(facts.workers), instances, { busyOf, avoids, isSource });
  const byWorker = new Map(facts.workers.map((worker) => [worker.worker, worker]));
  const homeless: Homeless[] = [];
  for (const instance of instances) {
    const worker = facts.current(instance);
    const host = burdens.hostCalled(worker);
    if (host !== undefined) burdens.settle(host, instance);
    else homeless.push({ instance, ...plightOf(worker, byWorker) });
  }
  if (burdens.hosts.length === 0) return [];
  const urgent = homeless.filter(({ isAtWork }) => !isAtWork);
  const shut = homeless.filter(({ isAtWork }) => isAtWork).slice(0, facts.movesMax);
  const placed = [...urgent, ...shut].map(({ instance, cause }) => ({
    instance,
    worker: burdens.give(instance).worker,
    cause,
  }));
  return [...placed, ...balance(burdens, facts.movesMax - shut.length)];
}

/** P2, P6 */
function openWorkers(workers: readonly WorkerFacts[]): readonly WorkerFacts[] {
  const staying = workers.filter(({ isLeaving, standing }) => !isLeaving && standing !== "drained");
  const open = staying.filter(({ standing }) => standing !== "quarantine");
  return open.length === 0 ? staying : open;
}

function plightOf(
  worker: string | undefined,
  living: ReadonlyMap<string, WorkerFacts>,
): Pick<Homeless, "cause" | "isAtWork"> {
  if (worker === undefined) return { cause: "start", isAtWork: false };
  const facts = living.get(worker);
  return { cause: facts === undefined ? "workerLost" : "balance", isAtWork: facts?.isLeaving === false };
}

/** P3, P5 */
function balance(burdens: Burdens, movesMax: number): readonly Placement[] {
  const moves: Placement[] = [];
  const moved = new Set<string>();
  while (moves.length < movesMax) {
    const move = burdens.bestForZones() ?? burdens.bestForBalance();
    if (move === undefined || moved.has(instanceKey(move.instance))) break;
    burdens.move(move);
    moved.add(instanceKey(move.instance));
    moves.push({ instance: move.instance, worker: move.to.worker, cause: "balance" });
  }
  return moves;
}

function byStageAndPartition(a: InstanceId, b: InstanceId): number {
  return a.stage - b.stage || a.partition - b.partition;
}
