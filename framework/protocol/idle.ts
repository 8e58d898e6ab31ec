/**
 * When an instance may call itself idle, and how it leaves that again.
 *
 * Owns the time spent with nothing to do and the handshake; what `quiet` means is the feed's business, how reports travel the worker's.
 *
 * R16. Idle after `idleTimeoutMs` of being quiet, fully acknowledged and not blocked, without interruption. After an idle report nothing is processed
 * until the supervisor has taken a later report that says active: from then on the minimum counts the instance again.
 */

/** What idleness is decided on. */
export interface IdleFacts {
  /** Everything there is has been read, and nothing waits for a rate limit. */
  readonly isQuiet: boolean;
  /** Every output is acknowledged. */
  readonly isFullyAcknowledged: boolean;
  /** A lane or a sink has no room. */
  readonly isBlocked: boolean;
  /** Time that never goes back, ms. */
  readonly nowMs: number;
}

/** Parts of the timeout between two looks; what is longer was a pause of the process, and does not count. */
const looksPerTimeout = 4;

/** Idleness of one incarnation. */
export class IdleGate {
  readonly #idleTimeoutMs: number;
  #quietMs = 0;
  #lookedAtMs: number | undefined;
  #isIdle = false;
  #isShut = false;
  #idleReport = 0;

  /** `idleTimeoutMs`: 0 means at once, Infinity never. */
  constructor(idleTimeoutMs: number) {
    this.#idleTimeoutMs = idleTimeoutMs;
  }

  /** What the next report says. */
  get isIdle(): boolean {
    return this.#isIdle;
  }

  /** Whether messages may be processed: not from an idle report on until an active one is answered. */
  get mayProceed(): boolean {
    return !this.#isShut;
  }

  /** Looks at the facts; called after turns, and when `lookAgainAfterMs` has passed. Answers whether a report is due because of it. */
  observe(facts: IdleFacts): boolean {
    if (this.#isShut && this.#isIdle) return facts.isQuiet ? false : this.wantsToProceed();
    if (!facts.isQuiet || !facts.isFullyAcknowledged || facts.isBlocked) {
      this.#interrupt();
      return false;
    }
    if (this.#isIdle) return false;
    this.#count(facts.nowMs);
    this.#isIdle = this.#quietMs >= this.#idleTimeoutMs;
    return this.#isIdle;
  }

  /** There is something to process: the next report says active. Answers whether one is due. */
  wantsToProceed(): boolean {
    const isDue = this.#isShut && this.#isIdle;
    this.#interrupt();
    return isDue;
  }

  /** Report `n` has been made and said `isIdle`: from an idle one on, nothing is processed. */
  reported(n: number, isIdle: boolean): void {
    if (!isIdle) return;
    this.#isShut = true;
    this.#idleReport = n;
  }

  /** The supervisor has taken report `n`. Answers whether that opened the gate: the report came after the last idle one, so it said active. */
  answered(n: number): boolean {
    if (!this.#isShut || n <= this.#idleReport) return false;
    this.#isShut = false;
    return true;
  }

  /** Ms after which to observe again though nothing happens; undefined: no need. */
  lookAgainAfterMs(nowMs: number): number | undefined {
    if (this.#lookedAtMs === undefined || this.#isIdle || this.#idleTimeoutMs === Infinity) return undefined;
    const untilIdleMs = Math.min(this.#idleTimeoutMs - this.#quietMs, this.#lookMs);
    return Math.max(0, this.#lookedAtMs + untilIdleMs - nowMs);
  }

  get #lookMs(): number {
    return this.#idleTimeoutMs / looksPerTimeout;
  }

  #count(nowMs: number): void {
    this.#quietMs += Math.min(nowMs - (this.#lookedAtMs ?? nowMs), this.#lookMs);
    this.#lookedAtMs = nowMs;
  }

  #interrupt(): void {
    this.#isIdle = false;
    this.#quietMs = 0;
    this.#lookedAtMs = undefined;
  }
}
