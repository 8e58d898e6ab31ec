/**
 * Calls of the JetStream API: one request, one answer, one kind of error.
 *
 * Owns timeouts and the translation of everything that can go wrong into a StreamError. Knows no log, register or blob.
 *
 * A1. A call that was sent and not answered throws TIMEOUT: whether it was carried out is unknown. UNAVAILABLE means the same, except while the link
 *     was down from the start.
 * A2. A call ends when the connection does, not later. How long it waits otherwise follows what answers took (`answer-wait.ts`).
 * A3. Nobody there to answer, as in an election or before every server of a cluster knows a new stream, means not carried out: the call is repeated for
 *     a moment before it counts as UNAVAILABLE.
 * A4. In a cluster a question may reach nobody who leads, and is never answered then: it is asked again, twice a second, while the call waits. What may
 *     change something is sent once.
 */
import { errors, type Msg, type MsgHdrs, type RequestOptions } from "@nats-io/nats-core";
import { messageOf, StreamError } from "../errors.ts";
import { AnswerWait, type WaitBounds } from "./answer-wait.ts";
import { refusalError, refusals } from "./api-refusal.ts";
import { afterMs, type Link } from "./link.ts";
import { systemMonotonicMs } from "./system-time.ts";

/** What the server says when it does not do what it was asked for. */
export interface ApiRefusal {
  readonly err_code: number;
  readonly code: number;
  readonly description: string;
}

/** An answer of the API: what was asked for, or why not. */
export type ApiAnswer<T> =
  | { readonly kind: "done"; readonly value: T }
  | { readonly kind: "refused"; readonly refusal: ApiRefusal };

/** How long a call waits; calls in flight when a server is killed are never answered. */
const usualWait = { minMs: 2_000, maxMs: 10_000 };
/** How long a call waits for the connection, ms. */
const timeoutMs = 2_000;

/** A3: how long a call looks for somebody to answer, and how often. */
const lookForMsMax = 400;
const lookAgainMs = 50;

/** A4. */
const askAgainMs = 500;
const questions = /^(INFO|STREAM\.INFO|STREAM\.NAMES|STREAM\.LIST|STREAM\.MSG\.GET)(\.|$)/;

/** Refusals are short. */
const outageBytesMax = 512;

const emptyBody = new Uint8Array(0);

/** The JetStream API over one link. */
export class JetStreamApi {
  readonly link: Link;
  readonly #wait: AnswerWait;
  readonly #asksAgain: boolean;

  /** @param asksAgain A4; @default in a cluster */
  constructor(link: Link, wait: WaitBounds = usualWait, asksAgain = link.connection.info?.cluster !== undefined) {
    this.link = link;
    this.#wait = new AnswerWait(wait);
    this.#asksAgain = asksAgain;
  }

  /** Calls an operation of the API; a refusal is an answer, for callers who expect it. @throws TIMEOUT, UNAVAILABLE, SERVER_REFUSED */
  async ask<T>(operation: string, body?: object): Promise<ApiAnswer<T>> {
    const bytes = body === undefined ? emptyBody : Buffer.from(JSON.stringify(body));
    const subject = this.subjectOf(operation);
    const answer = await this.#answerTo(subject, (options, isOver) =>
      this.#asksAgain && questions.test(operation)
        ? this.#askAgain(subject, bytes, options, isOver)
        : this.#request(subject, bytes, options),
    );
    return parseAnswer<T>(answer);
  }

  /** Where the API takes an operation. */
  subjectOf(operation: string): string {
    return `${this.link.apiPrefix}.${operation}`;
  }

  /** Like {@link JetStreamApi.ask}, but a refusal is thrown, with `what` was wanted. @throws by the refusal's code */
  async call<T>(what: string, operation: string, body?: object): Promise<T> {
    const answer = await this.ask<T>(operation, body);
    if (answer.kind === "refused") throw refusalError(what, answer.refusal);
    return answer.value;
  }

  /** Publishes into a stream and waits for the acknowledgement. @throws TIMEOUT, UNAVAILABLE, SERVER_REFUSED */
  async publish(subject: string, payload: Uint8Array, headers: MsgHdrs): Promise<ApiAnswer<{ readonly seq: number }>> {
    return parseAnswer(await this.exchange(subject, payload, headers));
  }

  /** Publishes the messages of an atomic batch and waits for the answer to the last one. @throws TIMEOUT, UNAVAILABLE, SERVER_REFUSED */
  async publishBatch(
    subject: string,
    messages: readonly { readonly payload: Uint8Array; readonly headers: MsgHdrs }[],
  ): Promise<ApiAnswer<{ readonly seq: number }>> {
    await this.link.untilUp(timeoutMs);
    const last = messages.at(-1);
    if (last === undefined) throw new RangeError("an empty batch");
    for (const { payload, headers } of messages.slice(0, -1))
      this.link.connection.publish(subject, payload, { headers });
    return this.publish(subject, last.payload, last.headers);
  }

  /** One request, whatever the answer is. @throws TIMEOUT, UNAVAILABLE, SERVER_REFUSED */
  exchange(subject: string, payload: Uint8Array, headers?: MsgHdrs): Promise<Msg> {
    return this.#answerTo(subject, (options) =>
      this.#request(subject, payload, headers === undefined ? options : { ...options, headers }),
    );
  }

  async #answerTo(
    subject: string,
    request: (options: RequestOptions, isOver: () => boolean) => Promise<Msg>,
  ): Promise<Msg> {
    await this.link.untilUp(timeoutMs);
    let isOver = false;
    const lost = Promise.withResolvers<never>();
    const stop = this.link.onEvent(() =>
      lost.reject(new StreamError("UNAVAILABLE", `the connection was lost while waiting for an answer on ${subject}`)),
    );
    const late = setTimeout(() => lost.reject(noAnswer(subject)), this.#wait.next());
    try {
      const answer = await Promise.race([request({ timeout: this.#wait.maxMs }, () => isOver), lost.promise]);
      if (isAboutOutage(answer)) this.link.doubt();
      else this.link.trust();
      return answer;
    } catch (error) {
      const failure = requestError(error, subject);
      if (failure.isRetryable) this.link.doubt();
      throw failure;
    } finally {
      isOver = true;
      clearTimeout(late);
      stop();
    }
  }

  /** A4. The first answer counts. */
  #askAgain(subject: string, payload: Uint8Array, options: RequestOptions, isOver: () => boolean): Promise<Msg> {
    const { promise, resolve, reject } = Promise.withResolvers<Msg>();
    const ask = (): void => void this.#request(subject, payload, options).then(resolve, reject);
    const again = setInterval(() => (isOver() ? clearInterval(again) : ask()), askAgainMs).unref();
    ask();
    return promise;
  }

  async #request(subject: string, payload: Uint8Array, options: RequestOptions): Promise<Msg> {
    for (const lateMs = systemMonotonicMs() + lookForMsMax; ;) {
      const sinceMs = systemMonotonicMs();
      try {
        const answer = await this.link.connection.request(subject, payload, options);
        this.#wait.answered(systemMonotonicMs() - sinceMs);
        return answer;
      } catch (error) {
        if (!isUnanswerable(error) || systemMonotonicMs() > lateMs) throw error;
      }
      await afterMs(lookAgainMs);
    }
  }
}

/** The server that is connected to reaches nobody who leads. */
function isAboutOutage({ data }: Msg): boolean {
  if (data.length > outageBytesMax) return false;
  return Buffer.from(data.buffer, data.byteOffset, data.length).includes(`"err_code":${refusals.unavailable}`);
}

function isUnanswerable(error: unknown): boolean {
  const cause = error instanceof errors.RequestError ? (error.cause ?? error) : error;
  return cause instanceof errors.NoRespondersError;
}

/** What a failed request means. */
export function requestError(error: unknown, subject: string): StreamError {
  if (StreamError.is(error)) return error;
  const options = { cause: error };
  const cause = error instanceof errors.RequestError ? (error.cause ?? error) : error;
  if (cause instanceof errors.TimeoutError) return noAnswer(subject, options);
  if (cause instanceof errors.NoRespondersError) {
    return new StreamError("UNAVAILABLE", `JetStream does not answer on ${subject}`, options);
  }
  if (cause instanceof errors.PermissionViolationError) {
    const { operation, subject: refused } = cause;
    return new StreamError("SERVER_REFUSED", `the user may not ${operation} ${refused}`, options);
  }
  return new StreamError("UNAVAILABLE", `request on ${subject}: ${messageOf(error)}`, options);
}

function noAnswer(subject: string, options?: ErrorOptions): StreamError {
  return new StreamError("TIMEOUT", `no answer on ${subject}`, options);
}

function parseAnswer<T>(message: Msg): ApiAnswer<T> {
  const answer = message.json<T & { readonly error?: ApiRefusal }>();
  return answer.error === undefined ? { kind: "done", value: answer } : { kind: "refused", refusal: answer.error };
}
