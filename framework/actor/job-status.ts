/**
 * What a job looks like at the moment, for people and programs: assembled by the leader from the job log and the newest reports.
 */
import type { JobNames } from "../log/names.ts";
import type { Plan } from "../plan/plan.ts";
import type { JobLogView } from "../protocol/job-log.ts";
import type { Counts } from "../record/messages.ts";
import type { StageSupervisor } from "./stage-supervisor.ts";
import type { LivingWorker, WorkerRegistry } from "./worker-registry.ts";

/** One instance in a status. */
export interface InstanceStatus {
  readonly name: string;
  readonly worker: string;
  readonly epoch: number;
  readonly state: string;
  readonly position: number;
  /** ISO time, or `-Infinity` and `Infinity`. */
  readonly watermark: number;
  readonly activity: string;
  readonly snapshot: number;
  readonly restarts: number;
  readonly failure: string;
  readonly counts: Counts;
}

/** A job at the moment. */
export interface JobStatus {
  readonly job: string;
  readonly generation: number;
  /** Epoch of the leader that says so, and the worker it runs on; `none` when nobody leads. */
  readonly leader: { readonly epoch: number; readonly worker: string } | "none";
  readonly state: "starting" | "running" | "completed" | "failed";
  readonly workers: readonly LivingWorker[];
  readonly instances: readonly InstanceStatus[];
  /** Event time published per stage. */
  readonly watermarks: Readonly<Record<string, number>>;
  readonly totals: Counts & { readonly restarts: number };
}

/** What a status is assembled from. */
export interface StatusWorld {
  readonly plan: Plan;
  readonly names: JobNames;
  readonly view: JobLogView;
  readonly registry: WorkerRegistry;
}

const noCounts: Counts = { recordsIn: 0, recordsOut: 0, late: 0, deadLetters: 0, windowsOut: 0 };

/** Assembles the status. */
export function statusOf(world: StatusWorld, leaderEpoch: number, stages: readonly StageSupervisor[]): JobStatus {
  const { plan, names, view, registry } = world;
  const instances = stages.flatMap((supervisor) => instancesOf(supervisor, view));
  const outcome = view.outcome?.outcome;
  const isStarting = stages.length === 0 || stages.some((supervisor) => supervisor.phase === "starting");
  return {
    job: plan.job,
    generation: names.generation,
    leader: { epoch: leaderEpoch, worker: view.leader?.worker ?? "" },
    state: outcome ?? (isStarting ? "starting" : "running"),
    workers: registry.alive(),
    instances,
    watermarks: Object.fromEntries(stages.map((supervisor) => [supervisor.stage.name, supervisor.watermark])),
    totals: totalsOf(stages, view),
  };
}

function instancesOf(supervisor: StageSupervisor, view: JobLogView): InstanceStatus[] {
  return view.instancesOf(supervisor.stage).map((id) => {
    const assignment = view.assignment(id);
    const report = supervisor.reportOf(id);
    return {
      name: `${supervisor.stage.name}/${id.partition}`,
      worker: assignment?.worker ?? "",
      epoch: assignment?.epoch ?? 0,
      state: report?.state ?? "unassigned",
      position: report?.position ?? 0,
      watermark: report?.watermark ?? -Infinity,
      activity: report?.activity ?? "active",
      snapshot: report?.snapshot ?? 0,
      restarts: view.crashes(id).length,
      failure: report?.failure ?? "",
      counts: report?.counts ?? noCounts,
    };
  });
}

/** Records in are counted at the sources, windows out where they fire; late and dead wherever they arise. */
function totalsOf(stages: readonly StageSupervisor[], view: JobLogView): JobStatus["totals"] {
  const totals = { recordsIn: 0, recordsOut: 0, late: 0, deadLetters: 0, windowsOut: 0, restarts: view.restarts };
  for (const supervisor of stages) {
    for (const { counts } of supervisor.reports) {
      if (supervisor.stage.source !== undefined) totals.recordsIn += counts.recordsIn;
      totals.recordsOut += counts.recordsOut;
      totals.late += counts.late;
      totals.deadLetters += counts.deadLetters;
      totals.windowsOut += counts.windowsOut;
    }
  }
  return totals;
}
