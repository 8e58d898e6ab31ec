/**
 * What one incarnation is measured by.
 *
 * Owns counters and the newest looks; measures nothing by itself: whoever does the work tells it, once per turn at most.
 */
import type { Clock } from "../platform/platform.ts";
import type { Counts, Load } from "../record/messages.ts";
import type { InstanceMeasures, InstanceWork } from "../telemetry/measures.ts";
import { BusyShare } from "../telemetry/busy-share.ts";
import { TurnDurations } from "../telemetry/turn-durations.ts";
import type { FeedLook } from "./feed.ts";

/** How long a percentile stands before it is computed anew, ms. */
const percentileMs = 500;
/** Of one that has counted nothing. */
export const noCounts: Counts = { recordsIn: 0, recordsOut: 0, late: 0, deadLetters: 0, windowsOut: 0 };

/** Meters one incarnation. */
export class InstanceMeter {
  readonly #clock: Clock;
  readonly #durations = new TurnDurations();
  readonly #busy = new BusyShare();
  readonly #busyOf: () => number | undefined;
  #turns = 0;
  #turnMs = 0;
  /** Time in which what turns had said was encoded and sent. */
  #flushMs = 0;
  /** Of a turn that goes on in the next slice (O3). */
  #unfinishedMs = 0;
  #restored = noCounts;
  #snapshots = 0;
  #snapshot = { atMs: 0, durationMs: 0, bytes: 0 };
  #coveredAtMs: number;
  #inbox: FeedLook | undefined;
  #p99 = { ms: 0, atMs: -Infinity };

  /** @param busyOf what is said instead of the share that is measured */
  constructor(clock: Clock, busyOf: () => number | undefined = () => undefined) {
    this.#clock = clock;
    this.#busyOf = busyOf;
    this.#coveredAtMs = clock.monotonicMs();
  }

  /** The incarnation goes on from a snapshot that had counted so much: that was somebody else's work. */
  restored(counts: Counts): void {
    this.#restored = counts;
    this.#coveredAtMs = this.#clock.monotonicMs();
  }

  /** A turn, or a slice of one, has ended at `nowMs` (monotonic). */
  turned(durationMs: number, nowMs: number, isUnfinished: boolean): void {
    this.#turnMs += durationMs;
    this.#unfinishedMs += durationMs;
    if (isUnfinished) return;
    this.#turns += 1;
    this.#durations.record(this.#unfinishedMs, nowMs);
    this.#unfinishedMs = 0;
  }

  /** What turns have said has been handed to lanes and sinks, which took so long: no turn, and work all the same. */
  flushed(durationMs: number): void {
    this.#flushMs += durationMs;
  }

  /** The pointer names a new snapshot, whose cut was at `cutAtMs` (monotonic). */
  snapshotTaken(bytes: number, cutAtMs: number): void {
    this.#snapshots += 1;
    this.#coveredAtMs = cutAtMs;
    const durationMs = Math.round(this.#clock.monotonicMs() - cutAtMs);
    this.#snapshot = { atMs: Math.max(0, Math.round(this.#clock.now())), durationMs, bytes };
  }

  /** The inbox has been looked at; undefined where there is none. */
  looked(look: FeedLook | undefined): void {
    this.#inbox = look;
  }

  /** What a report says of all this. */
  load(): Load {
    return {
      lag: this.#inbox?.lag ?? 0,
      inboxBytes: this.#inbox?.bytes ?? 0,
      snapshotAt: this.#snapshot.atMs,
      snapshotDurationMs: this.#snapshot.durationMs,
      snapshotBytes: this.#snapshot.bytes,
      turnP99Ms: this.#turnP99Ms(),
      busy: this.#busyOf() ?? this.#busy.sample(this.#turnMs + this.#flushMs, this.#clock.monotonicMs()),
    };
  }

  /** Everything, for an incarnation that has counted `counts` in all, and has read beyond its last snapshot or not. */
  measures(counts: Counts, hasProgressed: boolean): Pick<InstanceMeasures, MeteredKeys> {
    return {
      work: this.#work(counts),
      inbox: this.#inbox,
      snapshot: this.#snapshot,
      uncoveredMs: hasProgressed ? this.#clock.monotonicMs() - this.#coveredAtMs : 0,
      turnP99Ms: this.#turnP99Ms(),
    };
  }

  #work(counts: Counts): InstanceWork {
    const since = this.#restored;
    return {
      recordsIn: counts.recordsIn - since.recordsIn,
      recordsOut: counts.recordsOut - since.recordsOut,
      late: counts.late - since.late,
      deadLetters: counts.deadLetters - since.deadLetters,
      windowsOut: counts.windowsOut - since.windowsOut,
      turns: this.#turns,
      turnMs: this.#turnMs,
      snapshots: this.#snapshots,
    };
  }

  #turnP99Ms(): number {
    const nowMs = this.#clock.monotonicMs();
    if (nowMs - this.#p99.atMs >= percentileMs)
      this.#p99 = { ms: this.#durations.percentileMs(0.99, nowMs), atMs: nowMs };
    return this.#p99.ms;
  }
}

type MeteredKeys = "work" | "inbox" | "snapshot" | "uncoveredMs" | "turnP99Ms";
