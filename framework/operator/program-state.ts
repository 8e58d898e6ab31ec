/**
 * What a stage instance is, apart from its channels: the parts of a snapshot that its program knows.
 *
 * Owns the bytes of what lies outside of keyed state: the next timer's number, and each operator's own state.
 */
import { StreamError } from "../errors.ts";
import { defaultCodec } from "../record/default-codec.ts";
import type { Counts } from "../record/messages.ts";
import type { Adoption } from "../state/adoption.ts";
import { stateOfColumn } from "../state/namespace.ts";
import type { Column } from "../state/segment-codec.ts";
import type { EncodedSegment } from "../state/segment-cut.ts";
import type { StoredSegment } from "../state/store.ts";

/** A stage instance at one instant; its keyed state is encoded in slices. */
export interface StateCut {
  readonly nowMs: number;
  /** State of the random numbers. */
  readonly random: number;
  readonly counts: Counts;
  /** The last watermark that has been applied. */
  readonly watermark: number;
  /** State outside of keyed state. */
  readonly operators: Uint8Array;
  /** Encodes changed segments until about `bytesMax` are written; answers whether all are done. Called between turns. */
  encodeSome(bytesMax: number): boolean;
  /** The segments that have changed since the previous cut; called when `encodeSome` has answered true. */
  segments(): readonly EncodedSegment[];
  /** No snapshot is made of it: the next cut has its segments too. */
  discard(): void;
}

/** A stage instance as a snapshot has it. */
export interface SavedState {
  /** All segments, not only those of the last cut. */
  readonly segments: Iterable<StoredSegment>;
  readonly nowMs: number;
  readonly random: number;
  readonly counts: Counts;
  readonly watermark: number;
  readonly operators: Uint8Array;
}

/** One kind of state that a program keeps. */
export interface ProgramState {
  readonly operator: string;
  /** `last`, `timers/event`, `windows`, `window/seen`, `rules`; empty for what an operator keeps for itself. */
  readonly name: string;
  /** `value`, `map (ttl in event time)`, `average tumbling 5m` … */
  readonly kind: string;
  /** Version of its schema, and the oldest that there is a way from. */
  readonly version: number;
  readonly oldest: number;
}

/** The states of a column: itself, and what is declared within it. */
export function statesOfColumn({
  name: column,
  form,
  version,
  oldest = 1,
  parts = [],
}: Column): readonly ProgramState[] {
  const { operator, name } = stateOfColumn(column);
  const inner = parts.map((part) => ({
    operator,
    name: `window/${part.name}`,
    kind: part.form,
    version: part.version,
    oldest: part.oldest ?? 1,
  }));
  return [{ operator, name, kind: form, version, oldest }, ...inner];
}

/** A stage instance as it goes on from a savepoint, of this number of instances or another. */
export interface AdoptedState extends Pick<Adoption, "isOwn" | "fateOf"> {
  /** In the order of their partitions. */
  readonly instances: readonly Pick<SavedState, "segments" | "operators">[];
  readonly nowMs: number;
  /** Undefined: as in a new job. */
  readonly random: number | undefined;
  readonly counts: Counts;
  /** The last watermark that all of them have applied. */
  readonly watermark: number;
}

/** State outside of keyed state. */
export interface OperatorsState {
  readonly nextTimerNumber: number;
  /** By operator name. */
  readonly states: readonly (readonly [name: string, state: unknown])[];
}

/** State of an operator of which a part is bytes already, as many as there are: they are written as they are. */
export class Attached {
  readonly state: unknown;
  readonly bytes: Uint8Array;

  constructor(state: unknown, bytes: Uint8Array) {
    this.state = state;
    this.bytes = bytes;
  }
}

/** No value of the default codec begins with it: attached bytes follow. */
const attachedMarker = 0xc1;
const headBytes = 5;

/** As bytes of the default codec, with what is attached behind them. */
export function encodeOperators({ nextTimerNumber, states }: OperatorsState): Uint8Array {
  const attached = states.map(([, state]) => (state instanceof Attached ? state.bytes : undefined));
  if (attached.every((bytes) => bytes === undefined)) return defaultCodec.encode([nextTimerNumber, states]);
  const plain = states.map(([name, state]) => [name, state instanceof Attached ? state.state : state] as const);
  const lengths = attached.map((bytes) => bytes?.byteLength ?? -1);
  const body = defaultCodec.encode([nextTimerNumber, plain, lengths]);
  const out = new Uint8Array(
    attached.reduce((sum, bytes) => sum + (bytes?.byteLength ?? 0), headBytes + body.byteLength),
  );
  out[0] = attachedMarker;
  new DataView(out.buffer).setUint32(1, body.byteLength);
  out.set(body, headBytes);
  let at = headBytes + body.byteLength;
  for (const bytes of attached) {
    if (bytes === undefined) continue;
    out.set(bytes, at);
    at += bytes.byteLength;
  }
  return out;
}

/** What `encodeOperators` wrote. @throws CORRUPT when it is something else */
export function decodeOperators(bytes: Uint8Array): OperatorsState {
  if (bytes[0] !== attachedMarker) return stateOf(decode(bytes), 2);
  if (bytes.byteLength < headBytes) throw corrupt("it ends in its head");
  const begin = headBytes + new DataView(bytes.buffer, bytes.byteOffset).getUint32(1);
  const value = decode(bytes.subarray(headBytes, begin));
  const { nextTimerNumber, states } = stateOf(value, 3);
  const [, , lengths] = value as [unknown, unknown, unknown];
  return { nextTimerNumber, states: attach(states, lengths, bytes.subarray(begin)) };
}

function attach(states: OperatorsState["states"], lengths: unknown, bytes: Uint8Array): OperatorsState["states"] {
  if (!Array.isArray(lengths) || lengths.length !== states.length) throw corrupt("it does not say what is attached");
  let at = 0;
  const whole = states.map(([name, state], index): readonly [string, unknown] => {
    const length: unknown = lengths[index];
    if (!Number.isSafeInteger(length)) throw corrupt("it does not say how much is attached");
    if ((length as number) < 0) return [name, state];
    at += length as number;
    return [name, new Attached(state, bytes.subarray(at - (length as number), at))];
  });
  if (at !== bytes.byteLength) throw corrupt(`${bytes.byteLength} bytes are attached, expected ${at}`);
  return whole;
}

function stateOf(value: unknown, parts: number): OperatorsState {
  if (!Array.isArray(value) || value.length !== parts) throw corrupt(`it has not ${parts} parts`);
  const [nextTimerNumber, states]: unknown[] = value;
  if (!Number.isSafeInteger(nextTimerNumber)) throw corrupt(`the next timer's number is ${String(nextTimerNumber)}`);
  if (!Array.isArray(states) || !states.every(isNamedState)) throw corrupt("it names no operators");
  return { nextTimerNumber: nextTimerNumber as number, states };
}

function decode(bytes: Uint8Array): unknown {
  try {
    return defaultCodec.decode(bytes);
  } catch (error) {
    throw StreamError.is(error, "CORRUPT") ? error : corrupt(String(error));
  }
}

function isNamedState(value: unknown): value is readonly [string, unknown] {
  return Array.isArray(value) && value.length === 2 && typeof value[0] === "string";
}

function corrupt(reason: string): StreamError {
  return new StreamError("CORRUPT", `the state of the stage's operators is not as it was written: ${reason}`);
}
