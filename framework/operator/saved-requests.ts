/**
 * Pending requests as the state of an operator: columns of bytes, because there may be very many of them, and a cut is instant (R6).
 *
 * S1. What is read is what was written, in the same order; anything else is CORRUPT, with the operator named.
 */
import { StreamError } from "../errors.ts";
import type { CallResult } from "../record/messages.ts";
import type { Key } from "../record/key.ts";
import type { Request } from "./calls.ts";
import { Attached } from "./program-state.ts";

/** A request, or a watermark that stays behind those before it. */
export type SavedPlace = Request | { readonly watermark: number };

/** What a list of pending requests consists of. */
export interface SavedRequests {
  readonly passed: number;
  readonly places: readonly SavedPlace[];
}

const numbersPerRequest = 4;
const bytesPerRequest = numbersPerRequest * Float64Array.BYTES_PER_ELEMENT;

type SavedResult = readonly [at: number, length: number, code: string, reason: string, stack: string];
type SavedBarrier = readonly [before: number, watermark: number];

/** The state; attached are numbers, records and results, one behind the other. */
export function saveRequests({ passed, places }: SavedRequests): Attached {
  const requests = places.filter((place): place is Request => !("watermark" in place));
  const keys = requests.some(({ key }) => key !== undefined) ? requests.map(({ key }) => key) : [];
  const results = requests.flatMap(({ result }, at) => (result === undefined ? [] : [savedResult(at, result)]));
  return new Attached([passed, requests.length, keys, results, barriersOf(places)], bytesOf(requests));
}

/** What `saveRequests` wrote, of requests that `operator` has issued (S1). @throws CORRUPT */
export function readRequests(saved: unknown, operator: string): SavedRequests {
  try {
    return read(saved as Attached, operator);
  } catch (error) {
    const reason = `the pending requests of ${operator} are not as they were written`;
    throw new StreamError("CORRUPT", reason, { cause: error });
  }
}

function savedResult(at: number, { value, code, reason, stack }: CallResult): SavedResult {
  return [at, value.byteLength, code, reason, stack];
}

/** Each barrier with the number of requests before it. */
function barriersOf(places: readonly SavedPlace[]): SavedBarrier[] {
  const barriers: SavedBarrier[] = [];
  let before = 0;
  for (const place of places) {
    if ("watermark" in place) barriers.push([before, place.watermark]);
    else before += 1;
  }
  return barriers;
}

function bytesOf(requests: readonly Request[]): Uint8Array {
  const numbers = new Float64Array(requests.length * numbersPerRequest);
  let [at, size] = [0, numbers.byteLength];
  for (const { sequence, ordinal, value, timestamp, result } of requests) {
    numbers[at] = sequence;
    numbers[at + 1] = ordinal;
    numbers[at + 2] = timestamp ?? Number.NaN;
    numbers[at + 3] = value.byteLength;
    at += numbersPerRequest;
    size += value.byteLength + (result?.value.byteLength ?? 0);
  }
  const bytes = new Uint8Array(size);
  bytes.set(new Uint8Array(numbers.buffer));
  let end = numbers.byteLength;
  const append = (part: Uint8Array): void => {
    bytes.set(part, end);
    end += part.byteLength;
  };
  for (const { value } of requests) append(value);
  for (const { result } of requests) if (result !== undefined) append(result.value);
  return bytes;
}

function read({ state, bytes }: Attached, operator: string): SavedRequests {
  const [passed, count, keys, results, barriers] = state as [number, number, Key[], SavedResult[], SavedBarrier[]];
  if (typeof passed !== "number" || !Number.isSafeInteger(count)) throw new TypeError("no columns");
  const parts = new Parts(bytes);
  const numbers = new Float64Array(parts.next(count * bytesPerRequest).buffer);
  const requests = Array.from({ length: count }, (_, at) => requestAt(at, numbers, parts, keys[at], operator));
  for (const [at, length, code, reason, stack] of results) {
    const { sequence, ordinal } = requests[at]!;
    requests[at]!.result = { sequence, ordinal, value: parts.next(length), code, reason, stack };
  }
  parts.expectEnd();
  return { passed, places: withBarriers(requests, barriers) };
}

function requestAt(
  index: number,
  numbers: Float64Array,
  parts: Parts,
  key: Key | undefined,
  operator: string,
): Request {
  const at = index * numbersPerRequest;
  const [sequence, ordinal, time, length] = [numbers[at]!, numbers[at + 1]!, numbers[at + 2]!, numbers[at + 3]!];
  if (!Number.isSafeInteger(sequence) || !Number.isSafeInteger(ordinal)) throw new TypeError("no request");
  const timestamp = Number.isNaN(time) ? undefined : time;
  return { sequence, ordinal, operator, value: parts.next(length), timestamp, key, result: undefined };
}

function withBarriers(requests: readonly Request[], barriers: readonly SavedBarrier[]): SavedPlace[] {
  const places: SavedPlace[] = [];
  let next = 0;
  for (const [at, request] of requests.entries()) {
    for (; (barriers[next]?.[0] ?? Infinity) <= at; next += 1) places.push({ watermark: barriers[next]![1] });
    places.push(request);
  }
  return [...places, ...barriers.slice(next).map(([, watermark]) => ({ watermark }))];
}

/** Bytes, taken piece by piece; each a copy. */
class Parts {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  next(length: number): Uint8Array {
    const end = this.#at + length;
    if (!Number.isSafeInteger(length) || length < 0 || end > this.#bytes.byteLength) throw new TypeError("too short");
    const part = this.#bytes.slice(this.#at, end);
    this.#at = end;
    return part;
  }

  expectEnd(): void {
    if (this.#at !== this.#bytes.byteLength) throw new TypeError("too long");
  }
}
