/**
 * When a job is complete.
 *
 * Owns the question only; the answer becomes true for everybody when the leader has written it into the job log.
 *
 * C1. Every source knows all its splits.
 * C2. Every instance is finished, by a report of the epoch that the job log names: an older incarnation finishes nothing (R4).
 */
import type { InstanceId, Report } from "../record/messages.ts";
import type { JobLogView, StageShape } from "./job-log.ts";

/** What completion is decided on. */
export interface CompletionFacts {
  readonly stages: readonly StageShape[];
  readonly view: JobLogView;
  /** The newest report of an instance. */
  readonly reportOf: (id: InstanceId) => Report | undefined;
}

/** Whether everything has been read, fired and committed. */
export function isComplete({ stages, view, reportOf }: CompletionFacts): boolean {
  return stages.every((stage) => isStageComplete(stage, view, reportOf));
}

function isStageComplete(stage: StageShape, view: JobLogView, reportOf: CompletionFacts["reportOf"]): boolean {
  if (stage.source !== undefined && !view.isClosed(stage.index)) return false;
  return view.instancesOf(stage).every((instance) => {
    const report = reportOf(instance);
    return report?.activity === "finished" && report.epoch === view.assignment(instance)?.epoch;
  });
}
