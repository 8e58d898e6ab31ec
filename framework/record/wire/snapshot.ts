/**
 * Bytes of pointers and manifests (`protos/tidemark/snapshot.proto`).
 *
 * Whether a manifest's format is one this version reads is for the reader of snapshots to decide: its number is field 1, for ever.
 */
import type {
  ChannelInState,
  ChannelOutState,
  ChunkRef,
  EdgeState,
  Manifest,
  NumberRange,
  Pointer,
  SegmentState,
  SinkState,
  SnapshotRef,
} from "../snapshot-record.ts";
import { counts } from "./counts.ts";
import {
  bits32,
  bytes,
  double,
  flag,
  integer,
  message,
  nested,
  optional,
  positive,
  repeated,
  text,
} from "./message.ts";
import type { Message } from "./message.ts";
import { skip } from "./poison.ts";

/** A chunk, where something else names one. */
export const chunkRef: Message<ChunkRef> = message<ChunkRef>("ChunkRef", {
  name: text(1),
  length: integer(2),
  sha256: text(3),
  offset: integer(4),
});

const snapshotRef = message<SnapshotRef>("SnapshotRef", {
  sequence: integer(1),
  manifest: repeated(nested(2, chunkRef)),
});

const pointer = message<Pointer>("Pointer", {
  token: text(1),
  epoch: integer(2),
  identity: text(3),
  current: optional(nested(4, snapshotRef)),
  previous: optional(nested(5, snapshotRef)),
  skips: repeated(nested(6, skip)),
});

const channelOut = message<ChannelOutState>("ChannelOut", {
  edge: integer(1),
  to: integer(2),
  last: integer(3),
  check: bits32(4),
});

const channelIn = message<ChannelInState>("ChannelIn", {
  edge: integer(1),
  from: integer(2),
  epoch: integer(3),
  last: integer(4),
  check: bits32(5),
});

const edge = message<EdgeState>("Edge", {
  edge: integer(1),
  watermark: double(2),
  isIdle: flag(3),
  epoch: integer(4),
  n: integer(5),
  drained: positive(6),
});

const sink = message<SinkState>("Sink", {
  sink: text(1),
  last: integer(2),
  prepared: repeated(bytes(3)),
  refused: integer(4),
});

const numberRange = message<NumberRange>("NumberRange", { first: integer(1), last: integer(2) });

const segment = message<SegmentState>("Segment", { segment: integer(1), chunks: repeated(nested(2, chunkRef)) });

const manifest = message<Manifest>("Manifest", {
  format: integer(1),
  generation: integer(2),
  stage: text(3),
  partition: integer(4),
  sequence: integer(5),
  epoch: integer(6),
  codeVersion: text(7),
  runtimeVersion: text(8),
  anchor: bits32(9),
  storedAtMs: double(10),
  leader: integer(11),
  watermark: double(12),
  nowMs: double(13),
  random: double(14),
  channelsIn: repeated(nested(15, channelIn)),
  channelsOut: repeated(nested(16, channelOut)),
  edges: repeated(nested(17, edge)),
  sinks: repeated(nested(18, sink)),
  segments: repeated(nested(19, segment)),
  operators: bytes(20),
  counts: nested(21, counts),
  redelivered: repeated(nested(22, numberRange)),
});

/** The bytes of a pointer. */
export function encodePointer(value: Pointer): Uint8Array {
  return pointer.encode(value);
}

/** The pointer in `bytes`. @throws CORRUPT */
export function decodePointer(from: Uint8Array): Pointer {
  return pointer.decode(from);
}

/** The bytes of a manifest. */
export function encodeManifest(value: Manifest): Uint8Array {
  return manifest.encode(value);
}

/** The manifest in `bytes`. @throws CORRUPT */
export function decodeManifest(from: Uint8Array): Manifest {
  return manifest.decode(from);
}
