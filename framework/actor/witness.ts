/**
 * What a worker has heard of the progress of incarnations: whoever leads next is to know what a death has interrupted (R15).
 *
 * Owns which have come to where nothing of the time before them is left: by reports while this worker leads, by the others' announcements while it does not. What was
 * not heard is no progress.
 */
import { instanceKey } from "../protocol/job-log.ts";
import type { InstanceId, Report } from "../record/messages.ts";

interface Heard {
  readonly epoch: number;
  /** Of its first report, and of the newest. */
  readonly snapshotBefore: number;
  readonly snapshot: number;
  readonly hasCaughtUp: boolean;
  readonly hasEnded: boolean;
}

/** Epochs remembered of those that were announced; they only grow, so the oldest are those of the dead. */
const announcedMax = 65_536;
const ended: ReadonlySet<string> = new Set(["ended", "finished"]);

/** The progress of incarnations. */
export class Witness {
  readonly #heard = new Map<string, Heard>();
  readonly #announced = new Set<number>();

  /** A worker has said which of its incarnations have settled. */
  announced(epochs: readonly number[]): void {
    for (const epoch of epochs) this.#announced.add(epoch);
    for (const oldest of this.#announced) {
      if (this.#announced.size <= announcedMax) break;
      this.#announced.delete(oldest);
    }
  }

  /** A report has been heard. */
  reported({ instance, epoch, snapshot, state, activity }: Report): void {
    const key = instanceKey(instance);
    const before = this.#heard.get(key);
    if (before !== undefined && epoch < before.epoch) return;
    const same = before?.epoch === epoch ? before : undefined;
    this.#heard.set(key, {
      epoch,
      snapshot: Math.max(snapshot, same?.snapshot ?? 0),
      snapshotBefore: same?.snapshotBefore ?? snapshot,
      hasCaughtUp: same?.hasCaughtUp === true || state === "running",
      hasEnded: ended.has(activity),
    });
  }

  /**
   * Whether this incarnation has come to where nothing of the time before is left: of an inbox, its own epoch-start; of a split, which says nothing of the kind, a
   * snapshot of its own, or the end.
   */
  hasProgressed(instance: InstanceId, epoch: number, isSource: boolean): boolean {
    if (this.#announced.has(epoch)) return true;
    const heard = this.#heard.get(instanceKey(instance));
    if (heard?.epoch !== epoch) return false;
    if (heard.hasEnded) return true;
    return isSource ? heard.snapshot > heard.snapshotBefore : heard.hasCaughtUp;
  }

  /** Sequence of the newest snapshot of this incarnation that its pointer is known to name; 0 where nothing is known. */
  snapshot(instance: InstanceId, epoch: number): number {
    const heard = this.#heard.get(instanceKey(instance));
    return heard?.epoch === epoch ? heard.snapshot : 0;
  }
}
