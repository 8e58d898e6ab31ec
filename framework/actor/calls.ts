/**
 * The calls of one incarnation (R14): requests leave the turn here, and their results go into the own inbox.
 *
 * Owns which requests have been called for, how many calls are in flight, and results on their way. What a result comes to is decided when it is read.
 *
 * C1. No call is made before the incarnation has read its own epoch-start: what its predecessors have logged is known by then.
 * C2. Capacity bounds the calls whose results have not been read, never the turns: so results on their way have their room (R13).
 * C3. A result is appended until it is stored; it is never refused as data is.
 */
import type { CallSpec, Request } from "../operator/calls.ts";
import type { OpenRequest } from "../operator/request-book.ts";
import { WaitingLine } from "../operator/waiting-line.ts";
import type { Platform } from "../platform/platform.ts";
import { encodeControl } from "../record/frame.ts";
import type { CallResult } from "../record/messages.ts";
import { Call } from "./call.ts";

/** Bytes of results in one message, unless one alone is larger. */
const messageBytesMax = 128 * 1024;

/** Whose calls they are. */
export interface CallsOwner {
  readonly platform: Platform;
  /** The key that is offered to the callee: names the request among all of all jobs. */
  idempotencyKey(request: Request): string;
  /** Appends to the own inbox; resolves when it is stored. */
  append(payload: Uint8Array): Promise<unknown>;
  /** Results cannot be appended any more. */
  onFailed(error: unknown): void;
}

interface Line {
  readonly spec: CallSpec;
  /** Requests that have found no free slot, in order of issue. */
  readonly waiting: WaitingLine<Request>;
  /** Calls whose results have not all been read (C2). */
  readonly calls: Set<Call>;
}

/** Makes the calls. */
export class Calls {
  readonly #owner: CallsOwner;
  readonly #lines = new Map<CallSpec, Line>();
  readonly #results: CallResult[] = [];
  #isAppending = false;
  #mayCall = false;
  #isClosed = false;

  constructor(owner: CallsOwner) {
    this.#owner = owner;
  }

  /** The own epoch-start has been read (C1). */
  begin(): void {
    this.#mayCall = true;
  }

  /** Turns have been taken, and have issued `requests`; results may have been read. */
  turned(requests: readonly OpenRequest[]): void {
    for (const { request, spec } of requests) this.#line(spec).waiting.push(request);
    if (!this.#mayCall || this.#isClosed) return;
    for (const line of this.#lines.values()) {
      for (const call of line.calls) if (call.isAnswered) this.#end(line, call);
      this.#fill(line);
    }
  }

  /** The instance is about to go elsewhere: what is in flight may still be logged, nothing new is called for. */
  stop(): void {
    this.#mayCall = false;
  }

  /** The incarnation is gone: nobody waits for answers any more, and its successor calls again. */
  close(): void {
    this.#isClosed = true;
    for (const { calls } of this.#lines.values()) for (const call of calls) call.abort();
  }

  #line(spec: CallSpec): Line {
    const known = this.#lines.get(spec);
    if (known !== undefined) return known;
    const line: Line = { spec, waiting: new WaitingLine(), calls: new Set() };
    this.#lines.set(spec, line);
    return line;
  }

  #end(line: Line, call: Call): void {
    line.calls.delete(call);
    call.abort();
  }

  #fill(line: Line): void {
    while (line.calls.size < line.spec.capacity) {
      const requests = nextOf(line);
      if (requests.length === 0) return;
      this.#start(line, requests);
    }
  }

  #start(line: Line, requests: readonly Request[]): void {
    const { platform } = this.#owner;
    const call: Call = new Call(platform, line.spec, requests, {
      idempotencyKey: (request) => this.#owner.idempotencyKey(request),
      onResults: (results) => this.#log(results),
    });
    line.calls.add(call);
    call.start();
  }

  #log(results: readonly CallResult[]): void {
    if (this.#isClosed) return;
    this.#results.push(...results);
    void this.#append();
  }

  /** C3. One message at a time, with whatever has come meanwhile. */
  async #append(): Promise<void> {
    if (this.#isAppending) return;
    this.#isAppending = true;
    try {
      while (this.#results.length > 0 && !this.#isClosed)
        await this.#owner.append(encodeControl({ kind: "results", results: this.#nextMessage() }));
    } catch (error) {
      this.#owner.onFailed(error);
    } finally {
      this.#isAppending = false;
    }
  }

  #nextMessage(): CallResult[] {
    let bytes = 0;
    const end = this.#results.findIndex(({ value, reason, stack }, at) => {
      bytes += value.byteLength + reason.length + stack.length;
      return at > 0 && bytes > messageBytesMax;
    });
    return this.#results.splice(0, end < 0 ? this.#results.length : end);
  }
}

/** The requests of the next call: none that a predecessor, or a zombie, has logged the result of. */
function nextOf({ spec, waiting }: Line): readonly Request[] {
  const requests: Request[] = [];
  while (requests.length < spec.batchMax) {
    const request = waiting.take();
    if (request === undefined) break;
    if (request.result === undefined) requests.push(request);
  }
  return requests;
}
