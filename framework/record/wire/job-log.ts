/**
 * Bytes of the records of the job log (`protos/tidemark/job-log.proto`).
 */
import type {
  Assignment,
  CommandRecord,
  JobLogRecord,
  LeaderStart,
  OutcomeRecord,
  SplitRecord,
  SplitsClosed,
} from "../messages.ts";
import type { Resume, SavepointEnd, SavepointRequest } from "../savepoint-record.ts";
import type { FleetOrder, QuarantineRecord } from "../fleet-records.ts";
import { instanceId } from "./instance-id.ts";
import { choice, integer, message, nested, optional, text, union } from "./message.ts";
import type { Message } from "./message.ts";
import { suspicion } from "./poison.ts";

const leaderStart = message<Omit<LeaderStart, "kind">>("LeaderStart", { worker: text(1) });

const assignment = message<Omit<Assignment, "kind">>("Assignment", {
  leader: integer(1),
  instance: nested(2, instanceId),
  worker: text(3),
  cause: choice(4, ["start", "crash", "workerLost", "release", "balance", "poison"]),
  detail: text(5),
  suspicion: optional(nested(6, suspicion)),
});

const split = message<Omit<SplitRecord, "kind">>("Split", {
  leader: integer(1),
  stage: integer(2),
  index: integer(3),
  name: text(4),
  identity: text(5),
});

const splitsClosed = message<Omit<SplitsClosed, "kind">>("SplitsClosed", { leader: integer(1), stage: integer(2) });

const command = message<Omit<CommandRecord, "kind">>("Command", {
  command: choice(1, ["stop", "restart", "drain"]),
  by: text(2),
});

const outcome = message<Omit<OutcomeRecord, "kind">>("Outcome", {
  leader: integer(1),
  outcome: choice(2, ["completed", "failed"]),
  code: text(3),
  message: text(4),
});

const savepoint = message<Omit<SavepointRequest, "kind">>("Savepoint", {
  name: text(1),
  by: text(2),
  mode: choice(3, ["resume", "stop", "hold"]),
  timeoutMs: integer(4),
});

const savepointEnd = message<Omit<SavepointEnd, "kind">>("SavepointEnd", {
  leader: integer(1),
  savepoint: integer(2),
  outcome: choice(3, ["complete", "cancelled"]),
  reason: text(4),
});

const resume = message<Omit<Resume, "kind">>("Resume", { savepoint: integer(1), by: text(2) });

const fleetOrder = message<Omit<FleetOrder, "kind">>("FleetOrder", {
  order: choice(1, ["drain", "undrain", "scale", "release"]),
  subject: text(2),
  workers: integer(3),
  by: text(4),
});

const quarantine = message<Omit<QuarantineRecord, "kind">>("Quarantine", {
  leader: integer(1),
  scope: choice(2, ["worker", "host"]),
  subject: text(3),
  evidence: text(4),
  durationMs: integer(5),
});

const jobLogRecord: Message<JobLogRecord> = union<JobLogRecord>("JobLogRecord", {
  leaderStart: { number: 1, message: leaderStart },
  assignment: { number: 2, message: assignment },
  split: { number: 3, message: split },
  splitsClosed: { number: 4, message: splitsClosed },
  command: { number: 5, message: command },
  outcome: { number: 6, message: outcome },
  savepoint: { number: 7, message: savepoint },
  savepointEnd: { number: 8, message: savepointEnd },
  resume: { number: 9, message: resume },
  fleetOrder: { number: 20, message: fleetOrder },
  quarantine: { number: 21, message: quarantine },
});

/** The bytes of a record of the job log. */
export function encodeJobLogRecord(record: JobLogRecord): Uint8Array {
  return jobLogRecord.encode(record);
}

/** The record of the job log in `bytes`. @throws CORRUPT */
export function decodeJobLogRecord(bytes: Uint8Array): JobLogRecord {
  return jobLogRecord.decode(bytes);
}
