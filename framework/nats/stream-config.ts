/**
 * How streams are configured: what is asked for, and whether what is there is that.
 *
 * Owns every option of every stream (inboxes and other logs, chunks, registers). Options are read back, because older servers accept newer ones
 * silently and operators can edit them.
 *
 * F1. Nothing is dropped silently: `discard: new`, no age, no count; only a log that says `dropOldest` drops.
 * F2. Single messages cannot be deleted from a log (`deny_delete`); it is only ever cut at its beginning.
 */
import { StreamError } from "../errors.ts";
import type { LogConfig } from "../log/contracts.ts";

/** The part of a stream's configuration that Tidemark cares about; names are the server's. */
export interface StreamConfig {
  readonly name: string;
  readonly subjects: readonly string[];
  readonly retention: "limits";
  readonly storage: "file";
  readonly discard: "new" | "old";
  readonly max_bytes: number;
  readonly max_msgs: number;
  readonly max_age: number;
  readonly max_msg_size: number;
  readonly max_msgs_per_subject: number;
  readonly max_consumers: number;
  readonly num_replicas: number;
  readonly deny_delete: boolean;
  readonly deny_purge: boolean;
  readonly allow_direct: boolean;
  readonly allow_rollup_hdrs: boolean;
  readonly compression: "none";
  readonly duplicate_window: number;
}

/** The shortest window of the server's de-duplication, which nobody uses, ns. */
const duplicateWindowNs = 100_000_000;

const unlimited = {
  retention: "limits",
  storage: "file",
  max_msgs: -1,
  max_age: 0,
  max_msg_size: -1,
  max_msgs_per_subject: -1,
  max_consumers: -1,
  deny_delete: true,
  deny_purge: false,
  allow_direct: true,
  allow_rollup_hdrs: false,
  compression: "none",
  duplicate_window: duplicateWindowNs,
} as const satisfies Partial<StreamConfig>;

/** Subject of a log: its name in lower case, "_" as ".": `TM_mon_1_IN_avg_0` is `tm.mon.1.in.avg.0`. */
export function subjectOf(logName: string): string {
  return logName.toLowerCase().replaceAll("_", ".");
}

/** A stream as it is asked for; how many copies are kept is decided for all streams of a place at once. */
export type WantedStream = Omit<StreamConfig, "num_replicas">;

/** The stream of a log. */
export function logStream(name: string, config: LogConfig): WantedStream {
  const discard = config.full === "refuse" ? "new" : "old";
  return {
    ...unlimited,
    name,
    subjects: [subjectOf(name)],
    discard,
    max_bytes: config.maxBytes,
  };
}

/** The stream of a generation's chunks: one subject per chunk. Bounded by the account alone. */
export function chunkStream(name: string): WantedStream {
  const subjects = [`${subjectOf(name)}.>`];
  return { ...unlimited, name, subjects, discard: "new", max_bytes: -1 };
}

/** The stream of a KV bucket, as every NATS client knows it; without direct reads, which may be stale. */
export function bucketStream(bucket: string): WantedStream {
  return {
    ...unlimited,
    name: `KV_${bucket}`,
    subjects: [`$KV.${bucket}.>`],
    discard: "new",
    max_bytes: -1,
    max_msgs_per_subject: 1,
    allow_direct: false,
    allow_rollup_hdrs: true,
  };
}

/** What the log was created with, read from its stream. */
export function logConfigOf(config: StreamConfig): LogConfig {
  return { maxBytes: config.max_bytes, full: config.discard === "new" ? "refuse" : "dropOldest" };
}

/**
 * Checks that the stream that is there is the one that is wanted. A larger `max_bytes` is: a refused fence has raised it (R13).
 *
 * @throws SERVER_UNSUITABLE with every option that differs
 */
export function checkStream(found: StreamConfig, wanted: WantedStream & Partial<StreamConfig>): void {
  const options = Object.keys(wanted) as (keyof typeof wanted)[];
  const differing = options.filter((option) => !isAsWanted(option, found, wanted));
  if (differing.length === 0) return;
  const list = differing.map(
    (option) => `${option} is ${JSON.stringify(found[option])}, needed is ${JSON.stringify(wanted[option])}`,
  );
  const advice = differing.includes("num_replicas") ? replicasAdvice(found.num_replicas) : "";
  throw new StreamError("SERVER_UNSUITABLE", `stream ${wanted.name}: ${list.join("; ")}${advice}`);
}

function replicasAdvice(found: number): string {
  return `: start the job with ${found} as its replicas, delete it first (tidemark delete), or change its streams while it is stopped (nats stream edit --replicas)`;
}

function isAsWanted(
  option: keyof StreamConfig,
  found: StreamConfig,
  wanted: WantedStream & Partial<StreamConfig>,
): boolean {
  if (option === "max_bytes" && wanted.max_bytes >= 0) return found.max_bytes >= wanted.max_bytes;
  // A server leaves out what is false or zero, and may shorten the window that nobody uses.
  if (option === "duplicate_window") return true;
  return JSON.stringify(found[option] ?? emptyOf(wanted[option])) === JSON.stringify(wanted[option]);
}

function emptyOf(value: unknown): unknown {
  if (typeof value === "boolean") return false;
  return typeof value === "number" ? 0 : "none";
}
