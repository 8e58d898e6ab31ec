/**
 * Which worker hosts which instance.
 *
 * Owns the choice only: who lives is observed by the leader, and an assignment counts when it is in the job log (R4). Nothing correct depends on it.
 *
 * What an instance weighs is the share of a core that its turns, and sending what they say, take, and a little for being there; what a worker carries is that
 * over its capacity. While nothing has been measured, that is a balance by count.
 *
 * P1. Whatever has no living worker is placed now, where it makes the least burden.
 * P2. A worker that leaves, is drained or in quarantine gets nothing, and all it has moves, few at a time. What it has let go of moves at once.
 * P3. Sticky: what has a place moves for balance only when the burdens come closer by more than loads are likely to vary, and few at a time. Each such move makes
 *     the burdens more equal, so that moves come to an end while loads stay as they are.
 * P4. The same facts give the same placement, in whatever order they are given.
 * P5. No zone gets more of a stage's instances than its share by capacity, rounded up; what it has beyond that moves, few at a time.
 * P7. An instance is not put where it is to avoid, while there is another place for it; what it avoids and has, it keeps.
 * P8. Of all that could move for balance, a source is the last: event time, and with it every key, waits for it.
 * P6. Workers in quarantine are used all the same when there is nobody else.
 * P9. So are workers that warm up; and before those in quarantine.
 * P10. Of what works, a worker gives or takes one at a time: each is up sooner than it would be beside another, and all of them no later.
 * P11. While a worker warms up nothing moves for balance: in a moment it counts, too, and its warm-up may take the time of those on its machine.
 */
import type { AssignmentCause, InstanceId } from "../record/messages.ts";
import { Burdens } from "./burdens.ts";

/** Whether a worker may be given instances: not while it is `warming`, or in `quarantine`, while there are others, and never when it is `drained`. */
export type WorkerStanding = "open" | "warming" | "quarantine" | "drained";

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
  /** Workers at which an instance arrives that does not work yet. @default there is none */
  readonly receiving?: ReadonlySet<string> | undefined;
}

/** An assignment to append. */
export interface Placement {
  readonly instance: InstanceId;
  readonly worker: string;
  readonly cause: Extract<AssignmentCause, "start" | "workerLost" | "balance">;
}

/** An instance that has no place it could stay at. */
interface Homeless extends Omit<Placement, "worker"> {
  /** Where it works until it has let go: it moves as one of few. */
  readonly from: string | undefined;
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
  const given = ({ instance, cause }: Homeless) => ({ instance, worker: burdens.give(instance).worker, cause });
  const urgent = homeless.filter(({ from }) => from === undefined).map(given);
  const engaged = new Set(facts.receiving);
  const cleared = clear(homeless, burdens, facts.movesMax, engaged);
  if (isAnyWarming(facts.workers)) return [...urgent, ...cleared];
  return [...urgent, ...cleared, ...balance(burdens, facts.movesMax - cleared.length, engaged)];
}

/** P2, P10: what works at a worker that it cannot stay at. */
function clear(
  homeless: readonly Homeless[],
  burdens: Burdens,
  movesMax: number,
  engaged: Set<string>,
): readonly Placement[] {
  const moves: Placement[] = [];
  for (const { instance, cause, from } of homeless) {
    if (moves.length >= movesMax) break;
    if (from === undefined || engaged.has(from)) continue;
    const host = burdens.choose(instance);
    if (engaged.has(host.worker)) break;
    engaged.add(from).add(host.worker);
    burdens.add(host, instance);
    moves.push({ instance, worker: host.worker, cause });
  }
  return moves;
}

/** P2, P6, P9 */
function openWorkers(workers: readonly WorkerFacts[]): readonly WorkerFacts[] {
  const staying = workers.filter(({ isLeaving, standing }) => !isLeaving && standing !== "drained");
  const trusted = staying.filter(({ standing }) => standing !== "quarantine");
  const open = trusted.filter(({ standing }) => standing !== "warming");
  return [open, trusted].find(({ length }) => length > 0) ?? staying;
}

/** P11 */
function isAnyWarming(workers: readonly WorkerFacts[]): boolean {
  return workers.some(({ isLeaving, standing }) => !isLeaving && standing === "warming");
}

function plightOf(
  worker: string | undefined,
  living: ReadonlyMap<string, WorkerFacts>,
): Pick<Homeless, "cause" | "from"> {
  if (worker === undefined) return { cause: "start", from: undefined };
  return living.has(worker) ? { cause: "balance", from: worker } : { cause: "workerLost", from: undefined };
}

/** P3, P5, P10 */
function balance(burdens: Burdens, movesMax: number, engaged: Set<string>): readonly Placement[] {
  const moves: Placement[] = [];
  while (moves.length < movesMax) {
    const move = burdens.bestForZones() ?? burdens.bestForBalance();
    if (move === undefined || engaged.has(move.from.worker) || engaged.has(move.to.worker)) break;
    engaged.add(move.from.worker).add(move.to.worker);
    burdens.move(move);
    moves.push({ instance: move.instance, worker: move.to.worker, cause: "balance" });
  }
  return moves;
}

function byStageAndPartition(a: InstanceId, b: InstanceId): number {
  return a.stage - b.stage || a.partition - b.partition;
}
