/**
 * What guards a worker against its own program: the watchdog, and threads for instances on probation (R15).
 *
 * Owns which of them a worker has. In one process, on memory, nothing outlives the process: there is nobody to skip anything for, and only a process that runs the
 * job and nothing else is ended when it stands still. On a cluster every worker has a watchdog, and threads where the program is known.
 */
import type { TurnMarks } from "../actor/host.ts";
import type { StartCell } from "../actor/cell-contract.ts";
import type { WorkerJob } from "../actor/worker-job.ts";
import type { Home, HomePlace } from "../home.ts";
import { planText } from "../plan/plan-text.ts";
import type { Platform } from "../platform/platform.ts";
import type { ProgramPlace } from "./cell-messages.ts";
import { cellThreads } from "./cell-threads.ts";
import { TurnBoard } from "./turn-board.ts";
import { startWatchdog } from "./watchdog.ts";

/** What is guarded, and where. */
export interface GuardedBy {
  readonly platform: Platform;
  readonly home: Home;
  readonly place: HomePlace;
  readonly work: WorkerJob;
  /** Undefined where it may not be loaded again. */
  readonly program: ProgramPlace | undefined;
  /** The process runs the job and nothing else. */
  readonly ownsProcess: boolean;
}

/** The guards of one worker. */
export interface Guards {
  readonly marks: TurnMarks;
  /** Hosts instances in threads: those on probation, and those of stages that ask for it. */
  readonly startCell: StartCell | undefined;
  /** Begins to watch the process, for the worker of this id; answers how to end it. */
  watch(worker: string): () => void;
}

/** The guards of a worker; undefined where it needs none. */
export function guardsOf(guarded: GuardedBy): Guards | undefined {
  const { platform, home, place, work, ownsProcess } = guarded;
  if (place.isEmbedded && !ownsProcess) return undefined;
  const { plan, names } = work;
  const cluster = place.isEmbedded ? undefined : home.cluster;
  const board = new TurnBoard();
  const { replicas } = plan.options;
  const register = (worker: string) =>
    cluster === undefined ? undefined : { cluster, replicas, job: plan.job, key: names.suspect(worker) };
  return {
    marks: board,
    startCell: threadsOf(guarded),
    watch: (worker) =>
      startWatchdog({
        clock: platform.clock,
        plan,
        board,
        endsStalled: ownsProcess && !place.isEmbedded,
        place: register(worker),
      }),
  };
}

function threadsOf({ platform, home, place, work, program }: GuardedBy): StartCell | undefined {
  const { cluster, defaults } = home;
  if (place.isEmbedded || cluster === undefined || program === undefined) return undefined;
  const { plan, names } = work;
  return cellThreads({
    clock: platform.clock,
    turnMsMax: plan.options.poison.turnMsMax,
    threadsOf: (stage) => plan.stages[stage]?.threads ?? 0,
    program,
    defaults,
    version: plan.version,
    plan: planText(plan),
    generation: names.generation,
    origin: work.origin?.origin,
    cluster,
  });
}
