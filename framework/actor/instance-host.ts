/**
 * What instances are given by whoever hosts them: a worker, or the thread of one on probation.
 *
 * Owns how it is put together from the parts that they have in common.
 */
import type { Log } from "../log/contracts.ts";
import type { Split } from "../log/source.ts";
import type { Platform } from "../platform/platform.ts";
import type { JobLogView } from "../protocol/job-log.ts";
import type { ControlSender } from "./control-sender.ts";
import type { InstanceHost, Reporter } from "./host.ts";
import type { JobLogTail } from "./job-log-tail.ts";
import type { LaneSet } from "./lane-set.ts";
import type { LogDirectory } from "./log-directory.ts";
import type { InstanceOrigin } from "./origin.ts";
import { patientBlobs, patiently } from "./patience.ts";
import { refusingBlobs } from "./savepoint-copy.ts";
import type { WorkerJob } from "./worker-job.ts";

/** The parts. */
export interface HostParts extends Pick<InstanceHost, "probe" | "marks" | "watchStep" | "hasManualWatermarks"> {
  readonly platform: Platform;
  readonly job: WorkerJob;
  readonly tail: JobLogTail;
  readonly lanes: LaneSet;
  readonly directory: LogDirectory;
  readonly controls: ControlSender;
  onChanged(instance: Reporter): void;
}

/** What an instance is given. */
export function instanceHost(parts: HostParts): InstanceHost {
  const { platform, job, tail, lanes, directory, controls, probe, marks, watchStep, hasManualWatermarks } = parts;
  const { plan, names, registers } = job;
  const { view } = tail;
  return {
    platform,
    plan,
    names,
    registers,
    probe,
    marks,
    watchStep,
    hasManualWatermarks,
    blobs: (isOver) => patientBlobs(platform, job.blobs, plan.options.replicas, isOver),
    ends: { cluster: job.cluster, logger: platform.logger },
    startedMs: tail.createdMs,
    codeVersion: plan.version,
    findLane: (to, partition) => lanes.find(to, partition),
    openInbox: (stage, partition) => directory.openAgain(inboxName(job, stage, partition)),
    openIngress: (stage, split) => directory.open(names.ingress(plan.stages[stage]?.name ?? "", split)),
    appendControl: (stage, partition, payload, repeatable) => controls.append(stage, partition, payload, repeatable),
    originOf: ({ stage, partition }) => originOf(platform, job, stage, partition, view.split(stage, partition)),
    splitOf: (stage, index) => view.split(stage, index),
    get isHeld() {
      return job.isSuccessor === true && !view.hasBegun;
    },
    assignsAt: (sequence, instance) => tail.assignsAt(sequence, instance),
    skipsOf: (instance) => view.skips(instance),
    get isDraining() {
      return view.isDraining;
    },
    savepoints: view,
    openSavepoints: async (isOver) => {
      const open = () => job.seams.savepoints(plan.job);
      const blobs = refusingBlobs(await patiently(platform, "savepoints", open, isOver));
      return patientBlobs(platform, blobs, plan.options.replicas, isOver);
    },
    onChanged: (instance) => parts.onChanged(instance),
  };
}

/** Waited for as any other chunk is: a store that cannot be reached for a while is no failure of the instance. */
async function originOf(
  platform: Platform,
  { plan, origin }: WorkerJob,
  index: number,
  partition: number,
  split: Split | undefined,
): Promise<InstanceOrigin | undefined> {
  const stage = plan.stages[index];
  if (origin === undefined || stage === undefined) return undefined;
  return patiently(platform, `savepoint ${origin.origin.name}`, () => origin.of(plan, stage, partition, split));
}

/** Opens an inbox as it was when it was opened first. */
export function openInbox(directory: LogDirectory, job: WorkerJob, stage: number, partition: number): Promise<Log> {
  return directory.open(inboxName(job, stage, partition));
}

/** More are not opened ahead. */
const aheadMax = 256;

/**
 * Opens the inboxes of a job that is at work, for a worker that has just joined it: what moves here claims sooner, and speaks sooner. One that cannot be opened is
 * opened when it is needed.
 */
export function openAhead(directory: LogDirectory, job: WorkerJob, view: JobLogView): void {
  const assigned = [...view.assignments()].filter(
    ({ instance }) => job.plan.stages[instance.stage]?.source === undefined,
  );
  for (const { instance } of assigned.slice(0, aheadMax))
    openInbox(directory, job, instance.stage, instance.partition).catch(() => undefined);
}

function inboxName({ names, plan }: WorkerJob, stage: number, partition: number): string {
  return names.inbox(plan.stages[stage]?.name ?? "", partition);
}
