/**
 * What an instance of a loop counts for the loop's end.
 *
 * Owns which of the instance's edges belong to the loop, and what it has answered last. What the counts come to is decided by `protocol/loop-end.ts`.
 *
 * G5. A count answers the newest round heard before it was made.
 */
import type { Plan, Stage } from "../plan/plan.ts";
import type { SavepointLife } from "../protocol/savepoint-life.ts";
import type { Heartbeat, LoopCount } from "../record/messages.ts";
import type { Incarnation } from "./assembly.ts";

/** Counts for one incarnation. */
export class LoopTally {
  readonly #edges: ReadonlySet<number>;
  #leader = 0;
  #round = 0;
  #said: LoopCount | undefined;

  constructor({ edges, stages }: Plan, { index, loop }: Stage) {
    const isInner = (to: number | string): boolean => typeof to === "number" && stages[to]?.loop === loop;
    this.#edges = new Set(edges.filter(({ from, to }) => from === index && isInner(to)).map((edge) => edge.index));
  }

  /** Answers whether a count is due because of it. */
  heard({ leader, loopRound }: Heartbeat): boolean {
    if (leader < this.#leader || (leader === this.#leader && loopRound <= this.#round)) return false;
    this.#leader = leader;
    this.#round = loopRound;
    return true;
  }

  /** Whether a savepoint waits for the loop to be empty: then no timer of processing time may put anything on its way (R17). */
  isDraining({ feed }: Incarnation, { open }: Pick<SavepointLife, "open">): boolean {
    return open !== undefined && feed.loop().outside >= open.id;
  }

  /** What the next report says; `isIdle`: nothing is being replayed, and nothing of the instance's own is on its way to it. */
  count({ feed, outputs, program }: Incarnation, isIdle: boolean): LoopCount {
    const isDone = feed.hasReadEverything && outputs.acknowledged >= outputs.ordinal;
    return {
      leader: this.#leader,
      round: this.#round,
      ...feed.loop(),
      sent: outputs.saidOver(this.#edges),
      isQuiet: isIdle && isDone && program.pending.requests === 0,
      hasTimers: program.nextTimerAt() !== undefined,
      isFull: outputs.isFedBackFull,
    };
  }

  /** Whether `count` would be news to the leader: numbers are, as soon as nothing else is to come. */
  isNews(count: LoopCount): boolean {
    const said = this.#said;
    if (said === undefined || said.round !== count.round || said.leader !== count.leader) return true;
    if (said.isQuiet !== count.isQuiet || said.isFull !== count.isFull) return true;
    if (said.hasTimers !== count.hasTimers || said.outside !== count.outside) return true;
    return count.isQuiet && (said.sent !== count.sent || said.taken !== count.taken);
  }

  said(count: LoopCount): LoopCount {
    this.#said = count;
    return count;
  }
}
