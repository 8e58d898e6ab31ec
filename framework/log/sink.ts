/**
 * The contract of sinks: how results go out.
 *
 * A sink is chained to its stage behind a numbered, bounded queue. The instance writes rows in number order, and its pointer moves over a
 * row only when the sink has confirmed or prepared it (H1). After a crash rows come again, with the same numbers and the same content.
 *
 * K1. `write` is called with rows of strictly growing numbers within one incarnation; calls do not overlap with each other, `prepare` or `commit`.
 * K2. What `prepare` answers is stored in the snapshot; `commit` is called with it after the pointer has moved, at least once, and again after every claim.
 * K3. Everything written after the last listed `prepare` may be thrown away by `recover`; the instance writes it again.
 */
import type { EndHome } from "./ends.ts";

/** What a sink promises about repetitions; the plan prints it. */
export type SinkGuarantee =
  /** The row's number is stored in the same transaction as the row: each row once. */
  | "transactional"
  /** The same id always has the same content, and writing it again changes nothing. */
  | "idempotent"
  /** Rows become visible when the snapshot that covers them has been taken, each once. */
  | "twoPhase"
  /** Rows may come again after a crash. */
  | "atLeastOnce";

/** One row on its way out. */
export interface SinkRow {
  /** Number within (generation, stage, partition, sink): with those, the row's id. */
  readonly number: number;
  readonly value: unknown;
  readonly timestamp: number | undefined;
}

/** Who writes: the parts of a row's id, and of the names of its transactions. */
export interface SinkIdentity {
  readonly job: string;
  readonly generation: number;
  readonly stage: string;
  readonly partition: number;
  readonly sink: string;
  /** Epoch of the incarnation. */
  readonly epoch: number;
  /**
   * When this life of the job began, ms since the epoch by the clock of the place where it lives: tells it from a life of the same generation that has been
   * deleted, or was embedded in a process.
   */
  readonly startedMs: number;
  /**
   * The generation that this one goes on from by a savepoint, until the instance has a snapshot of its own: what `recover` is handed was prepared there. Rows are
   * numbered from 1 on again; what that generation has written behind the savepoint is computed anew.
   */
  readonly continues?: number | undefined;
}

/** A row that the sink refuses for good; it becomes a dead letter. */
export interface RefusedRow {
  readonly row: SinkRow;
  /** Goes into the dead letter. */
  readonly reason: string;
}

/** One incarnation's way into a sink. */
export interface SinkWriter {
  /**
   * Hands over rows. Resolves when they are stored (or, for `twoPhase`, taken into the open transaction), with those refused for good.
   * @throws SINK_UNAVAILABLE: nothing of it counts as written; the same rows are offered again after a back-off
   */
  write(rows: readonly SinkRow[]): Promise<readonly RefusedRow[]>;
  /**
   * `twoPhase`: makes everything written so far durable and answers what `commit` needs to make it visible; undefined when there is nothing. Called at
   * every snapshot, also without rows since the last one: what it answers is all that the next incarnation knows of this sink. A `transactional` sink may
   * have it too: to hand `recover` of the next incarnation what it knows of the rows up to the snapshot.
   */
  prepare?(): Promise<Uint8Array | undefined>;
  /** `twoPhase`: makes what was prepared visible. Repeating it, also by a later incarnation, changes nothing. */
  commit?(prepared: Uint8Array): Promise<void>;
  /**
   * Called once before the first `write`, with what the current snapshot lists (already committed or not), oldest first. `twoPhase`: commits it and aborts
   * whatever lower epochs have left that is not listed.
   */
  recover?(listed: readonly Uint8Array[]): Promise<void>;
  /** Gives back files and connections, when the instance moves or the job ends; nothing is called after it. Rows that no call has confirmed come again. */
  close(): Promise<void>;
}

/** A sink as the program describes it. `T` is what it takes; only types look at it. */
export interface SinkSpec<T = unknown> {
  /** What the plan prints: `file(out.jsonl)`. */
  readonly description: string;
  /** Default name of the sink in plan, logs and tests; the user's `.named` wins. */
  readonly name: string;
  /** What becomes of rows that come again; decides which callbacks of the writer are used. */
  readonly guarantee: SinkGuarantee;
  /** `chained`: each instance of the stage writes for itself. `global`: one instance behind a global edge writes for all. */
  readonly placement: "chained" | "global";
  /**
   * Takes a value as it is now: called in the turn that emits it, so that what the program does to the object afterwards changes nothing. What it answers
   * is the `value` of the row. Synchronous and pure.
   *
   * @default a copy of plain data; anything else as it is
   * @throws ROW_REFUSED when the sink has no form for the value: the record becomes a dead letter
   */
  encode?(value: T): unknown;
  /** Checked before anything starts. @throws PATH_UNUSABLE, OPTION_INVALID … */
  validate?(home: EndHome): Promise<void>;
  /** Begins to write, for one incarnation of one instance: at every claim, before `recover`. A throw fails the instance, and it is started again. */
  open(identity: SinkIdentity, home: EndHome): Promise<SinkWriter>;
  /** Only types look at it. */
  readonly accepts?: ((value: T) => void) | undefined;
}
