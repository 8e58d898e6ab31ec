/**
 * What a job looks like at the moment, for people and programs: assembled by the leader from the job log and the newest reports.
 */
import type { JobNames } from "../log/names.ts";
import type { Plan } from "../plan/plan.ts";
import type { QuarantineView } from "../protocol/fleet-view.ts";
import type { JobLogView } from "../protocol/job-log.ts";
import type { Counts, InstanceId, Load } from "../record/messages.ts";
import type { StandingWorker } from "./quarantines.ts";
import { noCounts } from "./instance-meter.ts";
import type { Outage } from "./outages.ts";
import type { StageSupervisor } from "./stage-supervisor.ts";
import type { SavepointStatus } from "./savepoint-keeper.ts";

/** One instance in a status. */
export interface InstanceStatus extends Load {
  readonly name: string;
  readonly worker: string;
  readonly epoch: number;
  /** Phase of its lifecycle; `parked` while it has crashed and waits for its restart, `unassigned` before the first report of its epoch. */
  readonly state: string;
  readonly position: number;
  /** ISO time, or `-Infinity` and `Infinity`. */
  readonly watermark: number;
  readonly activity: string;
  readonly snapshot: number;
  readonly restarts: number;
  readonly failure: string;
  /** It is suspected of ending its process, and lives alone in a thread (R15). */
  readonly isOnProbation: boolean;
  /** Steps that are not taken, by decision of a leader, since the generation began; each has become a dead letter. */
  readonly skips: number;
  readonly counts: Counts;
}

/** One living worker in a status. */
export interface WorkerStatus extends StandingWorker {
  readonly isLeader: boolean;
  /** Cores that the turns of its instances take, as far as that has been measured. */
  readonly busy: number;
  /** Instances that the job log has assigned to it; one that has none is idle. */
  readonly instances: number;
}

/** A job at the moment. */
export interface JobStatus {
  readonly job: string;
  readonly generation: number;
  /** Epoch of the leader that says so, and the worker it runs on; `none` when nobody leads. */
  readonly leader: { readonly epoch: number; readonly worker: string } | "none";
  readonly state: "starting" | "running" | "completed" | "failed" | "stopped";
  /** Code and message of the newest failure of the whole job, also when it has been restarted since; empty while there was none. */
  readonly lastFailure: string;
  readonly workers: readonly WorkerStatus[];
  readonly instances: readonly InstanceStatus[];
  /** Event time published per stage. */
  readonly watermarks: Readonly<Record<string, number>>;
  readonly totals: Counts & { readonly restarts: number };
  /** Workers and hosts that are given nothing for a while, and what speaks against them. */
  readonly quarantines: readonly QuarantineView[];
  /** The newest restarts and moves of instances, oldest first. */
  readonly outages: readonly Outage[];
  /** The savepoint that is being taken, or held. @default there is none */
  readonly savepoint?: SavepointStatus | undefined;
  /** What somebody should look at: idle workers, clocks that are wrong. */
  readonly warnings: readonly string[];
}

/** What a status is assembled from. */
export interface StatusWorld {
  readonly plan: Plan;
  readonly names: JobNames;
  readonly view: JobLogView;
  readonly workers: readonly StandingWorker[];
  readonly quarantines: readonly QuarantineView[];
  readonly outages: readonly Outage[];
  readonly isParked: (instance: InstanceId) => boolean;
}

/** Of an instance that nobody reports. */
export const noLoad: Load = {
  lag: 0,
  inboxBytes: 0,
  snapshotAt: 0,
  snapshotDurationMs: 0,
  snapshotBytes: 0,
  turnP99Ms: 0,
};
/** Clocks further apart than this are spoken of, ms. */
const clockApartMsMax = 5_000;

/** Assembles the status. */
export function statusOf(
  world: StatusWorld,
  leaderEpoch: number,
  stages: readonly StageSupervisor[],
  savepoint?: SavepointStatus,
): JobStatus {
  const { plan, names, view, outages, quarantines } = world;
  const isStarting = stages.length === 0 || stages.some((supervisor) => supervisor.phase === "starting");
  const workers = workersOf(world, stages);
  return {
    job: plan.job,
    generation: names.generation,
    leader: { epoch: leaderEpoch, worker: view.leader?.worker ?? "" },
    state: view.isOver ? view.life.state : isStarting ? "starting" : "running",
    lastFailure: lastFailureOf(view),
    workers,
    instances: stages.flatMap((supervisor) => instancesOf(supervisor, world)),
    watermarks: Object.fromEntries(stages.map((supervisor) => [supervisor.stage.name, supervisor.watermark])),
    totals: totalsOf(stages, view),
    quarantines,
    outages,
    savepoint,
    warnings: isStarting ? clockWarnings(workers) : [...idleWarnings(workers), ...clockWarnings(workers)],
  };
}

/** Code and message of the newest failure of the whole job; empty while there was none. */
export function lastFailureOf({ life }: JobLogView): string {
  return life.lastFailure === undefined ? "" : `${life.lastFailure.code}: ${life.lastFailure.message}`;
}

function workersOf({ view, workers }: StatusWorld, stages: readonly StageSupervisor[]): WorkerStatus[] {
  const loads = new Map<string, number>();
  const busy = new Map<string, number>();
  for (const { worker, instance } of view.assignments()) {
    loads.set(worker, (loads.get(worker) ?? 0) + 1);
    const report = stages.find(({ stage }) => stage.index === instance.stage)?.reportOf(instance);
    busy.set(worker, (busy.get(worker) ?? 0) + (report?.load.busy ?? 0));
  }
  return workers.map((living) => ({
    ...living,
    isLeader: living.worker === view.leader?.worker,
    instances: loads.get(living.worker) ?? 0,
    busy: busy.get(living.worker) ?? 0,
  }));
}

/** A worker that has just joined is idle for a moment; where there are fewer instances than workers, some stay so. */
function idleWarnings(workers: readonly WorkerStatus[]): string[] {
  const staying = workers.filter(({ isLeaving }) => !isLeaving);
  const idle = staying.filter(({ instances }) => instances === 0).length;
  const total = workers.reduce((sum, { instances }) => sum + instances, 0);
  if (idle === 0 || total >= staying.length) return [];
  return [
    `${idle} of ${workers.length} workers are idle: the job has ${total} instances; more partitions would share it`,
  ];
}

function clockWarnings(workers: readonly WorkerStatus[]): string[] {
  return workers
    .filter(({ clockAheadMs }) => Math.abs(clockAheadMs) > clockApartMsMax)
    .map(({ worker, host, processId, clockAheadMs }) => {
      const apart = `${Math.round(Math.abs(clockAheadMs) / 1_000)} s ${clockAheadMs > 0 ? "ahead of" : "behind"}`;
      return `the clock of worker ${worker} (${host}, process ${processId}) is ${apart} the leader's: set it, as the times it stamps are wrong`;
    });
}

function instancesOf(supervisor: StageSupervisor, { view, isParked }: StatusWorld): InstanceStatus[] {
  const { stage } = supervisor;
  return view.instancesOf(stage).map((id) => {
    const assignment = view.assignment(id);
    const report = supervisor.reportOf(id);
    return {
      name: `${stage.name}/${id.partition}`,
      worker: assignment?.worker ?? "",
      epoch: assignment?.epoch ?? 0,
      state: isParked(id) ? "parked" : (report?.state ?? "unassigned"),
      position: report?.position ?? 0,
      watermark: report?.watermark ?? -Infinity,
      activity: report?.activity ?? "active",
      snapshot: report?.snapshot ?? 0,
      restarts: view.crashes(id).length,
      failure: report?.failure ?? "",
      isOnProbation: assignment?.suspicion?.isOnProbation ?? false,
      skips: view.skips(id).length,
      counts: report?.counts ?? noCounts,
      ...(report?.load ?? noLoad),
    };
  });
}

/** Records in are counted at the sources, windows out where they fire; late and dead wherever they arise. */
function totalsOf(stages: readonly StageSupervisor[], view: JobLogView): JobStatus["totals"] {
  const totals = { recordsIn: 0, recordsOut: 0, late: 0, deadLetters: 0, windowsOut: 0, restarts: view.restarts };
  for (const supervisor of stages) {
    for (const { counts = noCounts } of supervisor.reports) {
      if (supervisor.stage.source !== undefined) totals.recordsIn += counts.recordsIn;
      totals.recordsOut += counts.recordsOut;
      totals.late += counts.late;
      totals.deadLetters += counts.deadLetters;
      totals.windowsOut += counts.windowsOut;
    }
  }
  return totals;
}
