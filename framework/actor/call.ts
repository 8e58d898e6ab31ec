/**
 * One call of a user's function, outside of any turn: tries, waits, and gives up in time (R14).
 *
 * Owns the tries. It ends with a result for each of its requests, or with `abort`, and then says nothing more.
 *
 * L1. Every try has the same idempotency keys, and gets the records anew as they were when the request was issued.
 * L2. When a call for several records fails for good, each is called for alone: one that is poison takes no other with it.
 */
import { StreamError, messageOf } from "../errors.ts";
import type { CallSpec, Request } from "../operator/calls.ts";
import { userFrames } from "../operator/failure.ts";
import type { Cancel, Platform } from "../platform/platform.ts";
import { defaultCodec } from "../record/default-codec.ts";
import type { CallResult } from "../record/messages.ts";

/** Longest reason that is logged; the user's error may be of any length. */
const reasonLengthMax = 2_000;

/** Whom a call tells. */
export interface CallEvents {
  idempotencyKey(request: Request): string;
  /** The call has come to its end. */
  onResults(results: readonly CallResult[]): void;
}

/** One call. */
export class Call {
  readonly #platform: Platform;
  readonly #spec: CallSpec;
  readonly #requests: readonly Request[];
  readonly #events: CallEvents;
  readonly #cancels = new Set<Cancel>();
  /** The call for one record alone that is under way (L2). */
  #part: Call | undefined;
  #controller: AbortController | undefined;
  #tries = 0;
  #isOver = false;
  #isAborted = false;
  /** All its results have been said: there is nothing left to abort. */
  #isEnded = false;

  constructor(platform: Platform, spec: CallSpec, requests: readonly Request[], events: CallEvents) {
    this.#platform = platform;
    this.#spec = spec;
    this.#requests = requests;
    this.#events = events;
  }

  /** Whether the results of all its requests have been read, whoever has logged them. */
  get isAnswered(): boolean {
    return this.#requests.every(({ result }) => result !== undefined);
  }

  /** Makes the first try; called once. */
  start(): void {
    const { timeoutMs } = this.#spec;
    this.#after(timeoutMs, true, () => this.#timedOut(timeoutMs));
    this.#try();
  }

  /** Nobody waits for it any more. */
  abort(): void {
    if (this.#isEnded) return;
    this.#close();
    const reason = new StreamError("FENCED", "nobody waits for this answer any more");
    this.#controller?.abort(reason);
    this.#isAborted = true;
    this.#part?.abort();
  }

  #try(): void {
    this.#tries += 1;
    const controller = new AbortController();
    this.#controller = controller;
    const { tryTimeoutMs } = this.#spec;
    let isSettled = false;
    // Back into the runtime in a task of its own: what follows runs when the clock says so.
    const settle = (then: () => void) => {
      if (isSettled || this.#isOver) return;
      isSettled = true;
      cancel();
      this.#after(0, false, then);
    };
    const cancel = this.#after(tryTimeoutMs, true, () => {
      const error = timedOut(`no answer within ${tryTimeoutMs} ms`);
      settle(() => this.#failed(error));
      controller.abort(error);
    });
    this.#callOut(controller.signal).then(
      (outputs) => settle(() => this.#answered(outputs)),
      (error: unknown) => settle(() => this.#failed(error)),
    );
  }

  async #callOut(signal: AbortSignal): Promise<unknown> {
    const values = this.#requests.map(({ value }) => defaultCodec.decode(value));
    const idempotencyKeys = this.#requests.map((request) => this.#events.idempotencyKey(request));
    return this.#spec.call(values, { idempotencyKeys, signal });
  }

  #answered(outputs: unknown): void {
    if (!Array.isArray(outputs) || outputs.length !== this.#requests.length)
      return this.#failed(new TypeError(`the call answered ${countOf(outputs)} for ${this.#requests.length} values`));
    this.#end(this.#requests.map((request, at) => this.#resultOf(request, outputs[at])));
  }

  #failed(error: unknown): void {
    if (this.#tries >= this.#spec.triesMax) return this.#failedForGood(error);
    const { backoffMs, backoffMsMax } = this.#spec;
    this.#after(Math.min(backoffMsMax, backoffMs * 2 ** (this.#tries - 1)), false, () => this.#try());
  }

  #timedOut(timeoutMs: number): void {
    const tries = this.#tries === 1 ? "" : ` and ${this.#tries} tries`;
    const error = timedOut(`no answer within ${timeoutMs} ms${tries}`);
    this.#controller?.abort(error);
    this.#failedForGood(error);
  }

  #failedForGood(error: unknown): void {
    if (this.#requests.length === 1) return this.#end(this.#requests.map((request) => failure(request, error)));
    this.#close();
    this.#callAlone(0);
  }

  #callAlone(at: number): void {
    const request = this.#requests[at];
    if (request === undefined || this.#isAborted) return;
    const idempotencyKey = (of: Request) => this.#events.idempotencyKey(of);
    const onResults = (results: readonly CallResult[]) => {
      this.#events.onResults(results);
      this.#callAlone(at + 1);
    };
    this.#part = new Call(this.#platform, this.#spec, [request], { idempotencyKey, onResults });
    this.#part.start();
  }

  #resultOf(request: Request, output: unknown): CallResult {
    try {
      const value = defaultCodec.encode(output);
      const { resultBytesMax } = this.#spec;
      if (value.byteLength > resultBytesMax)
        throw new StreamError(
          "VALUE_NOT_ENCODABLE",
          `the result has ${value.byteLength} bytes, and may have ${resultBytesMax}: raise resultBytes`,
        );
      return { ...identityOf(request), value, code: "", reason: "", stack: "" };
    } catch (error) {
      return failure(request, error);
    }
  }

  #end(results: readonly CallResult[]): void {
    this.#close();
    this.#isEnded = true;
    this.#events.onResults(results);
  }

  #close(): void {
    this.#isOver = true;
    for (const cancel of this.#cancels) cancel();
    this.#cancels.clear();
  }

  /** Watch-dogs (`background`) do not keep a virtual clock running. */
  #after(ms: number, background: boolean, action: () => void): Cancel {
    if (ms === Infinity) return () => undefined;
    const cancel = this.#platform.clock.schedule(
      ms,
      () => {
        this.#cancels.delete(cancel);
        if (!this.#isOver) action();
      },
      { background },
    );
    this.#cancels.add(cancel);
    return cancel;
  }
}

function identityOf({ sequence, ordinal }: Request): Pick<Request, "sequence" | "ordinal"> {
  return { sequence, ordinal };
}

function failure(request: Request, error: unknown): CallResult {
  const isOurs = StreamError.is(error) && error.policy === "record";
  const code = isOurs ? error.code : "USER_FUNCTION";
  const reason = messageOf(error).slice(0, reasonLengthMax);
  return { ...identityOf(request), value: new Uint8Array(), code, reason, stack: isOurs ? "" : userFrames(error) };
}

function timedOut(reason: string): StreamError {
  return new StreamError("CALL_TIMED_OUT", reason);
}

function countOf(outputs: unknown): string {
  return Array.isArray(outputs) ? `${outputs.length} results` : "no list of results";
}
