/**
 * Bytes of savepoints (`protos/tidemark/savepoint.proto`): the register of a name, and the index.
 *
 * Whether an index's format is one this version reads is for its reader to decide: the number is field 1, for ever.
 */
import type {
  SavepointEdge,
  SavepointIndex,
  SavepointInstance,
  SavepointRecord,
  SavepointStage,
  SavepointState,
} from "../savepoint-record.ts";
import { choice, double, flag, integer, message, nested, optional, repeated, text } from "./message.ts";
import { chunkRef } from "./snapshot.ts";

const savepointRecord = message<SavepointRecord>("SavepointRecord", {
  generation: integer(1),
  savepoint: integer(2),
  leader: integer(3),
  state: choice(4, ["open", "complete", "cancelled"]),
  reason: text(5),
  index: repeated(nested(6, chunkRef)),
  atMs: integer(7),
  bytes: integer(8),
});

const state = message<SavepointState>("SavepointState", {
  operator: text(1),
  name: text(2),
  kind: text(3),
  version: integer(4),
});

const split = message<{ readonly name: string; readonly identity: string }>("SavepointSplit", {
  name: text(1),
  identity: text(2),
});

const instance = message<SavepointInstance>("SavepointInstance", {
  partition: integer(1),
  split: optional(nested(2, split)),
  manifest: repeated(nested(3, chunkRef)),
});

const stage = message<SavepointStage>("SavepointStage", {
  name: text(1),
  partitions: integer(2),
  isSource: flag(3),
  states: repeated(nested(4, state)),
  instances: repeated(nested(5, instance)),
});

const edge = message<SavepointEdge>("SavepointEdge", {
  name: text(1),
  from: text(2),
  to: text(3),
  watermark: double(4),
});

const savepointIndex = message<SavepointIndex>("SavepointIndex", {
  format: integer(1),
  name: text(2),
  job: text(3),
  generation: integer(4),
  savepoint: integer(5),
  atMs: integer(6),
  by: text(7),
  plan: text(8),
  planHash: text(9),
  version: text(10),
  runtimeVersion: text(11),
  stages: repeated(nested(12, stage)),
  edges: repeated(nested(13, edge)),
});

/** The bytes of the register of a savepoint's name. */
export function encodeSavepointRecord(record: SavepointRecord): Uint8Array {
  return savepointRecord.encode(record);
}

/** The register of a savepoint's name in `bytes`. @throws CORRUPT */
export function decodeSavepointRecord(bytes: Uint8Array): SavepointRecord {
  return savepointRecord.decode(bytes);
}

/** The bytes of an index. */
export function encodeSavepointIndex(index: SavepointIndex): Uint8Array {
  return savepointIndex.encode(index);
}

/** The index in `bytes`. @throws CORRUPT */
export function decodeSavepointIndex(bytes: Uint8Array): SavepointIndex {
  return savepointIndex.decode(bytes);
}
