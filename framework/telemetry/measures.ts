/**
 * What a worker lets others measure: the contract between the runtime, which counts, and whoever shows it.
 *
 * Plain snapshots, taken when somebody asks; nothing here costs anything as long as nobody does. Times are ms, sizes bytes. Counts begin at 0 with the
 * process and only grow: replayed work is work, and counts again. What a job has done, each record once, is in its status.
 */

/** What has been done for one instance by this worker, over all incarnations it has hosted. */
export interface InstanceWork {
  readonly recordsIn: number;
  readonly recordsOut: number;
  readonly late: number;
  readonly deadLetters: number;
  readonly windowsOut: number;
  readonly turns: number;
  /** Time spent in turns. */
  readonly turnMs: number;
  readonly snapshots: number;
}

/** An inbox at the last look, about a second ago. */
export interface InboxMeasures {
  /** Messages stored and not read. */
  readonly lag: number;
  readonly bytes: number;
}

/** The last snapshot that this incarnation has taken. */
export interface SnapshotMeasures {
  /** Wall clock; 0 when none has been taken. */
  readonly atMs: number;
  /** From the cut until the pointer named it. */
  readonly durationMs: number;
  /** Everything a restore reads: the whole state, not what has changed. */
  readonly bytes: number;
}

/** One hosted instance. */
export interface InstanceMeasures {
  readonly stage: string;
  readonly partition: number;
  /** Phase of its lifecycle. */
  readonly state: string;
  readonly work: InstanceWork;
  /** Event time that has been reported; infinite before the first and after the last. */
  readonly watermark: number;
  /** Absent in a source stage, and before the first look. */
  readonly inbox: InboxMeasures | undefined;
  readonly snapshot: SnapshotMeasures;
  /** Records that wait for the result of a call, or for those before them (R14). */
  readonly pendingRequests: number;
  /** Since the last snapshot, or since the incarnation began; 0 while that covers everything that has been read. */
  readonly uncoveredMs: number;
  /** Over the last 10 to 20 s. */
  readonly turnP99Ms: number;
}

/** An instance that this worker has hosted and does not host any more: what was done for it here stays counted. */
export type DepartedInstance = Pick<InstanceMeasures, "stage" | "partition" | "work">;

/** The lanes of the worker into the inboxes of one stage, or into one of the job's own streams. */
export interface LaneMeasures {
  /** Name of the stage; `dead` and `late` for the side streams. */
  readonly to: string;
  /** Frames handed to the log, repetitions included. */
  readonly frames: number;
  /** Frames that had to be sent again. */
  readonly resends: number;
  /** Bytes waiting or in flight. */
  readonly bytes: number;
}

/** What only the leader knows. */
export interface LeaderMeasures {
  /** State of the job. */
  readonly state: string;
  readonly workersAlive: number;
  /** Assignments that were not the first of their instance, since the job began, by cause. */
  readonly restarts: ReadonlyMap<string, number>;
}

/** A worker at one moment. */
export interface WorkerMeasures {
  readonly job: string;
  readonly generation: number;
  readonly worker: string;
  /** Wall clock, for ages and lags. */
  readonly nowMs: number;
  readonly instances: readonly InstanceMeasures[];
  readonly departed: readonly DepartedInstance[];
  readonly lanes: readonly LaneMeasures[];
  /** Undefined while another worker leads. */
  readonly leader: LeaderMeasures | undefined;
}

/** What can be measured, and asked whether it is ready. */
export interface Measured {
  measures(): WorkerMeasures;
  /** Why it is not ready, for people, one sentence per reason; empty when it is. */
  obstacles(): readonly string[];
}
