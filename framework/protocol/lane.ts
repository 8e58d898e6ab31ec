/**
 * When a lane may send, what counts as acknowledged, and when it begins again: go-back-N over a log that loses, delays and refuses.
 *
 * Owns numbers of frames (tags), attempts, sequences that replies have named, and the back-off; the frames' bytes and the timer are the caller's.
 *
 * R3. Acks count in order: frame k is acknowledged only by a sequence greater than the one that acknowledged frame k-1, whichever attempt it comes
 *     from. Otherwise, and on any error, refusal, timeout of the oldest frame or reconnect, everything from the oldest unacknowledged frame on is
 *     sent again, for ever, after a back-off, and first as a probe of one frame.
 * R8. What is sent after a sequence has been heard of is stored behind it. A log that says otherwise has lost its tail, and gives its sequences away again.
 */
import { invariant } from "../errors.ts";

/** Time without a reply after which the oldest frame in flight counts as lost, ms. */
export const replyTimeoutMs: number = 2_000;
/** First wait before frames are sent again, ms; doubled at each failure in a row. */
export const backoffMsMin: number = 50;
/** Longest wait before frames are sent again, ms. */
export const backoffMsMax: number = 1_000;

/** What may be in flight at once. */
export interface WindowLimits {
  readonly framesMax: number;
  readonly bytesMax: number;
}

/** What the log answered to one frame of one attempt. */
export type FrameResult =
  | { readonly kind: "stored"; readonly sequence: number }
  | { readonly kind: "full" }
  | { readonly kind: "failed"; readonly reason: string };

/** What the caller does next; then it sends whatever {@link LaneWindow.canSend} allows and arms its timer anew. */
export interface LaneAction {
  /** So many frames from the oldest on are acknowledged now, in order, whether or not they are in flight at the moment. */
  readonly acknowledged: number;
  /** Nothing counts as in flight any more: send again from the oldest unacknowledged frame, same frames in the same order. */
  readonly resend: boolean;
  /** The log has lost what it had acknowledged: a frame is at `sequence` that was sent after `after` had been heard of. Nothing follows. */
  readonly lost?: { readonly sequence: number; readonly after: number } | undefined;
}

interface SentFrame {
  readonly bytes: number;
  sentMs: number;
  /** Attempt in which it was sent last, and whether the log has said that it stored that one. */
  attempt: number;
  isAnswered: boolean;
  /** The highest sequence heard of when it was sent last. */
  after: number;
  /** Sequences at which it is known to be in the log, of all attempts. */
  readonly sequences: number[];
}

const nothing: LaneAction = Object.freeze({ acknowledged: 0, resend: false });
const again: LaneAction = Object.freeze({ acknowledged: 0, resend: true });

/** The window of one lane. Frames are told apart by tags 1, 2, 3 …, in the order in which they are first sent. */
export class LaneWindow {
  readonly #limits: WindowLimits;
  /** Frames sent at least once and not acknowledged; the first one's tag is `#base`. */
  readonly #frames: SentFrame[] = [];
  #base = 1;
  #inFlight = 0;
  #bytesInFlight = 0;
  #attempt = 1;
  /** Sequence that acknowledged frame `#base - 1`. */
  #lastSequence = 0;
  /** Heard of in any reply. */
  #highestSequence = 0;
  #isConnected = true;
  #isProbing = false;
  #reopensAtMs: number | undefined;
  #backoffMs = backoffMsMin;

  constructor(limits: WindowLimits) {
    this.#limits = limits;
  }

  /**
   * Whether a frame of so many bytes may be sent now. A frame larger than the whole window may go when nothing else is in flight; while probing,
   * one frame at a time; while disconnected or backing off, none.
   */
  canSend(bytes: number): boolean {
    if (!this.#isConnected || this.#reopensAtMs !== undefined) return false;
    if (this.#inFlight === 0) return true;
    if (this.#isProbing || this.#inFlight >= this.#limits.framesMax) return false;
    return this.#bytesInFlight + bytes <= this.#limits.bytesMax;
  }

  /** Sequence at which the log has the last acknowledged frame; 0 before the first. */
  get lastSequence(): number {
    return this.#lastSequence;
  }

  /** The next frame, from the oldest unacknowledged one on, is about to be sent; {@link canSend} has allowed it. */
  sent(bytes: number, nowMs: number): { readonly tag: number; readonly attempt: number } {
    invariant(this.canSend(bytes), "a frame was sent into a closed window");
    const frame = (this.#frames[this.#inFlight] ??= {
      bytes,
      sentMs: nowMs,
      attempt: 0,
      isAnswered: false,
      after: 0,
      sequences: [],
    });
    invariant(frame.bytes === bytes, "a frame was sent again with other bytes");
    frame.sentMs = nowMs;
    frame.attempt = this.#attempt;
    frame.isAnswered = false;
    frame.after = this.#highestSequence;
    const tag = this.#base + this.#inFlight;
    this.#inFlight += 1;
    this.#bytesInFlight += bytes;
    return { tag, attempt: this.#attempt };
  }

  /** The log has answered. Refusals and errors of earlier attempts have had their effect and say nothing new; their sequences still count. */
  onResult(tag: number, attempt: number, result: FrameResult, nowMs: number): LaneAction {
    if (result.kind !== "stored") return attempt === this.#attempt ? this.#fail(nowMs) : nothing;
    if (attempt === this.#attempt) this.#reopen();
    const { sequence } = result;
    this.#highestSequence = Math.max(this.#highestSequence, sequence);
    const frame = this.#frames[tag - this.#base];
    if (frame === undefined) return nothing;
    if (attempt === frame.attempt && sequence <= frame.after)
      return { ...nothing, lost: { sequence, after: frame.after } };
    frame.sequences.push(sequence);
    if (attempt === frame.attempt) frame.isAnswered = true;
    return this.#advance(nowMs);
  }

  /** The connection to the log has gone, or is back. Replies to what was in flight are lost. */
  onLink(event: "disconnected" | "reconnected", nowMs: number): LaneAction {
    this.#isConnected = event === "reconnected";
    return this.#isConnected && this.#inFlight > 0 ? this.#fail(nowMs) : nothing;
  }

  /** The time announced by {@link waitMs} has passed; harmless when called early. */
  onTimer(nowMs: number): LaneAction {
    const waitMs = this.waitMs(nowMs);
    if (waitMs === undefined || waitMs > 0) return nothing;
    if (this.#reopensAtMs === undefined) return this.#fail(nowMs);
    this.#reopensAtMs = undefined;
    return nothing;
  }

  /** Time until {@link onTimer} should be called: the end of the back-off, or the timeout of the oldest frame in flight. Ask again after every call. */
  waitMs(nowMs: number): number | undefined {
    if (!this.#isConnected) return undefined;
    if (this.#reopensAtMs !== undefined) return Math.max(0, this.#reopensAtMs - nowMs);
    const oldest = this.#inFlight > 0 ? this.#frames[0] : undefined;
    return oldest === undefined ? undefined : Math.max(0, oldest.sentMs + replyTimeoutMs - nowMs);
  }

  #advance(nowMs: number): LaneAction {
    let acknowledged = 0;
    for (let frame = this.#frames[0]; frame !== undefined; frame = this.#frames[0]) {
      const sequence = smallestAbove(this.#lastSequence, frame.sequences);
      if (sequence === undefined) break;
      this.#lastSequence = sequence;
      this.#drop(frame);
      acknowledged += 1;
    }
    // The oldest frame is in the log, but before its predecessor: the receiver has passed over it, and only sending it again changes that.
    const isMisplaced = this.#inFlight > 0 && this.#frames[0]?.isAnswered === true;
    if (isMisplaced) this.#fail(nowMs);
    return acknowledged > 0 || isMisplaced ? { acknowledged, resend: isMisplaced } : nothing;
  }

  #drop(frame: SentFrame): void {
    this.#frames.shift();
    this.#base += 1;
    if (this.#inFlight === 0) return;
    this.#inFlight -= 1;
    this.#bytesInFlight -= frame.bytes;
  }

  #reopen(): void {
    this.#isProbing = false;
    this.#backoffMs = backoffMsMin;
  }

  #fail(nowMs: number): LaneAction {
    this.#attempt += 1;
    this.#inFlight = 0;
    this.#bytesInFlight = 0;
    this.#isProbing = true;
    this.#reopensAtMs = nowMs + this.#backoffMs;
    this.#backoffMs = Math.min(backoffMsMax, this.#backoffMs * 2);
    return again;
  }
}

function smallestAbove(bound: number, sequences: readonly number[]): number | undefined {
  let smallest: number | undefined;
  for (const sequence of sequences) {
    if (sequence > bound && (smallest === undefined || sequence < smallest)) smallest = sequence;
  }
  return smallest;
}
