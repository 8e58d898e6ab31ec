/**
 * Calls that leave the turn (R14): each record becomes a request, and goes on when the result of its call has been read.
 *
 * Owns the pending requests. The calls are made by the actor, and their results come back through the inbox.
 *
 * A1. The record is encoded when the request is issued: what becomes of the object afterwards changes nothing.
 * A2. Each result is a step of its own: an output at the record's timestamp, or the record's dead letter.
 */
import { StreamError, errorPolicy, type ErrorCode } from "../errors.ts";
import { defaultCodec } from "../record/default-codec.ts";
import { formatDuration } from "../time/duration.ts";
import type { CallResult } from "../record/messages.ts";
import type { CallSpec, Request } from "./calls.ts";
import type { Operator, OperatorContext, OperatorFactory } from "./contract.ts";
import type { Deferral } from "./deferral.ts";
import { PendingRequests } from "./pending-requests.ts";

/** Emits what the calls of `spec` answer. `kind`: what the program calls it. */
export function asyncMapOperator(kind: string, spec: CallSpec): OperatorFactory {
  return {
    kind,
    description: describe(spec),
    keyed: false,
    eventTime: false,
    outputTimestamps: "same",
    needsInbox: true,
    calls: spec,
    create: (context) => new AsyncMap(context, spec),
  };
}

function describe({ order, capacity, batchMax, timeoutMs, triesMax, resultBytesMax }: CallSpec): string {
  const calls = batchMax === 1 ? `${capacity} calls` : `${capacity} calls of up to ${batchMax}`;
  const tries = triesMax === 1 ? "" : `, ${triesMax} tries`;
  const results = `results up to ${resultBytesMax} bytes`;
  return `${order}, ${calls} at a time, each within ${formatDuration(timeoutMs)}${tries}, ${results}`;
}

class AsyncMap implements Operator, Deferral {
  readonly #context: OperatorContext;
  readonly #spec: CallSpec;
  readonly #requests: PendingRequests;
  #released: Request | undefined;
  readonly #emit: () => void = () => this.#emitReleased();
  readonly #describe: () => unknown = () => defaultCodec.decode(this.#released?.value ?? new Uint8Array());

  constructor(context: OperatorContext, spec: CallSpec) {
    this.#context = context;
    this.#spec = spec;
    this.#requests = new PendingRequests(spec.order);
  }

  get deferral(): Deferral {
    return this;
  }

  get passed(): number {
    return this.#requests.passed;
  }

  get pending(): { readonly requests: number; readonly bytes: number } {
    return { requests: this.#requests.count, bytes: this.#requests.bytes };
  }

  process(value: unknown, timestamp: number | undefined): void {
    const { name: operator, requests, undoLog, keyed } = this.#context;
    const encoded = defaultCodec.encode(value);
    const identity = requests.next(undoLog);
    const request: Request = { ...identity, operator, value: encoded, timestamp, key: keyed.key, result: undefined };
    undoLog.push(dropRequest, this.#requests, request, undefined);
    this.#requests.add(request);
    requests.open(request, this.#spec, undoLog);
  }

  reach(watermark: number): void {
    this.#requests.reach(watermark);
  }

  answer(result: CallResult): boolean {
    return this.#requests.answer(result);
  }

  release(stepsMax: number): boolean {
    const context = this.#context;
    for (let steps = 0; ; steps++) {
      if (steps >= stepsMax) return false;
      const request = this.#requests.take();
      if (request === undefined) return true;
      // So that a dead letter names the record's own key.
      if (request.key !== undefined) context.keyed.select(request.key);
      this.#released = request;
      context.step(this.#emit, this.#describe, request.timestamp);
    }
  }

  snapshot(): unknown {
    return this.#requests.save();
  }

  restore(saved: unknown): void {
    this.#requests.restore(saved, this.#context.name);
    for (const request of this.#requests.unanswered()) this.#context.requests.reopen(request, this.#spec);
  }

  /** The instances were frozen when they had all their results: what is left of them is event time. */
  adopt(saved: readonly unknown[]): void {
    this.#requests.adopt(saved, this.#context.name);
  }

  #emitReleased(): void {
    const result = this.#released?.result;
    if (result === undefined) return;
    if (result.code !== "") throw failureOf(result);
    this.#context.emit(defaultCodec.decode(result.value), this.#released?.timestamp);
  }
}

function dropRequest(requests: PendingRequests, request: Request): void {
  requests.drop(request);
}

/** What the call failed with, as it was logged: the dead letter says the same in every replay. */
function failureOf({ code, reason, stack }: CallResult): Error {
  const isOurs = code in errorPolicy && code !== "USER_FUNCTION";
  const failure = isOurs ? new StreamError(code as ErrorCode, reason) : new Error(reason);
  failure.stack = [reason, ...stack.split("\n").filter((line) => line !== "")].join("\n    ");
  return failure;
}
