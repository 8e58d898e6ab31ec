/**
 * Watches the loops of a job: ends them, and keeps their inputs waiting while they are full. Runs on the leader.
 *
 * Owns one `LoopEnd` per loop, and the pauses; its durable state is what instances count, so a new leader's begins with nothing and comes to the same.
 *
 * R13. What is sent back never waits for room, or the loop would wait for itself. So whoever feeds a loop from outside waits instead: while what goes round fills
 *      an inbox of its feedback stage beyond what data may fill elsewhere, or waits for it in memory, the sources before the loop are not read. Whoever sends back
 *      notices at once; what readers report of their inboxes comes within a second.
 */
import type { Plan, Stage } from "../plan/plan.ts";
import { instanceKey, type JobLogView } from "../protocol/job-log.ts";
import { lastInstant, LoopEnd, LoopRounds } from "../protocol/loop-end.ts";
import { loopFullShare, loopRoomyShare } from "../protocol/room.ts";
import type { InstanceId, ReadPause, Report } from "../record/messages.ts";

/** For how long a pause holds that is not said again, ms. */
const pauseMs = 1_500;

/** What it asks of the job supervisor. */
export interface LoopEvents {
  /** Event time of every edge that closes the loop comes to `watermark`, from these stages. */
  feed(stages: readonly number[], watermark: number): void;
  /** Every edge that closes the loop is drained for the savepoint (R17). */
  drain(stages: readonly number[], savepoint: number): void;
  /** Another round has begun: everybody is to hear of it. */
  ask(): void;
  /** These splits are to wait, or to go on. */
  pause(splits: ReadPause["splits"], forMs: number): void;
}

interface Watched {
  readonly end: LoopEnd;
  /** Stages that close it. */
  readonly closing: readonly number[];
  /** Sources that lead into it. */
  readonly sources: readonly Stage[];
  readonly full: Set<string>;
  isPaused: boolean;
}

/** The loops of one job, for one leader. */
export class LoopSupervisor {
  readonly #plan: Plan;
  readonly #view: JobLogView;
  readonly #events: LoopEvents;
  readonly #rounds: LoopRounds;
  readonly #loops: readonly Watched[];
  readonly #epochs = new Map<string, number>();

  constructor(plan: Plan, leader: number, view: JobLogView, events: LoopEvents) {
    this.#plan = plan;
    this.#view = view;
    this.#events = events;
    this.#rounds = new LoopRounds(leader);
    const numbers = new Set(plan.stages.flatMap(({ loop }) => (loop === undefined ? [] : [loop])));
    this.#loops = [...numbers].map((loop) => this.#watch(loop));
    this.refresh();
  }

  /** What instances of loops are to answer; 0 where there are none. */
  get round(): number {
    return this.#loops.length === 0 ? 0 : this.#rounds.newest;
  }

  /** The job log has been read further: who is assigned anew begins again. */
  refresh(): void {
    for (const { end, full } of this.#loops) {
      for (const instance of end.instances) {
        const key = instanceKey(instance);
        const epoch = this.#view.assignment(instance)?.epoch ?? 0;
        if (this.#epochs.get(key) === epoch) continue;
        this.#epochs.set(key, epoch);
        end.forget(instance);
        full.delete(key);
      }
    }
  }

  /** Takes a report of exactly the epoch that the job log names. */
  report(report: Report): void {
    const { instance, loop: count, epoch, watermark } = report;
    const loop = this.#loops[this.#plan.stages[instance.stage]?.loop ?? -1];
    if (loop === undefined || count === undefined || epoch !== this.#epochs.get(instanceKey(instance))) return;
    this.#weigh(loop, report);
    const { step: before, drained: drainedBefore } = loop.end;
    const { open } = this.#view.savepoints;
    if (!loop.end.report({ instance, epoch, watermark, count }, open?.id)) return;
    const { step, drained } = loop.end;
    if (step !== before) this.#events.feed(loop.closing, step === "fire" ? lastInstant : Infinity);
    if (drained !== drainedBefore) this.#events.drain(loop.closing, drained);
    this.#events.ask();
  }

  /** Says again what holds. */
  repeat(): void {
    for (const loop of this.#loops) if (loop.isPaused) this.#events.pause(this.#splitsBefore(loop), pauseMs);
  }

  #watch(number: number): Watched {
    const { stages, edges } = this.#plan;
    const members = stages.filter(({ loop }) => loop === number);
    const instances = members.flatMap(({ index, partitions }) =>
      Array.from({ length: partitions }, (_, partition) => ({ stage: index, partition })),
    );
    const isInner = (to: number | string) => typeof to === "number" && stages[to]?.loop === number;
    const closing = edges.filter(({ eventTime, to }) => eventTime === "fedBack" && isInner(to)).map(({ from }) => from);
    return {
      end: new LoopEnd(this.#rounds, instances),
      closing: [...new Set(closing)],
      sources: sourcesBefore(this.#plan, new Set(members.map(({ index }) => index))),
      full: new Set(),
      isPaused: false,
    };
  }

  #weigh(loop: Watched, { instance, load, loop: count }: Report): void {
    const key = instanceKey(instance);
    const isFeedback = this.#plan.stages[instance.stage]?.feedbackBytes !== undefined;
    const share = isFeedback ? load.inboxBytes / this.#plan.options.inboxBytes : 0;
    if (count?.isFull === true || share > loopFullShare) loop.full.add(key);
    else if (share <= loopRoomyShare) loop.full.delete(key);
    const mustPause = loop.full.size > 0;
    if (mustPause === loop.isPaused) return;
    loop.isPaused = mustPause;
    this.#events.pause(this.#splitsBefore(loop), mustPause ? pauseMs : 0);
  }

  #splitsBefore({ sources }: Watched): ReadPause["splits"] {
    return sources
      .flatMap((stage) => this.#view.instancesOf(stage))
      .map((instance: InstanceId) => ({ instance, epoch: this.#view.assignment(instance)?.epoch ?? 0 }));
  }
}

/** The source stages from which records come to `stages`. */
function sourcesBefore({ stages, edges }: Plan, members: ReadonlySet<number>): readonly Stage[] {
  const before = new Set(members);
  for (let size = 0; size !== before.size;) {
    size = before.size;
    for (const { from, to } of edges) if (typeof to === "number" && before.has(to)) before.add(from);
  }
  return stages.filter(({ index, source }) => source !== undefined && before.has(index));
}
