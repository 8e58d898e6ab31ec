/**
 * A worker's ordered, acknowledged sending queue into one log (design, section 5).
 *
 * Owns the frames between "said" and "acknowledged", merges what all local instances say to that log into frames, and decides when to send: a lane
 * with nothing outstanding sends at once; otherwise it collects until the frame is full, the next ack arrives, or the oldest record has waited `lingerMs`.
 *
 * R3. Acks count in order; on any error, refusal, timeout or reconnect everything from the oldest unacknowledged frame is sent again.
 * R8. When the link is back, the log must still have the last frame that it has acknowledged, or have trimmed it.
 * R13. Between two looks at the log's size it sends at most its share of the room; a log without room is waited for. Whoever speaks into it gets its turn at what
 *      room there is.
 */
import { messageOf, StreamError } from "../errors.ts";
import type { AppendResult, Appender, LinkEvent, Log } from "../log/contracts.ts";
import type { Cancel, Platform } from "../platform/platform.ts";
import { LaneWindow, type LaneAction } from "../protocol/lane.ts";
import { lookAgainAfterFrames, lookAgainAfterMs, patientAllowance, sendAllowance } from "../protocol/room.ts";
import { encodeFrame } from "../record/frame.ts";
import type { ChannelOut, Piece } from "./channel-out.ts";
import { FlightBudget } from "./flight-budget.ts";
import { LaneQueue } from "./lane-queue.ts";
import type { OutputLane } from "./outputs.ts";
import { patiently } from "./patience.ts";
import { type Acknowledged, isTailLost } from "./tail-check.ts";

/** Sizes of a lane. */
export interface LaneOptions {
  readonly frameBytesTarget: number;
  readonly frameBytesMax: number;
  readonly lingerMs: number;
  /** Frames in flight. */
  readonly framesMax: number;
  /** Bytes waiting or in flight above which the lane has no room. */
  readonly laneBytesMax: number;
  /** Bytes waiting or in flight that are too much for good: of a lane whose speakers do not wait for room. @default no bound */
  readonly overflowBytes?: number | undefined;
  /** Size of the log above which the lane is filling, and at which it is not any more: of one whose speakers do not wait for room. @default it never is */
  readonly filling?: { readonly aboveBytes: number; readonly untilBytes: number } | undefined;
  /** Data limit of the log it leads into (R13). */
  readonly dataBytesMax: number;
  /** Copies of the log. */
  readonly replicas: number;
  /** What all lanes of the worker may have in flight together. @default no bound */
  readonly flight?: FlightBudget | undefined;
}

/** Whom a lane tells, and what it must know of the others. */
export interface LaneEvents {
  /** Lanes into the same log, of all workers (R13). */
  lanesInto(): number;
  /** The log has lost what it had acknowledged, or more waits for it than may: the lane has stopped for good. */
  onLost(error: StreamError): void;
  /** Frames sent again, for metrics. */
  onResend(frames: number): void;
}

interface Frame {
  readonly bytes: Uint8Array;
  readonly pieces: readonly Piece[];
}

/** How often a full log is looked at, ms. */
const roomPollMs = 50;
/** A log that has taken nothing for so long is spoken of, ms. */
const complainAfterMs = 5_000;
/** Of what makes a log full enough to be spoken of: so much is sent between two looks because of it. */
const worthALookShare = 1 / 16;

/** A lane. */
export class Lane implements OutputLane {
  readonly #platform: Platform;
  readonly #options: LaneOptions;
  readonly #events: LaneEvents;
  readonly #window: LaneWindow;
  readonly #queue: LaneQueue;
  /** Called when acks have come: of those who speak into it. Made anew when one joins or leaves. */
  #speakers: (() => void)[] = [];
  /** From the oldest unacknowledged frame on; the first `#sent` of them are in flight. */
  #frames: Frame[] = [];
  #sent = 0;
  #framesSent = 0;
  /** Bytes of the frames. */
  #frameBytes = 0;
  #log: Log | undefined;
  #appender: Appender | undefined;
  readonly #flight: FlightBudget;
  /** Called when other lanes have left room in flight; one function, so that a lane waits once. */
  readonly #onFlightFree = () => this.#pump();
  #cancelLinger: Cancel | undefined;
  #cancelTimer: Cancel | undefined;
  #allowance = 0;
  #framesUntilLook = 0;
  #lookedAtMs = -Infinity;
  #isLooking = false;
  #cancelLook: Cancel | undefined;
  #isFilling = false;
  /** Size of the log at the last look, and what has been sent since. */
  #logBytes = 0;
  #sentBytes = 0;
  /** Since when there has been no allowance for the next frame; undefined: there has. */
  #waitingSinceMs: number | undefined;
  /** The last frame acknowledged (R8). */
  #acknowledged: Acknowledged | undefined;
  /** Since when sending has failed, and not for want of room. */
  #failingSinceMs: number | undefined;
  #storedAtMs = -Infinity;
  #hasComplained = false;
  #isClosed = false;

  constructor(platform: Platform, log: Promise<Log>, options: LaneOptions, events: LaneEvents) {
    this.#platform = platform;
    this.#options = options;
    this.#events = events;
    this.#queue = new LaneQueue(options);
    this.#window = new LaneWindow({ framesMax: options.framesMax, bytesMax: options.laneBytesMax });
    this.#flight = options.flight ?? new FlightBudget(Infinity);
    log.then(
      (opened) => this.#open(opened),
      (error: unknown) => this.#gone(error),
    );
  }

  get frameBytesMax(): number {
    return this.#options.frameBytesMax;
  }

  get hasRoom(): boolean {
    return this.bytes < this.#options.laneBytesMax;
  }

  get isFilling(): boolean {
    return this.#isFilling;
  }

  /** Bytes waiting or in flight. */
  get bytes(): number {
    return this.#frameBytes + this.#queue.bytes;
  }

  /** Frames handed to the log so far, repetitions included. */
  get framesSent(): number {
    return this.#framesSent;
  }

  /** Since when the log has not stored anything, though it has room; undefined while it does, and while nothing is sent. */
  get failingSinceMs(): number | undefined {
    return this.#failingSinceMs;
  }

  /** When the log has stored something last; -Infinity when it never has. */
  get storedAtMs(): number {
    return this.#storedAtMs;
  }

  onPending(channel: ChannelOut): void {
    this.#queue.add(channel);
  }

  join(onProgress: () => void): void {
    this.#speakers = [...this.#speakers, onProgress];
  }

  leave(onProgress: () => void): void {
    this.#speakers = this.#speakers.filter((speaker) => speaker !== onProgress);
  }

  offer(): void {
    if (this.#queue.isEmpty) return;
    if (this.bytes > (this.#options.overflowBytes ?? Infinity)) return this.#overflow();
    while (this.#queue.bytes >= this.#options.frameBytesTarget) this.#seal();
    if (this.#frames.length === 0) this.#seal();
    else if (!this.#queue.isEmpty) this.#linger();
    this.#pump();
  }

  forget(channel: ChannelOut): void {
    this.#queue.forget(channel);
  }

  close(): void {
    this.#isClosed = true;
    this.#cancelLinger?.();
    this.#cancelTimer?.();
    this.#cancelLook?.();
    this.#appender?.close();
    this.#flight.give(this.#bytesInFlight());
    this.#sent = 0;
  }

  /** A3: a log that is gone for good stops this lane; the instance that reads the log says what is lost. */
  #gone(error: unknown): void {
    this.#platform.logger.log("error", "a lane cannot reach its log", { reason: messageOf(error) });
    this.close();
  }

  #bytesInFlight(): number {
    let bytes = 0;
    for (let at = 0; at < this.#sent; at += 1) bytes += this.#frames[at]?.bytes.byteLength ?? 0;
    return bytes;
  }

  #open(log: Log): void {
    if (this.#isClosed) return;
    this.#log = log;
    this.#appender = log.appender(
      (tag, attempt, result) => this.#onAppended(tag, attempt, result),
      (event) => this.#onLink(event),
    );
    this.#pump();
  }

  /** Makes one frame of what waits. */
  #seal(): void {
    this.#cancelLinger?.();
    this.#cancelLinger = undefined;
    const pieces = this.#queue.take();
    if (pieces.length === 0) return;
    const bytes = encodeFrame(pieces);
    for (const piece of pieces) piece.channel.recycle(piece);
    this.#frameBytes += bytes.byteLength;
    this.#frames.push({ bytes, pieces });
  }

  #linger(): void {
    this.#cancelLinger ??= this.#platform.clock.schedule(this.#options.lingerMs, () => {
      this.#cancelLinger = undefined;
      this.#seal();
      this.#pump();
    });
  }

  #pump(): void {
    if (this.#isClosed || this.#appender === undefined) return;
    for (let frame = this.#frames[this.#sent]; frame !== undefined; frame = this.#frames[this.#sent]) {
      const size = frame.bytes.byteLength;
      if (!this.#window.canSend(size) || !this.#hasAllowance(size)) break;
      if (!this.#flight.take(size, this.#onFlightFree)) break;
      const { tag, attempt } = this.#window.sent(size, this.#platform.clock.monotonicMs());
      this.#sent += 1;
      this.#framesSent += 1;
      this.#allowance -= size;
      this.#sentBytes += size;
      this.#framesUntilLook -= 1;
      this.#appender.append(frame.bytes, tag, attempt);
    }
    this.#arm();
  }

  // R13: a look at the log's size every so many frames or ms, or when the share is used up.
  #hasAllowance(bytes: number): boolean {
    const isDue =
      this.#framesUntilLook <= 0 || this.#platform.clock.monotonicMs() - this.#lookedAtMs >= lookAgainAfterMs;
    if (isDue || bytes > this.#allowance || this.#mayBeFilling()) void this.#look();
    return bytes <= this.#allowance;
  }

  /** Whether the log may have grown so far, if the other lanes into it have sent as much; asked again when a part of that has been sent. */
  #mayBeFilling(): boolean {
    const { filling } = this.#options;
    if (filling === undefined || this.#isFilling) return false;
    const { aboveBytes } = filling;
    const isWorthALook = this.#sentBytes > aboveBytes * worthALookShare;
    return isWorthALook && this.#logBytes + this.#sentBytes * this.#events.lanesInto() > aboveBytes;
  }

  /** While it is filling the log is looked at again though nothing is sent: its sources wait, and perhaps everybody. */
  #weigh(logBytes: number): void {
    this.#logBytes = logBytes;
    this.#sentBytes = this.#bytesInFlight();
    const { filling } = this.#options;
    if (filling === undefined) return;
    const isFilling = logBytes > (this.#isFilling ? filling.untilBytes : filling.aboveBytes);
    const hasChanged = isFilling !== this.#isFilling;
    this.#isFilling = isFilling;
    if (hasChanged) this.#tellSpeakers();
  }

  /** Each time another one is told first: it may take all the room there is. */
  #tellSpeakers(): void {
    for (const onProgress of this.#speakers) onProgress();
    if (this.#speakers.length < 2) return;
    const first = this.#speakers.shift();
    if (first !== undefined) this.#speakers.push(first);
  }

  async #look(): Promise<void> {
    const log = this.#log;
    if (this.#isLooking || log === undefined) return;
    this.#isLooking = true;
    const state = await patiently(this.#platform, log.name, () => log.info()).catch((error: unknown) =>
      this.#gone(error),
    );
    this.#isLooking = false;
    if (this.#isClosed || state === undefined) return;
    const { bytes } = state;
    this.#allowance = sendAllowance(this.#options.dataBytesMax, bytes, this.#events.lanesInto());
    this.#framesUntilLook = lookAgainAfterFrames;
    this.#lookedAtMs = this.#platform.clock.monotonicMs();
    this.#weigh(bytes);
    const mayGoOn = this.#mayGoOn(bytes);
    if (!mayGoOn || this.#isFilling) this.#lookAgain();
    if (mayGoOn) this.#pump();
  }

  #lookAgain(): void {
    this.#cancelLook ??= this.#platform.clock.schedule(
      roomPollMs,
      () => {
        this.#cancelLook = undefined;
        void this.#look();
      },
      { background: true },
    );
  }

  /** Whether the next frame may be sent into a log of so many bytes; one that has waited for long needs no share. */
  #mayGoOn(logBytes: number): boolean {
    const frame = this.#frames[this.#sent]?.bytes.byteLength ?? 0;
    if (frame > this.#allowance) {
      this.#waitingSinceMs ??= this.#lookedAtMs;
      const waitedMs = this.#lookedAtMs - this.#waitingSinceMs;
      this.#allowance = patientAllowance(this.#options.dataBytesMax, logBytes, frame, waitedMs);
    }
    if (frame > this.#allowance) return false;
    this.#waitingSinceMs = undefined;
    return true;
  }

  #onAppended(tag: number, attempt: number, result: AppendResult): void {
    if (this.#isClosed) return;
    const nowMs = this.#platform.clock.monotonicMs();
    if (result.kind === "stored") this.#storedAtMs = nowMs;
    this.#failingSinceMs = result.kind === "failed" ? (this.#failingSinceMs ?? nowMs) : undefined;
    this.#sayWhy(result, nowMs);
    this.#act(this.#window.onResult(tag, attempt, result, nowMs));
  }

  /** Whoever waits for long says so, once, and when it is over. */
  #sayWhy(result: AppendResult, nowMs: number): void {
    const { logger } = this.#platform;
    if (result.kind !== "failed") {
      if (this.#hasComplained) logger.log("info", "a log takes messages again", { log: this.#log?.name });
      this.#hasComplained = false;
    } else if (!this.#hasComplained && nowMs - (this.#failingSinceMs ?? nowMs) >= complainAfterMs) {
      this.#hasComplained = true;
      logger.log("warn", "a log takes no messages; trying for ever", { log: this.#log?.name, reason: result.reason });
    }
  }

  #onLink(event: LinkEvent): void {
    this.#act(this.#window.onLink(event, this.#platform.clock.monotonicMs()));
    if (event === "reconnected") void this.#checkTail();
  }

  async #checkTail(): Promise<void> {
    const [log, last] = [this.#log, this.#acknowledged];
    if (log === undefined || last === undefined) return;
    const isOver = (): boolean => this.#isClosed || this.#acknowledged !== last;
    // What cannot be asked for good is gone, and nobody's tail.
    const isLost = await isTailLost(this.#platform, log, this.#options.replicas, last, isOver).catch(() => false);
    if (isLost && !isOver()) this.#lose(`what it has acknowledged at sequence ${last.sequence} is not there`);
  }

  #act(action: LaneAction, isUnanswered = false): void {
    if (action.lost !== undefined) {
      const { sequence, after } = action.lost;
      return this.#lose(`a message sent after sequence ${after} was acknowledged is at ${sequence}`);
    }
    if (action.acknowledged > 0) this.#acknowledge(action.acknowledged);
    if (action.resend) {
      // Also when nobody has answered.
      if (isUnanswered) this.#failingSinceMs ??= this.#platform.clock.monotonicMs();
      if (this.#sent > 0) this.#events.onResend(this.#sent);
      const bytes = this.#bytesInFlight();
      this.#sent = 0;
      this.#flight.give(bytes);
    }
    if (action.acknowledged > 0 && !this.#queue.isEmpty && this.#frames.length <= this.#sent) this.#seal();
    this.#pump();
    if (action.acknowledged > 0) this.#tellSpeakers();
  }

  /** R8: the receiver may not have read what is gone, and then cannot know of it. */
  #lose(what: string): void {
    this.close();
    const message = `${this.#log?.name}: ${what}: the log has lost its last messages`;
    this.#events.onLost(new StreamError("DATA_LOST", message));
  }

  #overflow(): void {
    const { bytes } = this;
    this.close();
    const what = `${bytes} bytes wait for room in ${this.#log?.name ?? "it"}, where ${this.#options.dataBytesMax} are`;
    const advice =
      "more is sent back than goes out: let each record go round less often, or give the feedback stream more bytes";
    this.#events.onLost(new StreamError("LOOP_FULL", `the loop is full, ${what}: ${advice}`));
  }

  #acknowledge(count: number): void {
    let answered = 0;
    for (let at = 0; at < count; at += 1) {
      const frame = this.#frames.shift();
      if (frame === undefined) break;
      this.#frameBytes -= frame.bytes.byteLength;
      if (at < this.#sent) answered += frame.bytes.byteLength;
      for (const { channel } of frame.pieces) channel.acknowledge();
      if (at === count - 1) this.#acknowledged = { sequence: this.#window.lastSequence, payload: frame.bytes };
    }
    this.#sent = Math.max(0, this.#sent - count);
    this.#flight.give(answered);
  }

  /** Arms the one timer: timeout of the oldest frame, or the back-off after a refusal. */
  #arm(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    const waitMs = this.#window.waitMs(this.#platform.clock.monotonicMs());
    if (waitMs === undefined || this.#frames.length === 0) return;
    this.#cancelTimer = this.#platform.clock.schedule(waitMs, () =>
      this.#act(this.#window.onTimer(this.#platform.clock.monotonicMs()), true),
    );
  }
}
