/**
 * A job's status for somebody who is no worker of it: from its leader, or else from what it has written down.
 *
 * Owns the second way: job log, pointers and the snapshots they name. It is never newer than the last snapshot, and says so: `leader: "none"`.
 */
import { noCounts } from "../actor/instance-meter.ts";
import { JobBus } from "../actor/job-bus.ts";
import { lastFailureOf, noLoad, type InstanceStatus, type JobStatus } from "../actor/job-status.ts";
import { SnapshotStore } from "../actor/snapshot-store.ts";
import { StreamError } from "../errors.ts";
import { JobNames } from "../log/names.ts";
import { stagesIn } from "../plan/plan-text.ts";
import { JobLogView, type StageShape } from "../protocol/job-log.ts";
import type { Announcement, InstanceId } from "../record/messages.ts";
import type { Manifest, Pointer } from "../record/snapshot-record.ts";
import { decodePointer } from "../record/wire/snapshot.ts";
import { findJob, type Administrator, type FoundJob } from "./administrator.ts";
import { readJob } from "./job-reading.ts";
import { callRoll } from "./roll-call.ts";

/** Pointers that are read at a time. */
const atOnce = 32;

/** What stops nobody from reading what is written down. */
const unanswered = ["NO_RESPONDERS", "TIMEOUT", "UNAVAILABLE", "SERVER_REFUSED"] as const;

/** The job called `job` at the moment. @throws NOT_FOUND naming the jobs that there are */
export async function lookAtJob(administrator: Administrator, job: string): Promise<JobStatus> {
  const found = await findJob(administrator, job);
  const names = new JobNames(job, found.record.generation);
  try {
    return await new JobBus(administrator.seams.bus, names).status();
  } catch (error) {
    if (!unanswered.some((code) => StreamError.is(error, code))) throw error;
    return readStatus(administrator, found, names);
  }
}

/** An instance as the job log and the plan know it. */
interface WrittenInstance {
  readonly id: InstanceId;
  readonly stage: string;
}

async function readStatus(administrator: Administrator, found: FoundJob, names: JobNames): Promise<JobStatus> {
  const [workers, reading] = await Promise.all([callRoll(administrator, names), readJob(administrator, names)]);
  const view = reading?.view ?? new JobLogView();
  reading?.close();
  const stages = stagesIn(found.record.plan);
  const written = stages.flatMap((stage) => view.instancesOf(stage).map((id) => ({ id, stage: stage.name })));
  const instances: InstanceStatus[] = [];
  for (let at = 0; at < written.length; at += atOnce) {
    const some = written.slice(at, at + atOnce);
    instances.push(...(await Promise.all(some.map((each) => readInstance(administrator, found, names, view, each)))));
  }
  // A job log that has nothing to say of an end may be one that could not be followed to it.
  const recorded = found.record.state === "deleting" ? "stopped" : found.record.state;
  const state = view.isOver ? view.life.state : recorded;
  return {
    job: names.job,
    generation: names.generation,
    leader: "none",
    state,
    lastFailure: lastFailureOf(view) || found.record.message,
    workers: workers.map((announcement) => workerOf(administrator, view, announcement)),
    instances,
    watermarks: {},
    totals: totalsOf(stages, instances, view),
    quarantines: view.fleet.quarantinesAt(administrator.platform.clock.now()),
    outages: view.moves.map(({ instance, epoch, worker, cause, detail, storedAtMs }) => ({
      instance: `${stages[instance.stage]?.name ?? instance.stage}/${instance.partition}`,
      epoch,
      worker,
      cause,
      detail,
      at: storedAtMs,
      downMs: undefined,
    })),
    warnings: [],
  };
}

function workerOf(
  { platform }: Administrator,
  view: JobLogView,
  announcement: Announcement,
): JobStatus["workers"][number] {
  const { worker, host, processId, capacity, zone, loopShare, unstoredMs, isLeaving, isWarming, nowMs } = announcement;
  const instances = [...view.assignments()].filter((assignment) => assignment.worker === worker).length;
  const clockAheadMs = nowMs - platform.clock.now();
  const standing = view.fleet.drained.has(worker) ? "drained" : "open";
  const told = { worker, host, processId, capacity, zone, loopShare, unstoredMs, isLeaving, isWarming, clockAheadMs };
  return { ...told, standing, isLeader: false, instances, busy: 0 };
}

async function readInstance(
  administrator: Administrator,
  { registers, holdings }: FoundJob,
  names: JobNames,
  view: JobLogView,
  { id, stage }: WrittenInstance,
): Promise<InstanceStatus> {
  const stored = await registers.get(names.pointer(stage, id.partition));
  const pointer = stored === undefined ? undefined : decodePointer(stored.value);
  const hasChunks = holdings.some(({ owner }) => owner.holds === "chunks" && owner.generation === names.generation);
  const manifest = hasChunks ? await readManifest(administrator, names, stage, id, pointer) : undefined;
  const assignment = view.assignment(id);
  return {
    ...noLoad,
    name: `${stage}/${id.partition}`,
    worker: assignment?.worker ?? "",
    epoch: assignment?.epoch ?? pointer?.epoch ?? 0,
    state: "unknown",
    position: pointer?.current?.sequence ?? 0,
    watermark: manifest?.watermark ?? -Infinity,
    activity: "unknown",
    snapshot: pointer?.current?.sequence ?? 0,
    restarts: view.crashes(id).length,
    failure: "",
    isOnProbation: assignment?.suspicion?.isOnProbation ?? false,
    skips: view.skips(id).length,
    counts: manifest?.counts ?? noCounts,
  };
}

/** The snapshot that a pointer names; undefined where there is none, or it is being replaced while one reads. */
export async function readManifest(
  { seams }: Administrator,
  names: JobNames,
  stage: string,
  { partition }: Pick<InstanceId, "partition">,
  pointer: Pointer | undefined,
): Promise<Manifest | undefined> {
  if (pointer?.current === undefined) return undefined;
  try {
    const blobs = await seams.blobs(names.job, names.generation);
    return await new SnapshotStore(blobs, { stage, partition, epoch: pointer.epoch }).getManifest(pointer.current);
  } catch {
    return undefined;
  }
}

/** Records in are counted at the sources; everything else wherever it arises. */
function totalsOf(
  stages: readonly (StageShape & { readonly name: string })[],
  instances: readonly InstanceStatus[],
  view: JobLogView,
): JobStatus["totals"] {
  const sources = new Set(stages.filter(({ source }) => source !== undefined).map(({ name }) => name));
  const totals = { ...noCounts, restarts: view.restarts };
  for (const { name, counts } of instances) {
    if (sources.has(name.slice(0, name.indexOf("/")))) totals.recordsIn += counts.recordsIn;
    totals.recordsOut += counts.recordsOut;
    totals.late += counts.late;
    totals.deadLetters += counts.deadLetters;
    totals.windowsOut += counts.windowsOut;
  }
  return totals;
}
