/**
 * What a worker is to the instances it hosts: the contract between `worker.ts` and `instance.ts`.
 */
import type { Blobs, Log, Registers } from "../log/contracts.ts";
import type { EndHome } from "../log/ends.ts";
import type { JobNames } from "../log/names.ts";
import type { InstanceId, Report, SplitRecord } from "../record/messages.ts";
import type { Skip } from "../record/poison.ts";
import type { JobLogView } from "../protocol/job-log.ts";
import type { InstancePhase } from "./instance-machine.ts";
import type { Plan } from "../plan/plan.ts";
import type { Platform } from "../platform/platform.ts";
import type { InstanceOrigin } from "./origin.ts";
import type { FindLane } from "./outputs.ts";
import type { WatchStep } from "./watched-outlet.ts";

/** What tests and fault injection may do at the borders of a turn; nothing in production. */
export interface Probe {
  /**
   * Called before each turn, with the position that has been read; a throw fails the instance as a crash there would. A promise holds the instance's
   * turns, and nobody else's, until it settles.
   */
  beforeTurn?(stage: string, partition: number, position: number): void | Promise<void>;
  /** What the turns of an instance take, as a share of a core, instead of what is measured. */
  busyOf?(name: string): number | undefined;
  /** Whether an instance is to wait before it claims: it counts as down meanwhile. */
  isHeld?(name: string): boolean;
}

/** Where turns are said to be under way, in a place that outlives the turn: a store per turn, and no more. */
export interface TurnMarks {
  /** A turn, or a slice of one, of this incarnation begins behind `position`. */
  begin(instance: InstanceId, epoch: number, position: number): void;
  /** No turn is under way. */
  rest(): void;
}

/** Of a process without a watchdog. */
export const noMarks: TurnMarks = { begin: () => undefined, rest: () => undefined };

/** An instance as the one who speaks of it to the leader sees it. */
export interface Reporter {
  /** Phase of its lifecycle. */
  readonly phase: InstancePhase;
  /** Whether a report would say something new. */
  readonly hasNews: boolean;
  report(): Report;
}

/** What an instance asks of its worker. */
export interface InstanceHost {
  readonly platform: Platform;
  readonly plan: Plan;
  readonly names: JobNames;
  readonly registers: Registers;
  /** Chunks of snapshots; nothing is tried again once `isOver`. */
  blobs(isOver: () => boolean): Blobs;
  readonly probe: Probe;
  /** What sources and sinks are told of the place. */
  readonly ends: EndHome;
  /** When this life of the job began: creation of its job log, ms since the epoch. */
  readonly startedMs: number;
  /** Version of the program, for manifests (R12). */
  readonly codeVersion: string;
  readonly findLane: FindLane;
  /** Told of each turn: of the process, so that its watchdog sees them. */
  readonly marks: TurnMarks;
  /** Only on probation (R15): told of each step before it is taken. */
  readonly watchStep?: WatchStep | undefined;
  /** What is not to be taken, by decision of a leader (R15). */
  skipsOf(instance: InstanceId): readonly Skip[];
  /** Opens the inbox of an instance as it is at the moment; the leader has created it. @throws DATA_LOST when it is gone */
  openInbox(stage: number, partition: number): Promise<Log>;
  /** Opens the ingress log of a split of a push source. */
  openIngress(stage: number, split: number): Promise<Log>;
  /** Appends a control to an inbox, past the data; as {@link import("./control-sender.ts").ControlSender.append}. */
  appendControl(stage: number, partition: number, payload: Uint8Array, repeatable?: string): Promise<number>;
  /** What an instance without a snapshot goes on from; undefined: it begins empty. @throws CORRUPT, SNAPSHOT_UNSUITABLE */
  originOf(instance: InstanceId): Promise<InstanceOrigin | undefined>;
  /** Whether nothing may move yet: the generation is prepared beside another one (an upgrade). */
  readonly isHeld: boolean;
  /** The split record of an instance of a source stage. */
  splitOf(stage: number, index: number): SplitRecord | undefined;
  /** Whether the job log, read afresh, has an assignment of the instance at this sequence. */
  assignsAt(sequence: number, instance: InstanceId): Promise<boolean>;
  /** Ends the sources (`drain`): from the job log. */
  readonly isDraining: boolean;
  /** The job log as far as it has been read: what is frozen for a savepoint (R17). */
  readonly savepoints: Pick<JobLogView, "position" | "savepoints">;
  /** Where savepoints are kept; nothing is tried again once `isOver`. @throws SERVER_REFUSED, SERVER_FULL … */
  openSavepoints(isOver: () => boolean): Promise<Blobs>;
  /** Watermarks come from the splits alone, not from what the program's `timestamps` make of records: for tests. */
  readonly hasManualWatermarks: boolean;
  /** The instance's report has changed. */
  onChanged(instance: Reporter): void;
}
