/**
 * A job's status as text.
 */
import type { InstanceStatus, JobStatus } from "../actor/job-status.ts";
import { formatDuration } from "../time/duration.ts";
import { bytesText, counted, table, timeText } from "./table.ts";

/** Restarts that are shown; `--json` has all that are known. */
const outagesShown = 10;

const standings = { open: "", warming: "warming up", quarantine: "in quarantine", drained: "drained" } as const;

/** The status for people, as of `nowMs`. */
export function statusText(status: JobStatus, nowMs: number): string {
  const parts = [
    headText(status),
    workersText(status),
    instancesText(status, nowMs),
    totalsText(status),
    quarantinesText(status),
    outagesText(status),
    status.warnings.map((warning) => `warning: ${warning}`).join("\n"),
  ];
  return parts.filter((part) => part !== "").join("\n\n");
}

function headText({ job, generation, state, leader, lastFailure, savepoint }: JobStatus): string {
  const led =
    leader === "none" ? "leader: none; as of the last snapshots" : `leader ${leader.worker}, epoch ${leader.epoch}`;
  const failure = lastFailure === "" ? "" : `\nlast failure: ${lastFailure}`;
  return `job ${job}, generation ${generation}: ${state} (${led})${failure}${savepointText(savepoint)}`;
}

function savepointText(savepoint: JobStatus["savepoint"]): string {
  if (savepoint === undefined) return "";
  const { name, by, state, instances, frozen, copied } = savepoint;
  const progress =
    state === "held"
      ? "complete and held: nothing moves until it is followed up"
      : `${frozen} of ${counted(instances, "instance")} frozen, ${copied} copied`;
  return `\nsavepoint ${name}, by ${by}: ${progress}`;
}

function workersText({ workers }: JobStatus): string {
  if (workers.length === 0) return "no worker is alive";
  const rows = workers.map((each) => {
    const { worker, host, processId, instances, isLeader, isLeaving, standing, busy, loopShare, capacity, zone } = each;
    const roles = [
      isLeader ? "leads" : "",
      isLeaving ? "leaving" : "",
      standings[standing],
      instances === 0 ? "idle" : "",
    ];
    const load = `${busy.toFixed(2)} cores`;
    const role = roles.filter((one) => one !== "").join(", ");
    return [
      worker,
      host,
      zone || "-",
      String(processId),
      String(instances),
      load,
      percentText(loopShare),
      String(capacity),
      role,
    ];
  });
  return table(["WORKER", "HOST", "ZONE", "PROCESS", "INSTANCES", "TURNS", "LOOP", "CAPACITY", ""], rows);
}

const instanceHead = ["INSTANCE", "STATE", "WORKER", "EPOCH", "WATERMARK", "LAG", "RESTARTS", "SNAPSHOT", "TURN P99"];

function instancesText({ instances }: JobStatus, nowMs: number): string {
  return instances.length === 0
    ? "no instances yet"
    : table(
        instanceHead,
        instances.map((each) => rowOf(each, nowMs)),
      );
}

function rowOf(instance: InstanceStatus, nowMs: number): string[] {
  const { name, state, worker, epoch, watermark, lag, restarts, snapshotAt, snapshotBytes, turnP99Ms, failure } =
    instance;
  const age =
    snapshotAt === 0 ? "-" : `${secondsText(Math.max(0, nowMs - snapshotAt))} ago, ${bytesText(snapshotBytes)}`;
  const apart = instance.isOnProbation ? `${state}, on probation` : state;
  const what = failure === "" ? apart : `${apart}: ${failure}`;
  const p99 = `${turnP99Ms.toFixed(1)} ms`;
  return [name, what, worker || "-", String(epoch), timeText(watermark), String(lag), String(restarts), age, p99];
}

function totalsText({ totals }: JobStatus): string {
  const { recordsIn, windowsOut, late, deadLetters, restarts } = totals;
  return `${counted(recordsIn, "record")} in, ${counted(windowsOut, "window")} out, ${late} late, ${counted(deadLetters, "dead letter")}, ${counted(restarts, "restart")}`;
}

/** What is in quarantine, as text; empty when nothing is. */
export function quarantinesText({ quarantines }: Pick<JobStatus, "quarantines">): string {
  if (quarantines.length === 0) return "";
  const rows = quarantines.map(({ scope, subject, sinceMs, untilMs, times, evidence }) => {
    return [`${scope} ${subject}`, timeText(sinceMs), timeText(untilMs), String(times), evidence];
  });
  return table(["IN QUARANTINE", "SINCE", "UNTIL", "TIMES", "EVIDENCE"], rows);
}

function outagesText({ outages }: JobStatus): string {
  if (outages.length === 0) return "";
  const rows = outages.slice(-outagesShown).map(({ at, instance, cause, downMs, detail }) => {
    return [timeText(at), instance, cause, downMs === undefined ? "-" : `${Math.round(downMs)} ms`, detail];
  });
  return table(["AT", "INSTANCE", "CAUSE", "DOWN", ""], rows);
}

function percentText(share: number): string {
  return `${Math.round(share * 100)}%`;
}

function secondsText(ms: number): string {
  return formatDuration(Math.round(ms / 1_000) * 1_000);
}
