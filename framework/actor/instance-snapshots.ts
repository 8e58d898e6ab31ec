/**
 * The snapshots of one incarnation: when one is due, and that there is one at a time.
 *
 * Owns what joins the schedule to the snapshotter; what follows from a snapshot for the lifecycle is the instance's business.
 *
 * FZ2. The snapshot of a savepoint is one that the pointer names: whoever succeeds the incarnation begins where it is frozen (R17).
 */
import type { Clock } from "../platform/platform.ts";
import type { Manifest } from "../record/snapshot-record.ts";
import type { Incarnation } from "./assembly.ts";
import type { InstanceMeter } from "./instance-meter.ts";
import { SnapshotSchedule, type SnapshotLimits } from "./snapshot-schedule.ts";

/** How often what must become true is looked at, ms. */
const lookMs = 5;

/** Whom the snapshots are of. */
export interface SnapshotsOwner {
  readonly clock: Clock;
  readonly meter: InstanceMeter;
  isClosed(): boolean;
  /** Everything has been read, applied and acknowledged. */
  isEnded(): boolean;
  began(): void;
  /** The pointer has moved, and the sinks have committed; `isLast`: of an ended input. */
  done(isLast: boolean): void;
  failed(error: unknown): void;
}

/** Takes the snapshots of one incarnation. */
export class InstanceSnapshots {
  readonly #incarnation: Pick<Incarnation, "feed" | "snapshotter">;
  readonly #owner: SnapshotsOwner;
  readonly #schedule: SnapshotSchedule;

  constructor(incarnation: Pick<Incarnation, "feed" | "snapshotter">, limits: SnapshotLimits, owner: SnapshotsOwner) {
    this.#incarnation = incarnation;
    this.#owner = owner;
    this.#schedule = new SnapshotSchedule(owner.clock, limits, incarnation.feed.position);
  }

  get isTaking(): boolean {
    return this.#schedule.isTaking;
  }

  /** Whether the last snapshot does not cover everything that has been read. */
  get hasProgressed(): boolean {
    return this.#schedule.hasProgressed(this.#incarnation.feed);
  }

  /** What the inbox holds, when it may be crowded; else 0. @throws UNAVAILABLE, TIMEOUT */
  async look(): Promise<number> {
    const { feed } = this.#incarnation;
    if (!this.#schedule.mayBeCrowded(feed)) return 0;
    const bytes = (await feed.look())?.bytes ?? 0;
    this.#schedule.looked(feed, bytes);
    return bytes;
  }

  /** Takes one if it is due; `isEnded`: all is read, fired and acknowledged, what the instance has said to itself, too. */
  consider(inboxBytes: number, isEnded: boolean): void {
    if (this.#schedule.isDue(this.#incarnation.feed, inboxBytes, isEnded)) void this.#takeOrFail();
  }

  /** Takes one, of this very moment. @throws FENCED, CORRUPT, UNAVAILABLE */
  async take(isRelease = false): Promise<void> {
    const { feed, snapshotter } = this.#incarnation;
    const { meter, clock } = this.#owner;
    if (this.#owner.isClosed()) return;
    const isLast = this.#owner.isEnded();
    this.#owner.began();
    const cutAtMs = clock.monotonicMs();
    await this.#schedule.run(feed, isLast, async () => meter.snapshotTaken(await snapshotter.take(isRelease), cutAtMs));
    if (!this.#owner.isClosed()) this.#owner.done(isLast);
  }

  /** Makes the pointer name a snapshot of what is frozen; undefined when `isOver` before (FZ2). */
  async frozen(isOver: () => boolean): Promise<Manifest | undefined> {
    const { snapshotter } = this.#incarnation;
    while (this.isTaking && !isOver())
      await new Promise<void>((resolve) => this.#owner.clock.schedule(lookMs, resolve));
    const isBehind = this.hasProgressed || snapshotter.current === undefined;
    if (isBehind && !isOver()) await this.#takeOrFail();
    return isOver() ? undefined : snapshotter.current;
  }

  async #takeOrFail(): Promise<void> {
    await this.take().catch((error: unknown) => this.#owner.failed(error));
  }
}
