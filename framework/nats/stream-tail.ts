/**
 * Whether a stream that ends too early has lost its end.
 *
 * Owns the doubt. A server that has just begun to lead a stream of several copies holds everything that was acknowledged, but may say where the stream ends
 * before it has applied all of it; so does one that has not noticed yet that another one leads.
 *
 * T1. With one copy an early end is believed at once; with several only when the stream has said so for 10 s. Until then it is unavailable.
 * T2. Who has doubted checks the last message that was read, because its sequence may have been given to another one.
 */
import { StreamError } from "../errors.ts";

/** For how long an early end is not believed. */
const settleMsMax = 10_000;

/** What a stream says of its end. */
export interface StreamEnd {
  readonly name: string;
  readonly last: number;
  readonly replicas: number;
}

/** The end of one stream, as one reader knows it. */
export class StreamTail {
  #shortSinceMs: number | undefined;

  /** The stream has ended too early since the last time that its end was {@link StreamTail.confirmed}. */
  get isDoubted(): boolean {
    return this.#shortSinceMs !== undefined;
  }

  /** Compares the end with the last message that was read, `sequence`. @throws UNAVAILABLE while an early end is not believed (T1) */
  check({ name, last, replicas }: StreamEnd, sequence: number, nowMs: number): void {
    if (last >= sequence || replicas <= 1) return;
    this.#shortSinceMs ??= nowMs;
    if (nowMs - this.#shortSinceMs >= settleMsMax) return;
    throw new StreamError(
      "UNAVAILABLE",
      `stream ${name} ends at ${last}, and ${sequence} has been read: the server that leads it has not caught up`,
    );
  }

  /** The last message that was read is there. */
  confirmed(): void {
    this.#shortSinceMs = undefined;
  }
}
