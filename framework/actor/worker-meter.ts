/**
 * What a worker is measured by, and whether it is ready.
 *
 * Owns what incarnations that are gone have done here, so that a count never goes back while the process lives; the rounds over the inboxes; and what the
 * worker has heard. Nothing is assembled before somebody asks.
 */
import type { Platform } from "../platform/platform.ts";
import type { JobLogView } from "../protocol/job-log.ts";
import type {
  DepartedInstance,
  InstanceMeasures,
  InstanceWork,
  LaneMeasures,
  WorkerMeasures,
} from "../telemetry/measures.ts";
import { Hearing } from "./hearing.ts";
import { InboxRounds, type InboxOwner } from "./inbox-rounds.ts";
import type { JobStatus } from "./job-status.ts";

/** An incarnation as the meter sees it. */
export interface MeasuredInstance extends InboxOwner {
  measures(): InstanceMeasures;
}

/** Meters one worker. */
export class WorkerMeter {
  readonly #platform: Platform;
  readonly #hosted: ReadonlyMap<string, MeasuredInstance>;
  readonly #gone = new Map<string, DepartedInstance>();
  readonly #hearing: Hearing;
  readonly #rounds: InboxRounds;

  /** `hosted`: the instances by their keys, as the worker has them. */
  constructor(platform: Platform, hosted: ReadonlyMap<string, MeasuredInstance>) {
    this.#platform = platform;
    this.#hosted = hosted;
    this.#hearing = new Hearing(platform.clock);
    this.#rounds = new InboxRounds(platform, () => [...hosted.values()]);
  }

  /** Looks at the inboxes until it is closed. */
  run(): Promise<void> {
    return this.#rounds.run();
  }

  close(): void {
    this.#rounds.close();
  }

  /** Something has come over the Bus. */
  heard(): void {
    this.#hearing.heard();
  }

  /** The leader of this epoch says that it lives. */
  heardLeader(epoch: number): void {
    this.#hearing.heardLeader(epoch);
  }

  /** An incarnation has done all it ever will. */
  retire(key: string, instance: MeasuredInstance): void {
    const { stage, partition, work } = instance.measures();
    this.#gone.set(key, { stage, partition, work: sumOf(this.#gone.get(key)?.work, work) });
  }

  /** The worker at this moment; `status` where it leads, `view` once there is a job log. */
  measures(
    who: Pick<WorkerMeasures, "job" | "generation" | "worker">,
    lanes: { measures(): readonly LaneMeasures[] },
    status: Pick<JobStatus, "state" | "workers"> | undefined,
    view: Pick<JobLogView, "movesBy"> | undefined,
  ): WorkerMeasures {
    const leader = status && {
      state: status.state,
      workersAlive: status.workers.length,
      restarts: view?.movesBy ?? new Map<string, number>(),
    };
    const nowMs = this.#platform.clock.now();
    const departed = [...this.#gone].filter(([key]) => !this.#hosted.has(key)).map(([, gone]) => gone);
    return { ...who, nowMs, instances: this.#instances(), departed, lanes: lanes.measures(), leader };
  }

  /** Why the worker takes no part in the job at the moment. `leaderRead`: epoch of the newest leader read of in the job log. */
  obstacles(phase: string, leaderRead: number): readonly string[] {
    if (phase === "joining") return ["the worker has not joined the job: the job log is still being read"];
    if (phase !== "working") return [`the worker is ${phase}`];
    return this.#hearing.obstacles(leaderRead);
  }

  #instances(): InstanceMeasures[] {
    return [...this.#hosted].map(([key, instance]) => {
      const measures = instance.measures();
      return { ...measures, work: sumOf(this.#gone.get(key)?.work, measures.work) };
    });
  }
}

function sumOf(before: InstanceWork | undefined, work: InstanceWork): InstanceWork {
  if (before === undefined) return work;
  return {
    recordsIn: before.recordsIn + work.recordsIn,
    recordsOut: before.recordsOut + work.recordsOut,
    late: before.late + work.late,
    deadLetters: before.deadLetters + work.deadLetters,
    windowsOut: before.windowsOut + work.windowsOut,
    turns: before.turns + work.turns,
    turnMs: before.turnMs + work.turnMs,
    snapshots: before.snapshots + work.snapshots,
  };
}
