/**
 * Bytes of the job's own register (`protos/tidemark/job.proto`).
 */
import type { JobRecord, Origin } from "../snapshot-record.ts";
import { choice, integer, message, nested, optional, positive, repeated, text } from "./message.ts";
import { chunkRef } from "./snapshot.ts";

const origin = message<Origin>("Origin", {
  name: text(1),
  generation: integer(2),
  savepoint: integer(3),
  index: repeated(nested(4, chunkRef)),
  allowMissing: repeated(text(5)),
  allowUnknown: repeated(text(6)),
});

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
  origin: optional(nested(10, origin)),
});

/** The bytes of the job's register. */
export function encodeJobRecord(record: JobRecord): Uint8Array {
  return jobRecord.encode(record);
}

/** The job's register in `bytes`. @throws CORRUPT */
export function decodeJobRecord(bytes: Uint8Array): JobRecord {
  return jobRecord.decode(bytes);
}
