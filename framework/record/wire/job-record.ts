/**
 * Bytes of the job's own register (`protos/tidemark/job.proto`).
 */
import type { JobRecord } from "../snapshot-record.ts";
import { choice, integer, message, positive, text } from "./message.ts";

const jobRecord = message<JobRecord>("JobRecord", {
  generation: integer(1),
  plan: text(2),
  planHash: text(3),
  version: text(4),
  state: choice(5, ["running", "failed", "completed", "stopped", "deleting"]),
  message: text(6),
  position: integer(7),
  logCreatedMs: integer(8),
  resumed: positive(9),
});

/** The bytes of the job's register. */
export function encodeJobRecord(record: JobRecord): Uint8Array {
  return jobRecord.encode(record);
}

/** The job's register in `bytes`. @throws CORRUPT */
export function decodeJobRecord(bytes: Uint8Array): JobRecord {
  return jobRecord.decode(bytes);
}
