/**
 * What a row's message says of itself: whose row it is, and which.
 *
 * Owns the headers. A reader may use them (each row of a writer has a number of its own); a writer that comes after a crash must.
 */
import { type MsgHdrs, headers } from "@nats-io/nats-core";
import type { SinkIdentity, SinkRow } from "../log/sink.ts";

/** The headers of a row: all but the timestamp are always there. */
export const rowHeaders = {
  job: "Tidemark-Job",
  /** `<generation>@<beginning of this life of the job, ms since the epoch>` */
  life: "Tidemark-Life",
  /** `<stage>/<partition>/<sink>` */
  writer: "Tidemark-Writer",
  /** Number of the row within its writer; grows by 1, except for rows that were refused. */
  number: "Tidemark-Number",
  /** Event time of the row, ms since the epoch. */
  timestamp: "Tidemark-Timestamp",
} as const;

const messageId = "Nats-Msg-Id";
const expectedSequence = "Nats-Expected-Last-Subject-Sequence";

/** Whose row a message is, read from its headers. */
export interface RowId {
  readonly job: string;
  readonly generation: number;
  readonly startedMs: number;
  readonly writer: string;
  readonly number: number;
}

/** `averages/3/out`: the writer of an identity. */
export function writerOf({ stage, partition, sink }: SinkIdentity): string {
  return `${stage}/${partition}/${sink}`;
}

/** The headers of a row, without what fences it. */
export function headersOf(identity: SinkIdentity, { number, timestamp }: SinkRow): MsgHdrs {
  const { job, generation, startedMs } = identity;
  const made = headers();
  made.set(rowHeaders.job, job);
  made.set(rowHeaders.life, `${generation}@${startedMs}`);
  made.set(rowHeaders.writer, writerOf(identity));
  made.set(rowHeaders.number, String(number));
  if (timestamp !== undefined) made.set(rowHeaders.timestamp, String(timestamp));
  return made;
}

/** Has the message refused unless the last one of its subject is at `sequence` (0: there is none). */
export function fence(made: MsgHdrs, sequence: number): void {
  made.set(expectedSequence, String(sequence));
}

/** Lets the server drop a repetition within its window: a second belt, behind the fence. */
export function identify(made: MsgHdrs, identity: SinkIdentity, { number }: SinkRow): void {
  const { job, generation, startedMs } = identity;
  made.set(messageId, `${job}/${generation}@${startedMs}/${writerOf(identity)}/${number}`);
}

/** The headers of a batch: all of it is stored, or nothing. */
export function batch(made: MsgHdrs, id: string, position: number, isLast: boolean): void {
  made.set("Nats-Batch-Id", id);
  made.set("Nats-Batch-Sequence", String(position));
  if (isLast) made.set("Nats-Batch-Commit", "1");
}

/** Whose row a stored message is; undefined when no sink of Tidemark has written it. */
export function rowIdOf(block: Uint8Array): RowId | undefined {
  const lines = Buffer.from(block).toString("utf8").split("\r\n");
  const found = new Map(
    lines.map((line) => [line.slice(0, line.indexOf(":")), line.slice(line.indexOf(":") + 1).trim()]),
  );
  const [job, writer] = [found.get(rowHeaders.job), found.get(rowHeaders.writer)];
  const [, generation, startedMs] = /^(\d+)@(\d+)$/.exec(found.get(rowHeaders.life) ?? "") ?? [];
  const number = Number(found.get(rowHeaders.number) ?? "none");
  if (job === undefined || writer === undefined || generation === undefined || !Number.isSafeInteger(number))
    return undefined;
  return { job, generation: Number(generation), startedMs: Number(startedMs), writer, number };
}
