/**
 * When an instance takes its snapshots.
 *
 * Owns what has been read since the last one, and that there is one at a time; how it is taken is the snapshotter's business.
 *
 * T1. An incarnation's first one comes after an eighth of the interval: however often an instance crashes or moves, it gets further, and what a
 *     successor reads again does not grow.
 * T2. The inbox is looked at when it may be more than half full: by what it held at the last look, and has given to read since. Before the first look, and while
 *     more requests wait than may (R14), nobody knows; what lies there may all have been read by an earlier incarnation. A log counts more of a message than its
 *     payload: many small ones (ticks, watermarks) fill an inbox of which little has been read.
 * T3. After the last one of an ended input only room is a reason: a sender that begins anew says everything again, and is not done before all of it is stored.
 */
import type { Clock } from "../platform/platform.ts";
import { decideSnapshot } from "../protocol/snapshot.ts";
import type { Feed } from "./feed.ts";

/** Sizes and times of the job's options. */
export interface SnapshotLimits {
  readonly snapshotBytes: number;
  readonly snapshotIntervalMs: number;
  readonly inboxBytes: number;
}

/** T1. */
const firstShare = 1 / 8;

/** T2. */
const crowdedShare = 1 / 2;

/** T2: what a log counts of a message beyond its payload, at most: its subject, its header and its place. */
const overheadBytes = 256;

/** Decides about the snapshots of one incarnation. */
export class SnapshotSchedule {
  readonly #clock: Clock;
  readonly #limits: SnapshotLimits;
  #atMs: number;
  #bytes = 0;
  #position: number;
  #isTaking = false;
  #isOver = false;
  /** T2: what the inbox may hold, less what has been read. */
  #heldBytes = Infinity;

  /** `position`: what the snapshot that was restored covers. */
  constructor(clock: Clock, limits: SnapshotLimits, position: number) {
    this.#clock = clock;
    this.#limits = limits;
    this.#atMs = clock.monotonicMs() - limits.snapshotIntervalMs * (1 - firstShare);
    this.#position = position;
  }

  get isTaking(): boolean {
    return this.#isTaking;
  }

  /** Whether the last snapshot of an ended input has been taken. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** Bytes read since the last snapshot was begun. */
  bytesSince(feed: Feed): number {
    return feed.bytesRead - this.#bytes;
  }

  /** Whether the inbox is to be looked at (T2). */
  mayBeCrowded(feed: Feed): boolean {
    return feed.isHoldingBack || this.#heldBytes + weightOf(feed) > this.#limits.inboxBytes * crowdedShare;
  }

  /** The inbox has been looked at. */
  looked(feed: Feed, inboxBytes: number): void {
    this.#heldBytes = inboxBytes - weightOf(feed);
  }

  /** Whether the last snapshot does not cover everything that has been read. */
  hasProgressed(feed: Feed): boolean {
    return feed.position > this.#position;
  }

  /** Whether one is due, between two turns. `inboxBytes`: what the log holds, 0 when not looked up; `isEnded`: all is read, fired and acknowledged. */
  isDue(feed: Feed, inboxBytes: number, isEnded: boolean): boolean {
    if (this.#isTaking) return false;
    const reason = decideSnapshot({
      bytesSince: this.bytesSince(feed),
      msSince: this.#clock.monotonicMs() - this.#atMs,
      hasProgressed: !this.#isOver && this.hasProgressed(feed),
      inboxBytes,
      dataLimit: this.#limits.inboxBytes,
      hasReadEverything: feed.hasReadEverything,
      isHoldingBack: feed.isHoldingBack,
      isEnded: isEnded && !this.#isOver,
      snapshotBytes: this.#limits.snapshotBytes,
      snapshotIntervalMs: this.#limits.snapshotIntervalMs,
    });
    return reason !== undefined;
  }

  /** Runs `take` as the one snapshot being taken; its cut is made before `take` awaits anything. */
  async run(feed: Feed, isLast: boolean, take: () => Promise<unknown>): Promise<void> {
    this.#isTaking = true;
    this.#atMs = this.#clock.monotonicMs();
    this.#bytes = feed.bytesRead;
    const { position } = feed;
    await take();
    this.#position = position;
    this.#isTaking = false;
    this.#isOver = isLast;
  }
}

/** What the log may count of all that has been read. */
function weightOf({ bytesRead, position }: Feed): number {
  return bytesRead + position * overheadBytes;
}
