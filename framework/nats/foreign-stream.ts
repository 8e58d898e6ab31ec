/**
 * Streams that are not Tidemark's own: what they say of themselves.
 *
 * Owns the few calls that sources and sinks make about a user's stream. Nothing here creates, changes or cuts one.
 */
import { nuid } from "@nats-io/nats-core";
import { refusalError, refusals } from "./api-refusal.ts";
import type { JetStreamApi } from "./api.ts";
import { bytesOf } from "./stored-message.ts";

/** The part of a user's stream that sources and sinks look at; names are the server's. */
export interface ForeignStream {
  readonly config: {
    readonly name: string;
    readonly subjects?: readonly string[];
    readonly retention: "limits" | "interest" | "workqueue";
    readonly num_replicas: number;
    readonly max_msgs_per_subject: number;
    readonly max_msg_size?: number;
    readonly no_ack?: boolean;
    readonly sealed?: boolean;
    readonly allow_atomic?: boolean;
    readonly subject_transform?: object;
  };
  /** RFC 3339, nanoseconds: with the name, the identity of this life of the stream. */
  readonly created: string;
  /** Sequence of the first message still there; `last + 1` when there is none. */
  readonly first: number;
  readonly last: number;
}

interface StreamAnswer extends Pick<ForeignStream, "config" | "created"> {
  readonly state: { readonly first_seq: number; readonly last_seq: number };
}

/** The stream as its leader has it, or undefined when there is none. @throws UNAVAILABLE, TIMEOUT, SERVER_REFUSED */
export async function findStream(api: JetStreamApi, name: string): Promise<ForeignStream | undefined> {
  const answer = await api.ask<StreamAnswer>(`STREAM.INFO.${name}`);
  if (answer.kind === "refused") {
    if (answer.refusal.err_code === refusals.streamNotFound) return undefined;
    throw refusalError(`stream ${name}`, answer.refusal);
  }
  const { config, created, state } = answer.value;
  // A stream that never held anything says 0.
  return { config, created, first: Math.max(1, state.first_seq), last: state.last_seq };
}

/** The names of the streams that take at least some of what is published to `subject`. @throws UNAVAILABLE, TIMEOUT, SERVER_REFUSED */
export async function streamsTaking(api: JetStreamApi, subject: string): Promise<readonly string[]> {
  const { streams } = await api.call<{ readonly streams?: readonly string[] | null }>(
    `streams of ${subject}`,
    "STREAM.NAMES",
    { subject },
  );
  return streams ?? [];
}

/**
 * The sequence from which on messages were stored at `time` or later; behind the last one when there are none. Asks by a consumer that delivers nothing.
 *
 * @throws UNAVAILABLE, TIMEOUT, SERVER_REFUSED
 */
export async function sequenceAt(api: JetStreamApi, stream: string, time: Date): Promise<number> {
  const name = `tm_${nuid.next()}`;
  const config = {
    name,
    ack_policy: "none",
    deliver_policy: "by_start_time",
    opt_start_time: time.toISOString(),
    max_deliver: 1,
    mem_storage: true,
    num_replicas: 1,
    inactive_threshold: 5_000_000_000,
  };
  const body = { stream_name: stream, config, action: "create" };
  const operation = `CONSUMER.CREATE.${stream}.${name}`;
  const { delivered } = await api.call<{ readonly delivered: { readonly stream_seq: number } }>(
    `find ${time.toISOString()} in stream ${stream}`,
    operation,
    body,
  );
  // It would be forgotten by itself.
  await api.ask(`CONSUMER.DELETE.${stream}.${name}`).catch(() => undefined);
  return delivered.stream_seq + 1;
}

/** The last message of a subject, as the stream's leader has it. */
export interface LastMessage {
  readonly sequence: number;
  /** The header block as it was stored; empty when there is none. */
  readonly headers: Uint8Array;
  readonly payload: Uint8Array;
}

/** The last message of `subject` in `stream`, or undefined. Asks the leader: a follower may lag. @throws UNAVAILABLE, TIMEOUT, SERVER_REFUSED */
export async function lastOf(api: JetStreamApi, stream: string, subject: string): Promise<LastMessage | undefined> {
  const answer = await api.ask<{
    readonly message: { readonly seq: number; readonly hdrs?: string; readonly data?: string };
  }>(`STREAM.MSG.GET.${stream}`, { last_by_subj: subject });
  if (answer.kind === "done") {
    const { seq, hdrs, data } = answer.value.message;
    return { sequence: seq, headers: bytesOf(hdrs ?? ""), payload: bytesOf(data ?? "") };
  }
  if (answer.refusal.err_code === refusals.messageNotFound) return undefined;
  throw refusalError(`last message of ${subject} in stream ${stream}`, answer.refusal);
}
