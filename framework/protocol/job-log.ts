/**
 * What the job log says: the job's desired state, as one view that every worker builds from the same records.
 *
 * Owns the fold over the records and nothing else: who may append what, and when, is the leader's business.
 *
 * R4. An epoch is the sequence of the record that made it: unique and increasing, whoever assigns.
 * R8. The log is read without holes.
 * J1. Records of an older leader than the newest leader-start, or from before the newest restart, are void, for every reader alike.
 * J2. The set of splits never shrinks: the first record of a split counts, and none counts once the splits are closed.
 * J3. After a restart nobody leads and nothing is assigned: a new leader places everything, on whoever lives then.
 */
import { invariant } from "../errors.ts";
import type { FleetOrder } from "../record/fleet-records.ts";
import type {
  Assignment,
  AssignmentCause,
  CommandRecord,
  InstanceId,
  JobLogRecord,
  LeaderStart,
  OutcomeRecord,
  SplitRecord,
} from "../record/messages.ts";
import type { Skip } from "../record/poison.ts";
import type { Resume, SavepointRequest } from "../record/savepoint-record.ts";
import { FleetView } from "./fleet-view.ts";
import { JobLife } from "./job-life.ts";
import { SavepointLife } from "./savepoint-life.ts";

/** The instance as a key of maps: `2/0` is partition 0 of stage 2. */
export function instanceKey(id: InstanceId): string {
  return `${id.stage}/${id.partition}`;
}

/** The leader that the newest leader-start names. */
export interface LeaderView {
  /** Sequence of its leader-start (R4). */
  readonly epoch: number;
  readonly worker: string;
}

/** The newest assignment of an instance. */
export interface AssignmentView extends Pick<Assignment, "worker" | "cause" | "detail" | "suspicion"> {
  /** Sequence of the assignment (R4). */
  readonly epoch: number;
  /** When the log stored it. */
  readonly storedAtMs: number;
}

/** An assignment that was not the first of its instance. */
export interface MoveView extends AssignmentView {
  readonly instance: InstanceId;
}

/** Moves that the view remembers. */
const movesKept = 100;

/** A restart that a crash of the instance itself has caused. */
export interface CrashView {
  readonly storedAtMs: number;
  /** Where it crashed. */
  readonly worker: string;
  readonly detail: string;
}

/** What the log needs to know of a stage to name its instances. */
export interface StageShape {
  readonly index: number;
  /** Number of instances of a stage that is no source. */
  readonly partitions: number;
  /** Present: a source stage, with one instance per split. */
  readonly source: unknown;
}

/** The job log, read up to a position. */
export class JobLogView {
  /** Whether the job goes on, and how it ended. */
  readonly life: JobLife = new JobLife();
  /** The savepoint that is open, and what has become of others (R17). */
  readonly savepoints: SavepointLife = new SavepointLife();
  /** Drains, quarantines and sizes. */
  readonly fleet: FleetView = new FleetView();
  readonly #assignments = new Map<string, AssignmentView & { readonly instance: InstanceId }>();
  readonly #crashes = new Map<string, CrashView[]>();
  readonly #skips = new Map<string, Skip[]>();
  readonly #splits = new Map<number, Map<number, SplitRecord>>();
  readonly #closed = new Set<number>();
  #leader: LeaderView | undefined;
  /** Records of leaders below this epoch are void (J1). */
  #leaderMin = 0;
  readonly #moves: MoveView[] = [];
  readonly #movesBy = new Map<AssignmentCause, number>();
  #restarts = 0;
  #position = 0;
  #storedAtMs = -Infinity;
  #hasBegun = false;

  /** Sequence of the last record applied; 0 before the first. */
  get position(): number {
    return this.#position;
  }

  /** The job log's own time: when it stored the last record applied; -Infinity before the first. */
  get storedAtMs(): number {
    return this.#storedAtMs;
  }

  /** The newest leader, whether it lives or not. */
  get leader(): LeaderView | undefined {
    return this.#leader;
  }

  /** Whether a generation that was prepared beside another one has taken its place (an upgrade); no other one has to. */
  get hasBegun(): boolean {
    return this.#hasBegun;
  }

  /** Whether the sources are to end where they are. */
  get isDraining(): boolean {
    return this.life.isDraining;
  }

  /** How the job ended by itself; undefined while it goes on, or is stopped. */
  get outcome(): OutcomeRecord | undefined {
    return this.life.outcome;
  }

  /** Whether nothing is to be done any more, unless a restart follows. */
  get isOver(): boolean {
    return this.life.state !== "running";
  }

  /** Restarts of the whole job that crashes and lost workers have caused; moves are not among them. */
  get restarts(): number {
    return this.#restarts;
  }

  /**
   * Applies the record at `sequence`; void ones (J1) only move the position.
   *
   * Called with every record in order; a sequence that does not follow the last one is a mistake of the caller (R8).
   */
  apply(sequence: number, storedAtMs: number, record: JobLogRecord): void {
    invariant(sequence === this.#position + 1, `job log: record ${sequence} does not follow ${this.#position}`);
    this.#position = sequence;
    this.#storedAtMs = Math.max(this.#storedAtMs, storedAtMs);
    if (record.kind === "leaderStart") this.#lead(sequence, record);
    else if (record.kind === "command") this.#command(sequence, record);
    else if (record.kind === "savepoint") this.savepoints.request(sequence, storedAtMs, record, this.#hindrance);
    else if (record.kind === "resume") this.#resume(record);
    else if (record.kind === "fleetOrder") this.fleet.order(record);
    else if (record.leader >= this.#leaderMin) this.#applyValid(sequence, storedAtMs, record);
  }

  /** Who owns the instance, since when and why; undefined before its first assignment. */
  assignment(id: InstanceId): AssignmentView | undefined {
    return this.#assignments.get(instanceKey(id));
  }

  /** The newest assignment of every instance, in the order of their first ones. */
  assignments(): Iterable<AssignmentView & { readonly instance: InstanceId }> {
    return this.#assignments.values();
  }

  /** Whether any instance has ever been assigned. */
  get isPlaced(): boolean {
    return this.#assignments.size > 0;
  }

  /** Every instance of a stage: one per split that is known so far, or one per partition. */
  instancesOf(stage: StageShape): readonly InstanceId[] {
    if (stage.source !== undefined)
      return this.splits(stage.index).map((split) => ({ stage: stage.index, partition: split.index }));
    return Array.from({ length: stage.partitions }, (_, partition) => ({ stage: stage.index, partition }));
  }

  /** The split of a source stage that has this index. */
  split(stage: number, index: number): SplitRecord | undefined {
    return this.#splits.get(stage)?.get(index);
  }

  /** Splits of a source stage in the order of their records. */
  splits(stage: number): readonly SplitRecord[] {
    return [...(this.#splits.get(stage)?.values() ?? [])];
  }

  /** Whether all splits of a source stage are known. */
  isClosed(stage: number): boolean {
    return this.#closed.has(stage);
  }

  /** Restarts that crashes of the instance itself have caused since the job was restarted, oldest first; moves and lost workers are not among them. */
  crashes(id: InstanceId): readonly CrashView[] {
    return this.#crashes.get(instanceKey(id)) ?? [];
  }

  /** Every step that is not to be taken, by decision of a leader (R15), oldest first; also those that the pointer has passed. */
  skips(id: InstanceId): readonly Skip[] {
    return this.#skips.get(instanceKey(id)) ?? [];
  }

  /** The newest assignments that were not the first of their instance, oldest first; at most 100. */
  get moves(): readonly MoveView[] {
    return this.#moves;
  }

  /** How many assignments there have been that were not the first of their instance, by cause. */
  get movesBy(): ReadonlyMap<AssignmentCause, number> {
    return this.#movesBy;
  }

  /** Of savepoint 0: of none, but of the generation itself. */
  #resume(record: Resume): void {
    if (record.savepoint === 0) this.#hasBegun = true;
    this.savepoints.resume(record);
  }

  #lead(sequence: number, { worker }: LeaderStart): void {
    this.#leader = { epoch: sequence, worker };
    this.#leaderMin = sequence;
  }

  #command(sequence: number, record: CommandRecord): void {
    const goesOn = this.life.command(sequence, record);
    if (this.isOver) this.savepoints.interrupt(`the job was stopped by ${record.by}`);
    else if (this.isDraining && this.savepoints.open?.state !== "held")
      this.savepoints.interrupt(`the job is being drained, by ${record.by}`);
    if (!goesOn) return;
    this.#leader = undefined;
    this.#leaderMin = sequence;
    this.#assignments.clear();
    this.#crashes.clear();
    this.fleet.restarted();
    this.savepoints.restarted();
  }

  #applyValid(sequence: number, storedAtMs: number, record: LeaderRecord): void {
    switch (record.kind) {
      case "assignment":
        return this.#assign(sequence, storedAtMs, record);
      case "split":
        return this.#addSplit(record);
      case "splitsClosed":
        this.#closed.add(record.stage);
        return;
      case "savepointEnd": {
        const by = this.savepoints.of(record.savepoint)?.by ?? "";
        if (this.savepoints.end(record, storedAtMs))
          this.life.command(sequence, { kind: "command", command: "stop", by });
        return;
      }
      case "outcome":
        this.life.end(sequence, record);
        this.savepoints.interrupt(`the job has ${record.outcome}`);
        return;
      case "quarantine":
        this.fleet.quarantine(storedAtMs, record);
    }
  }

  /** Why no savepoint is taken at the moment; empty when one may be. */
  get #hindrance(): string {
    if (this.isOver) return `the job is ${this.life.state}`;
    return this.isDraining ? "the job is being drained" : "";
  }

  #assign(epoch: number, storedAtMs: number, { instance, worker, cause, detail, suspicion }: Assignment): void {
    const key = instanceKey(instance);
    const assigned = { instance, epoch, worker, cause, detail, suspicion, storedAtMs };
    const skip = suspicion?.skip;
    if (skip !== undefined) this.#skips.set(key, [...(this.#skips.get(key) ?? []), skip]);
    const before = this.#assignments.get(key);
    if (before !== undefined) {
      this.fleet.assigned(before.worker, assigned, storedAtMs);
      this.#moves.push(assigned);
      this.#movesBy.set(cause, (this.#movesBy.get(cause) ?? 0) + 1);
    }
    if (this.#moves.length > movesKept) this.#moves.shift();
    this.#assignments.set(key, assigned);
    if (cause === "crash")
      this.#crashes.set(key, [...(this.#crashes.get(key) ?? []), { storedAtMs, worker: before?.worker ?? "", detail }]);
    if (isRestart(cause)) this.#restarts += 1;
  }

  #addSplit(record: SplitRecord): void {
    const { stage, index } = record;
    if (this.isClosed(stage) || this.split(stage, index) !== undefined) return;
    const splits = this.#splits.get(stage) ?? new Map<number, SplitRecord>();
    this.#splits.set(stage, splits.set(index, record));
  }
}

/** A record that a leader has written. */
type LeaderRecord = Exclude<JobLogRecord, LeaderStart | CommandRecord | SavepointRequest | Resume | FleetOrder>;

function isRestart(cause: AssignmentCause): boolean {
  return cause === "crash" || cause === "poison" || cause === "workerLost";
}
