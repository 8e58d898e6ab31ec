/**
 * When a loop is over.
 *
 * Owns the decision; rounds are asked for and reports handed in by the actors. A loop has no last message that could announce its end: it is over when nothing
 * comes in any more and nothing is on its way round.
 *
 * G4. Nothing is on its way when every instance of the loop is quiet (everything read is done, acknowledged and waits for no call), nothing comes from outside,
 *     and all together have taken as many records over the loop's edges as all have sent: numbers of channels (R1, R2), which never go back but by a restore,
 *     and then come again. At the end no timer of processing time may be waiting either.
 * G5. Reports of one moment are not taken at one moment. What they say counts when they have said it twice: all of a round after all of the round before, with
 *     no number changed (Mattern, "Algorithms for distributed termination detection", 1987: four counters).
 * G6. The end comes in two steps. First everything in the loop that waits for event time fires: it stands at `lastInstant` to those behind. What comes of
 *     that goes round, too. Then the loop ends, and its stages with it.
 * R17. A savepoint comes to a loop when nothing comes from outside of it any more and nothing is on its way: from there on its drain travels as everywhere.
 */
import type { InstanceId, LoopCount } from "../record/messages.ts";
import { instanceKey } from "./job-log.ts";

/** Event time behind a loop that has fired everything and may still say something: after every timestamp, before the end. */
export const lastInstant: number = Number.MAX_SAFE_INTEGER;

/** Event time as the operators of a stage see it: in a loop, `lastInstant` is the end of the input to them (G6). */
export function programTime({ loop }: { readonly loop?: number | undefined }, watermark: number): number {
  return loop !== undefined && watermark >= lastInstant ? Infinity : watermark;
}

/** What an instance of a loop has reported. */
export interface LoopReport {
  readonly instance: InstanceId;
  readonly epoch: number;
  /** Event time that it has applied, all acknowledged. */
  readonly watermark: number;
  readonly count: LoopCount;
}

/** What is to be said of the loop's event time: nothing yet, that everything fires, that it is over. */
export type LoopStep = "going" | "fire" | "end";

/** The rounds of one leader, over all of its loops: each number is asked for once (G5). */
export class LoopRounds {
  /** Epoch of the leader. */
  readonly leader: number;
  #newest = 0;

  constructor(leader: number) {
    this.leader = leader;
  }

  /** What instances of loops are to answer. */
  get newest(): number {
    return this.#newest;
  }

  next(): number {
    this.#newest += 1;
    return this.#newest;
  }
}

/** Watches one loop, for one leader. */
export class LoopEnd {
  readonly instances: readonly InstanceId[];
  readonly #rounds: LoopRounds;
  readonly #reports = new Map<string, LoopReport>();
  /** What the round before said, when nothing was on its way then. */
  #before: string | undefined;
  /** The savepoint that the loop is looked at for; undefined: for its end. */
  #isFor: number | undefined;
  /** What everybody is to answer, by a report that is made after having heard it. */
  #round: number;
  #step: LoopStep = "going";
  #drained = 0;

  /** `instances`: all of the loop's stages. */
  constructor(rounds: LoopRounds, instances: readonly InstanceId[]) {
    this.#rounds = rounds;
    this.instances = instances;
    this.#round = rounds.next();
  }

  get step(): LoopStep {
    return this.#step;
  }

  /** The savepoint for which the loop was found empty last; 0: none. */
  get drained(): number {
    return this.#drained;
  }

  /** Records on their way round, as far as is known. */
  get underWay(): number {
    let sum = 0;
    for (const { count } of this.#reports.values()) sum += count.sent - count.taken;
    return Math.max(0, sum);
  }

  /** An instance is assigned anew: what its last incarnation said counts no more. */
  forget(instance: InstanceId): void {
    this.#reports.delete(instanceKey(instance));
    this.#before = undefined;
  }

  /**
   * Takes a report of the epoch that the job log names; answers whether the round, the step, or what it is drained for is another one now. `savepoint`: id of the one
   * that is being taken; while there is one, the end waits.
   */
  report(report: LoopReport, savepoint?: number): boolean {
    this.#reports.set(instanceKey(report.instance), report);
    if (this.#isFor !== savepoint) this.#before = undefined;
    this.#isFor = savepoint;
    const isDone = savepoint === undefined ? this.#step === "end" : this.#drained === savepoint;
    if (isDone || !this.#hasAllOfRound) return false;
    const said = this.#isStill(savepoint) ? this.#numbers : undefined;
    if (said === undefined) {
      this.#before = undefined;
      return false;
    }
    if (said === this.#before) this.#goOn();
    else this.#before = said;
    this.#round = this.#rounds.next();
    return true;
  }

  #goOn(): void {
    this.#before = undefined;
    if (this.#isFor !== undefined) {
      this.#drained = this.#isFor;
      return;
    }
    this.#step = this.#step === "going" ? "fire" : "end";
  }

  get #hasAllOfRound(): boolean {
    return this.instances.every((instance) => {
      const count = this.#reports.get(instanceKey(instance))?.count;
      return count?.leader === this.#rounds.leader && count.round >= this.#round;
    });
  }

  /** G4. When everything is to have fired, that must have been applied. */
  #isStill(savepoint: number | undefined): boolean {
    const reports = [...this.#reports.values()];
    const reached = this.#step === "fire" ? lastInstant : -Infinity;
    const isOver = ({ count, watermark }: LoopReport) =>
      savepoint === undefined
        ? count.outside === Infinity && !count.hasTimers && watermark >= reached
        : count.outside >= savepoint;
    const isQuiet = reports.every((report) => report.count.isQuiet && isOver(report));
    return isQuiet && reports.reduce((sum, { count }) => sum + count.sent - count.taken, 0) === 0;
  }

  get #numbers(): string {
    return this.instances
      .map((instance) => {
        const report = this.#reports.get(instanceKey(instance));
        return report === undefined ? "" : `${report.epoch} ${report.count.sent} ${report.count.taken}`;
      })
      .join(", ");
  }
}
