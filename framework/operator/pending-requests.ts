/**
 * The requests of one operator whose outputs have not been emitted yet, and the watermarks that stay behind them (R14).
 *
 * Owns their order. A list in order of issue, with a barrier where a watermark was reached; what may go is taken from its front.
 *
 * Q1. The first result of a request counts; one for no pending request is ignored.
 * Q2. Ordered: requests go in the order of issue. Unordered: in the order in which results are read, but never across a barrier.
 * Q3. A watermark passes when every request issued before it has gone.
 * Q4. A restored list behaves like the one that was saved.
 */
import type { CallResult } from "../record/messages.ts";
import type { Request } from "./calls.ts";
import { StreamError } from "../errors.ts";
import { readRequests, saveRequests, type SavedPlace } from "./saved-requests.ts";
import { WaitingLine } from "./waiting-line.ts";

interface Place {
  /** Undefined: a barrier. */
  readonly request: Request | undefined;
  /** Of a barrier; a later one without requests in between takes its place. */
  watermark: number;
  /** Barriers issued before it. */
  readonly segment: number;
  before: Place | undefined;
  after: Place | undefined;
}

/** The pending requests of one operator. */
export class PendingRequests {
  readonly #order: "ordered" | "unordered";
  readonly #places = new Map<string, Place>();
  #first: Place | undefined;
  #last: Place | undefined;
  /** Unordered: what has its result and stands before the first barrier, in the order in which it may go. */
  readonly #ready = new WaitingLine<Place>();
  #segment = 0;
  #reached = -Infinity;
  #passed = -Infinity;
  #bytes = 0;

  constructor(order: "ordered" | "unordered") {
    this.#order = order;
  }

  /** Event time behind the requests (Q3). */
  get passed(): number {
    return this.#passed;
  }

  /** Requests that have not gone. */
  get count(): number {
    return this.#places.size;
  }

  /** Bytes of their records and results. */
  get bytes(): number {
    return this.#bytes;
  }

  /** One more, at the end. */
  add(request: Request): void {
    const place = this.#append(request, Number.NaN);
    this.#places.set(nameOf(request), place);
    this.#bytes += bytesOf(request);
  }

  /** The last one was never issued: its step is undone. */
  drop(request: Request): void {
    const place = this.#places.get(nameOf(request));
    if (place !== undefined) this.#remove(place);
  }

  /** Event time has come to `watermark` in front of the requests. */
  reach(watermark: number): void {
    if (watermark <= this.#reached) return;
    this.#reached = watermark;
    const last = this.#last;
    if (last === undefined) this.#passed = watermark;
    else if (last.request === undefined) last.watermark = watermark;
    else this.#bar(watermark);
  }

  /** A result has been read. Answers whether a request waited for it (Q1). */
  answer(result: CallResult): boolean {
    const place = this.#places.get(nameOf(result));
    const request = place?.request;
    if (place === undefined || request === undefined || request.result !== undefined) return false;
    request.result = result;
    this.#bytes += result.value.byteLength;
    if (this.#order === "unordered" && place.segment === this.#first?.segment) this.#ready.push(place);
    return true;
  }

  /** The next request that may go (Q2), with its result; undefined: none may. Barriers at the front pass (Q3). */
  take(): Request | undefined {
    this.#pass();
    const place = this.#order === "unordered" ? this.#ready.take() : this.#first;
    if (place?.request?.result === undefined) return undefined;
    this.#remove(place);
    this.#pass();
    return place.request;
  }

  /** Those without a result, in order of issue. */
  unanswered(): Request[] {
    return [...this.#requests()].filter(({ result }) => result === undefined);
  }

  /** As the state of an operator. Taken when `take` has answered undefined: then whatever may go has gone. */
  save(): unknown {
    const places: SavedPlace[] = [];
    for (let place = this.#first; place !== undefined; place = place.after)
      places.push(place.request ?? { watermark: place.watermark });
    return saveRequests({ passed: this.#passed, places });
  }

  /** Takes what `save` answered, of requests that `operator` has issued (Q4). @throws CORRUPT */
  restore(saved: unknown, operator: string): void {
    const { passed, places } = readRequests(saved, operator);
    this.#passed = this.#reached = passed;
    for (const place of places) {
      if ("watermark" in place) this.reach(place.watermark);
      else this.add(place);
    }
    this.#readyUp();
  }

  /** Takes what `save` has answered in instances that have nothing pending. @throws CORRUPT, SNAPSHOT_UNSUITABLE */
  adopt(saved: readonly unknown[], operator: string): void {
    const read = saved.map((one) => readRequests(one, operator));
    const waiting = read.reduce((sum, { places }) => sum + places.length, 0);
    if (waiting > 0)
      throw new StreamError("SNAPSHOT_UNSUITABLE", `${operator} has ${waiting} pending requests: it was not frozen`);
    this.#passed = this.#reached = Math.min(...read.map(({ passed }) => passed));
  }

  *#requests(): Iterable<Request> {
    for (let place = this.#first; place !== undefined; place = place.after) {
      if (place.request !== undefined) yield place.request;
    }
  }

  #bar(watermark: number): void {
    this.#append(undefined, watermark);
    this.#segment += 1;
  }

  /** Barriers at the front: what stood before them has gone. */
  #pass(): void {
    for (let place = this.#first; place !== undefined && place.request === undefined; place = this.#first) {
      this.#passed = place.watermark;
      this.#unlink(place);
      this.#readyUp();
    }
  }

  /** Another segment stands in front: what has its result there may go, in order of issue. */
  #readyUp(): void {
    if (this.#order === "ordered") return;
    for (let place = this.#first; place?.request !== undefined; place = place.after) {
      if (place.request.result !== undefined) this.#ready.push(place);
    }
  }

  #append(request: Request | undefined, watermark: number): Place {
    const place: Place = { request, watermark, segment: this.#segment, before: this.#last, after: undefined };
    if (this.#last === undefined) this.#first = place;
    else this.#last.after = place;
    this.#last = place;
    return place;
  }

  #remove(place: Place): void {
    const { request } = place;
    if (request === undefined) return;
    this.#places.delete(nameOf(request));
    this.#bytes -= bytesOf(request);
    this.#unlink(place);
  }

  /** One that is gone names nobody: dead ones that are old would keep all that came after them. */
  #unlink(place: Place): void {
    const { before, after } = place;
    place.before = undefined;
    place.after = undefined;
    if (before === undefined) this.#first = after;
    else before.after = after;
    if (after === undefined) this.#last = before;
    else after.before = before;
  }
}

function nameOf({ sequence, ordinal }: Pick<Request, "sequence" | "ordinal">): string {
  return `${sequence}.${ordinal}`;
}

function bytesOf({ value, result }: Request): number {
  return value.byteLength + (result?.value.byteLength ?? 0);
}
