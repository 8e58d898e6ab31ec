/**
 * How far the splits of a source, or of a group of sources, may run ahead of each other in event time.
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
import { instanceKey } from "./job-log.ts";

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

/** The alignment of the splits of one group of source stages. */
export class Alignment {
  readonly #maxDriftMs: number;
  readonly #told = new Map<string, Told>();
  readonly #stages: (() => readonly AlignedMember[])[] = [];

  constructor(maxDriftMs: number) {
    this.#maxDriftMs = maxDriftMs;
  }

  /** A stage is one of the group; `members` answers what is known of its splits at the moment. */
  join(members: () => readonly AlignedMember[]): void {
    this.#stages.push(members);
  }

  /** Who has to be told what, now that `reporter` has reported (undefined: nobody has, somebody was assigned). */
  decide(reporter: InstanceId | undefined, nowMs: number): readonly ReadLimit[] {
    const members = this.#stages.flatMap((membersOf) => membersOf());
    return members.flatMap((member) => {
      const { instance, epoch } = member;
      const watermark = this.#limitOf(member, members);
      const isReporter = reporter !== undefined && instanceKey(reporter) === instanceKey(instance);
      if (!this.#isNews(member, watermark, isReporter, nowMs)) return [];
      this.#told.set(instanceKey(instance), { epoch, watermark, atMs: nowMs });
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
    const told = this.#told.get(instanceKey(instance));
    if (told?.epoch !== epoch || limit < told.watermark) return true;
    if (isReporter && nowMs - told.atMs >= againMs) return true;
    return limit > told.watermark && reached > told.watermark - this.#maxDriftMs / 2;
  }
}

/** A source stage that may be aligned. */
export interface AlignedStage {
  readonly maxDriftMs?: number | undefined;
  readonly driftGroup?: string | undefined;
}

/** The alignment of each stage, in their order: one for all stages of a group; none for those that are not aligned. */
export function alignmentsOf(stages: readonly AlignedStage[]): readonly (Alignment | undefined)[] {
  const groups = new Map<string, Alignment>();
  return stages.map(({ maxDriftMs, driftGroup }) => {
    if (maxDriftMs === undefined) return undefined;
    const alignment = (driftGroup === undefined ? undefined : groups.get(driftGroup)) ?? new Alignment(maxDriftMs);
    if (driftGroup !== undefined) groups.set(driftGroup, alignment);
    return alignment;
  });
}
