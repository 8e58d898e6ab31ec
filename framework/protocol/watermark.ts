/**
 * How event time crosses an exchange: the minimum that a stage's supervisor takes, and what a receiver makes of it.
 *
 * Owns both ends of R10 as decisions; reports, controls and epochs are handed in, publishing and firing are the actors' business.
 *
 * R10. The minimum is over the instances that are neither idle nor ended, of exactly the epochs that the job log names; Infinity is a flag of its own:
 * every instance has ended. A receiver takes no control that was decided before an epoch it has adopted.
 * R16. An idle instance, and an idle edge, hold nothing back, and end nothing.
 * R17. A drain travels with a watermark, and counts when that does.
 * W1. A watermark never goes back: not an edge's, not the receiver's; the stage's only when an instance is assigned anew.
 * G2. An edge that carries no event time (`timeless`: behind it stands only what was sent back) counts when the others have ended; until then it holds nothing
 *     back, and is no reason to be active.
 * W2. What is published rests on the current epochs alone. To publish the older, higher value again with the new position of the job log would
 * make receivers take what they had rightly refused.
 */
import { StreamError } from "../errors.ts";
import type { Activity, InstanceId, Report, WatermarkControl } from "../record/messages.ts";
import type { EdgeState } from "../record/snapshot-record.ts";
import type { AlignedMember } from "./alignment.ts";
import { instanceKey } from "./job-log.ts";

/** Event time of a stage, as its supervisor publishes it. */
export interface StageWatermark {
  readonly watermark: number;
  /** No instance is active and not all have ended: receivers leave the edge out. */
  readonly isIdle: boolean;
}

/** What is known of one instance in its current epoch. */
interface Member {
  readonly instance: InstanceId;
  readonly epoch: number;
  n: number;
  watermark: number;
  activity: Activity;
}

/** The sender's side: the minimum over the instances of one stage. A new leader begins with an empty one. */
export class StageMinimum {
  readonly #members = new Map<string, Member>();
  #hasOpenSplits: boolean;
  #held = -Infinity;
  #hasDecided = false;

  /** Without instances it is a stage whose splits are open, until it is told otherwise. */
  constructor(instances: readonly InstanceId[]) {
    this.#hasOpenSplits = instances.length === 0;
    for (const instance of instances) this.assign(instance, 0);
  }

  /**
   * The job log names `epoch` for the instance: it counts as active at -Infinity until that epoch reports.
   *
   * What was decided before is forgotten, for it may rest on what the older epoch said after it was fenced (W2).
   */
  assign(instance: InstanceId, epoch: number): void {
    const key = instanceKey(instance);
    const member = this.#members.get(key);
    if (member !== undefined && epoch <= member.epoch) return;
    this.#members.set(key, { instance, epoch, n: 0, watermark: -Infinity, activity: "active" });
    this.#held = -Infinity;
  }

  /** More splits of this source stage may follow: counts as one more active instance at -Infinity. */
  setSplitsOpen(isOpen: boolean): void {
    this.#hasOpenSplits = isOpen;
  }

  /** Takes a report of exactly the assigned epoch that is newer than the last one; answers whether it was. */
  report(report: Report): boolean {
    const member = this.#members.get(instanceKey(report.instance));
    if (member === undefined || report.epoch !== member.epoch || report.n <= member.n) return false;
    member.n = report.n;
    member.watermark = Math.max(member.watermark, report.watermark);
    member.activity = report.activity;
    return true;
  }

  /** What is known of each instance, in order of assignment. */
  get members(): readonly AlignedMember[] {
    return [...this.#members.values()].map((member) => ({
      instance: member.instance,
      epoch: member.epoch,
      watermark: member.watermark,
      isActive: !hasEnded(member) && member.activity !== "idle",
    }));
  }

  /** What is to be published, exactly so; undefined while there is nothing to say. */
  decide(): StageWatermark | undefined {
    const decided = this.#decide();
    const isUnknown = decided.watermark === -Infinity && !decided.isIdle;
    if (isUnknown && !this.#hasDecided) return undefined;
    this.#hasDecided = true;
    this.#held = decided.watermark;
    return decided;
  }

  #decide(): StageWatermark {
    const going = [...this.#members.values()].filter((member) => !hasEnded(member));
    const active = going.filter((member) => member.activity !== "idle");
    if (this.#hasOpenSplits) return { watermark: this.#held, isIdle: false };
    if (going.length === 0) return { watermark: Infinity, isIdle: false };
    if (active.length === 0) return { watermark: this.#held, isIdle: true };
    const minimum = active.reduce((least, member) => Math.min(least, member.watermark), Infinity);
    return { watermark: Math.max(this.#held, minimum), isIdle: false };
  }
}

/** An instance at Infinity has nothing more to say, whatever it calls itself: no minimum is ever taken over it. */
function hasEnded({ activity, watermark }: Member): boolean {
  return activity === "ended" || activity === "finished" || watermark === Infinity;
}

interface EdgeClock {
  watermark: number;
  isIdle: boolean;
  epoch: number;
  /** Number of the newest control of the leader. */
  n: number;
  /** Id of the newest savepoint before which nothing more comes; 0: of none. */
  drained: number;
}

/** The receiver's side: what an instance knows of its edges' event time. A pure function of the inbox, and in the snapshot. */
export class EdgeClocks {
  readonly #edges: ReadonlyMap<number, EdgeClock>;
  readonly #ordinary: readonly EdgeClock[];
  readonly #timeless: readonly EdgeClock[];
  #leader = 0;
  #watermark = -Infinity;

  constructor(edges: readonly number[], timeless: readonly number[] = []) {
    this.#edges = new Map(
      edges.map((edge) => [edge, { watermark: -Infinity, isIdle: false, epoch: 0, n: 0, drained: 0 }]),
    );
    const clocksOf = (isWanted: (edge: number) => boolean) =>
      [...this.#edges].flatMap(([edge, clock]) => (isWanted(edge) ? [clock] : []));
    this.#timeless = clocksOf((edge) => timeless.includes(edge));
    this.#ordinary = clocksOf((edge) => !timeless.includes(edge));
  }

  /** Event time of all edges together; Infinity only when every edge has ended. */
  get watermark(): number {
    return this.#watermark;
  }

  /** Whether nothing can be expected at the moment: every edge that has not ended is idle, and one is. */
  get isIdle(): boolean {
    const going = this.#ordinary.filter((clock) => clock.watermark < Infinity);
    return going.length > 0 && going.every((clock) => clock.isIdle);
  }

  /** Whether that edge has ended: nothing new can come over it (R10). */
  hasEnded(edge: number): boolean {
    return this.#clock(edge).watermark === Infinity;
  }

  /**
   * Id of the newest savepoint before which nothing more comes over any edge (R17); 0 while there is none. Which edges have to be drained for it is decided
   * here and nowhere else.
   */
  get drained(): number {
    const all = [...this.#edges.values()];
    return all.reduce((least, { drained }) => Math.min(least, drained), all[0]?.drained ?? 0);
  }

  /** The same of the edges that are not in `inner`; Infinity when those have ended, or there are none. */
  drainedBeside(inner: ReadonlySet<number>): number {
    let least = Infinity;
    for (const [edge, { drained, watermark }] of this.#edges)
      if (!inner.has(edge) && watermark < Infinity) least = Math.min(least, drained);
    return least;
  }

  /** Highest leader epoch seen. */
  get leader(): number {
    return this.#leader;
  }

  /**
   * An epoch of an instance of that edge has been adopted: controls decided before it are void from here on.
   *
   * The edge is active again (R16): the new incarnation speaks without having been answered. It says anew that it has come to a savepoint (R17).
   */
  adopt(edge: number, epoch: number): void {
    const clock = this.#clock(edge);
    if (epoch <= clock.epoch) return;
    clock.epoch = epoch;
    clock.isIdle = false;
    clock.drained = 0;
  }

  /** Takes one control; answers whether it counted. @throws CORRUPT for an edge that does not lead here */
  control(control: WatermarkControl): boolean {
    const clock = this.#clock(control.edge);
    if (control.leader < this.#leader) return false;
    if (control.leader > this.#leader) this.#follow(control.leader);
    if (control.n <= clock.n) return false;
    clock.n = control.n;
    if (control.upto < clock.epoch) return false;
    clock.watermark = Math.max(clock.watermark, control.watermark);
    clock.isIdle = control.isIdle;
    clock.drained = Math.max(clock.drained, control.drains ?? 0);
    this.#watermark = Math.max(this.#watermark, this.#minimum());
    return true;
  }

  /** What the snapshot keeps. */
  states(): EdgeState[] {
    return [...this.#edges].map(([edge, { drained, ...clock }]) => ({ edge, ...clock, drained: drained || undefined }));
  }

  /**
   * Goes on from a snapshot; called before the first message. The combined watermark is -Infinity until the next control that counts: the caller keeps its
   * own. Taken at once, the minimum could be one that was never taken before (an edge adopted since the last control is active again), and a replay would
   * fire what its original did not.
   */
  restore(states: readonly EdgeState[], leader: number): void {
    for (const { edge, drained = 0, ...clock } of states) Object.assign(this.#clock(edge), { ...clock, drained });
    this.#leader = leader;
  }

  // R16: only the newest leader says who is idle. What an older one said it cannot take back any more.
  #follow(leader: number): void {
    this.#leader = leader;
    for (const clock of this.#edges.values()) {
      clock.isIdle = false;
      clock.n = 0;
    }
  }

  #minimum(): number {
    const isGoing = (clock: EdgeClock) => clock.watermark < Infinity;
    const ordinary = this.#ordinary.filter(isGoing);
    const going = ordinary.length > 0 ? ordinary : this.#timeless.filter(isGoing);
    if (going.length === 0 && this.#edges.size > 0) return Infinity;
    const active = going.filter((clock) => !clock.isIdle);
    return active.length === 0
      ? -Infinity
      : active.reduce((least, clock) => Math.min(least, clock.watermark), Infinity);
  }

  #clock(edge: number): EdgeClock {
    const clock = this.#edges.get(edge);
    if (clock === undefined)
      throw new StreamError("CORRUPT", `edge ${edge} does not lead here; known: ${[...this.#edges.keys()].join(", ")}`);
    return clock;
  }
}
