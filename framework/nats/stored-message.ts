/**
 * What JetStream says about a stored message: sequence and time, in the three places where it says it.
 *
 * Times are nanoseconds; they are cut to ms as text, so that every way of reading a message gives the same one.
 */
import type { Entry } from "../log/contracts.ts";
import { refusalError, refusals } from "./api-refusal.ts";
import type { JetStreamApi } from "./api.ts";

/** What the reply subject of a delivered message says of it. */
export interface Delivery {
  readonly sequence: number;
  /** How many messages the consumer has delivered with it: without a gap, whatever is missing in the stream. */
  readonly ordinal: number;
  /** Messages behind it when it was delivered. */
  readonly pending: number;
  readonly storedAtMs: number;
}

/**
 * Reads `$JS.ACK.<stream>.<consumer>.<delivered>.<sequence>.<consumer sequence>.<ns>.<pending>`, also with a domain and an account hash in front of the
 * stream; undefined when `reply` is something else.
 */
export function parseDelivery(reply: string): Delivery | undefined {
  const tokens = reply.split(".");
  const shift = tokens.length >= 11 ? 2 : 0;
  const sequence = Number(tokens[5 + shift]);
  const storedAtNs = tokens[7 + shift];
  if (storedAtNs === undefined || !(sequence > 0)) return undefined;
  const [ordinal, pending] = [Number(tokens[6 + shift]), Number(tokens[8 + shift])];
  return { sequence, ordinal, pending, storedAtMs: Number(storedAtNs.slice(0, -6)) };
}

/** Ms since the epoch of an RFC 3339 time with any number of fractional digits. */
export function msOf(rfc3339: string): number {
  return Date.parse(rfc3339.replace(/(\.\d{3})\d+/, "$1"));
}

/** A message as `STREAM.MSG.GET` answers it. */
export interface StoredMessage {
  readonly seq: number;
  readonly time: string;
  /** Base 64; absent when empty. */
  readonly data?: string;
}

/** The entry of a message read from the stream's leader. */
export function entryOf(message: StoredMessage): Entry {
  return { sequence: message.seq, storedAtMs: msOf(message.time), payload: bytesOf(message.data ?? "") };
}

/** Decodes base 64 into bytes of their own. */
export function bytesOf(base64: string): Uint8Array {
  return plainBytes(Buffer.from(base64, "base64"));
}

/** The same bytes as a plain Uint8Array: `slice` of a Buffer would not copy, and callers rely on that it does. */
export function plainBytes(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** When a message of a stream was stored, as the stream's leader has it; undefined when it is not there. @throws UNAVAILABLE, TIMEOUT */
export async function storedMsOf(api: JetStreamApi, stream: string, sequence: number): Promise<number | undefined> {
  const answer = await api.ask<{ readonly message: StoredMessage }>(`STREAM.MSG.GET.${stream}`, { seq: sequence });
  if (answer.kind === "done") return msOf(answer.value.message.time);
  if (answer.refusal.err_code === refusals.messageNotFound) return undefined;
  throw refusalError(`message ${sequence} of ${stream}`, answer.refusal);
}
