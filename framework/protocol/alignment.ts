/**
 * How far the splits of a source may run ahead of each other in event time.
 *
 * Owns the decision how far each may read, and what each has been told. It decides *when* a split is read, never what is read: nothing of it is logged, and
 * nothing correct rests on it. Reports and messages are handed in and carried out by the actors.
 *
 * D1. A split may read until its watermark is more than `maxDriftMs` ahead of the slowest *other* split that is active; idle and ended ones hold nobody up. The
 *     slowest one is never held up.
 * D2. A limit that was lost on its way is said again with the next report of the split: they come once a second. What may be held up hears at once of a
 *     higher limit.
 * D3. A split that has been assigned anew counts as slowest until it reports, as it does for the watermark (R10).
 */
import type { InstanceId } from "../record/messages.ts";

/** One split as its supervisor knows it. */
export interface AlignedMember {
  readonly instance: InstanceId;
  readonly epoch: number;
  readonly watermark: number;
  /** Neither idle nor ended. */
  readonly isActive: boolean;
}

/** How far one incarnation of a split may read. */
export interface ReadLimit {
  readonly instance: InstanceId;
  readonly epoch: number;
  /** It pauses while its watermark is larger. */
  readonly watermark: number;
}

/** Time after which a split is told its limit again. */
const againMs = 1_000;

interface Told {
  readonly epoch: number;
  readonly watermark: number;
  readonly atMs: number;
}

/** The alignment of the splits of one stage. */
export class Alignment {
  readonly #maxDriftMs: number;
  readonly #told = new Map<number, Told>();

  constructor(maxDriftMs: number) {
    this.#maxDriftMs = maxDriftMs;
  }

  /** Who has to be told what, now that `reporter` has reported (undefined: nobody has, somebody was assigned). */
  decide(members: readonly AlignedMember[], reporter: InstanceId | undefined, nowMs: number): readonly ReadLimit[] {
    return members.flatMap((member) => {
      const { instance, epoch } = member;
      const watermark = this.#limitOf(member, members);
      const isReporter = reporter?.partition === instance.partition;
      if (!this.#isNews(member, watermark, isReporter, nowMs)) return [];
      this.#told.set(instance.partition, { epoch, watermark, atMs: nowMs });
      return [{ instance, epoch, watermark }];
    });
  }

  /** D1. */
  #limitOf(member: AlignedMember, members: readonly AlignedMember[]): number {
    const others = members.filter((other) => other !== member && other.isActive);
    return others.reduce((slowest, { watermark }) => Math.min(slowest, watermark), Infinity) + this.#maxDriftMs;
  }

  /** D2. A limit that has grown is news to whoever has used up half of what it was given. */
  #isNews(
    { instance, epoch, watermark: reached }: AlignedMember,
    limit: number,
    isReporter: boolean,
    nowMs: number,
  ): boolean {
    const told = this.#told.get(instance.partition);
    if (told?.epoch !== epoch || limit < told.watermark) return true;
    if (isReporter && nowMs - told.atMs >= againMs) return true;
    return limit > told.watermark && reached > told.watermark - this.#maxDriftMs / 2;
  }
}
