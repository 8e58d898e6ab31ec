/**
 * A job as the process that started it sees it: what `start` answers, whatever home it runs in.
 *
 * Owns the contract only; `running-job.ts` keeps it for a worker in this process, `fleet/running-fleet.ts` for worker processes.
 */
import type { JobStatus } from "./actor/job-status.ts";
import type { TakenSavepoint } from "./administration/savepoint-request.ts";
import { StreamError } from "./errors.ts";
import type { SavepointOptions } from "./job-savepoint.ts";
import type { Plan } from "./plan/plan.ts";

/** How a job ended here: `completed`, `failed`, or `stopped` because it was asked to go. */
export interface JobEnd {
  readonly state: "completed" | "failed" | "stopped";
  /** Of a failure, or of the command that stopped the job everywhere. Empty otherwise. */
  readonly message: string;
  readonly totals: JobStatus["totals"];
}

/** A running job, as the process that started it sees it. */
export interface JobHandle {
  readonly plan: Plan;
  /** The job as its leader sees it. @throws NO_RESPONDERS, TIMEOUT; UNAVAILABLE when it has ended here */
  status(): Promise<JobStatus>;
  /** Suspends this worker, or all workers of this fleet: last snapshots, release. Fires nothing; the job goes on elsewhere, or when it is started again. */
  stop(): Promise<void>;
  /** Ends the input: the sources stop where they are, everything fires, the job completes. */
  drain(): Promise<void>;
  /**
   * Takes a savepoint: all of the job's state at one cut, kept until it is deleted. Sources stop for it, and go on when it is complete; with `stop` the job is stopped
   * by it. Nothing survives an embedded job, savepoints included.
   *
   * @param name of it; the date and time when left out
   * @throws OPTION_INVALID for a name that is taken; JOB_NOT_RUNNABLE when none can be taken now; SAVEPOINT_CANCELLED with the reason
   */
  savepoint(name?: string, options?: SavepointOptions): Promise<TakenSavepoint>;
  /** How it ended; never rejects. */
  readonly done: Promise<JobEnd>;
  /** Where this process serves its metrics; undefined where it does not. */
  readonly metricsUrl?: string | undefined;
}

/** A job that is about to be started, and what `start` and `run` do with it besides. */
export interface StartedJob extends JobHandle {
  /** Resolves when a worker has joined, or the job has come to its end before. @throws what joining is refused with */
  start(): Promise<void>;
  /** The duration is over: an embedded job is drained, a worker or a fleet stopped. */
  expire(): void;
  /** This process is about to exit: ends at once what would outlive it. */
  abandon(): void;
}

/** Starts a worker that tells `events`; tells `onMade` as soon as there is something to stop. */
export type StartWorker = (events: JobEvents, onMade: (job: StartedJob) => void) => Promise<StartedJob>;

/** Whom a running job tells. */
export interface JobEvents {
  onEnd(end: JobEnd): void;
  /** Embedded jobs only: elsewhere dead letters are read from the job's stream. */
  onDeadLetter(letter: unknown): void;
  /** The id of a worker in this process, before it joins. */
  onWorker?(id: string): void;
}

/** Totals of a job of which nothing is known yet. */
export const noTotals: JobStatus["totals"] = {
  recordsIn: 0,
  recordsOut: 0,
  late: 0,
  deadLetters: 0,
  windowsOut: 0,
  restarts: 0,
};

/** The handle of a job that was over before it was started here. */
export function endedJob(plan: Plan, events: JobEvents, end: JobEnd): StartedJob {
  events.onEnd(end);
  const onwards = end.state === "completed" ? "; start the next generation with --new" : "";
  const what = `job ${plan.job} has ${end.state === "completed" ? "completed" : `been ${end.message}`}${onwards}`;
  const over = new StreamError("JOB_NOT_RUNNABLE", what);
  return {
    plan,
    start: () => Promise.resolve(),
    abandon: () => undefined,
    done: Promise.resolve(end),
    status: () => Promise.reject(over),
    savepoint: () => Promise.reject(over),
    stop: () => Promise.resolve(),
    drain: () => Promise.resolve(),
    expire: () => undefined,
  };
}
