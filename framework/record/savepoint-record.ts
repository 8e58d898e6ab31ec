/**
 * What a savepoint is, as types: the records of the job log that ask for it and end it, the register of its name, and its index.
 *
 * `protos/` defines their bytes; `record/wire/` writes and reads them. R17 lives in `protocol/` and `actor/`.
 */
import type { ChunkRef } from "./snapshot-record.ts";

/**
 * What follows a complete savepoint. `resume`: the job goes on at once. `stop`: it is stopped by it. `hold`: nothing moves until a resume or a stop; a hold
 * that nobody follows up is given up after its timeout.
 */
export type SavepointMode = "resume" | "stop" | "hold";

/** Somebody wants a savepoint. Counts whoever leads; the record's sequence is the savepoint's id. */
export interface SavepointRequest {
  readonly kind: "savepoint";
  readonly name: string;
  /** Who wanted it, for people. */
  readonly by: string;
  readonly mode: SavepointMode;
  /** After this long it is cancelled, or its hold given up. */
  readonly timeoutMs: number;
}

/** A leader says what has become of a savepoint. */
export interface SavepointEnd {
  readonly kind: "savepointEnd";
  readonly leader: number;
  /** Its id. */
  readonly savepoint: number;
  readonly outcome: "complete" | "cancelled";
  /** Of a cancelled one, for people. Empty otherwise. */
  readonly reason: string;
}

/** What a savepoint holds goes on. Counts whoever leads. */
export interface Resume {
  readonly kind: "resume";
  /** Its id. */
  readonly savepoint: number;
  readonly by: string;
}

/** The value of the register of a savepoint's name: whoever moves it, by compare-and-set, decides what has become of the savepoint. */
export interface SavepointRecord {
  readonly generation: number;
  /** Its id in the job log of that generation. */
  readonly savepoint: number;
  /** Epoch of the leader that wrote the value. */
  readonly leader: number;
  /** `cancelled`: its name is free. */
  readonly state: "open" | "complete" | "cancelled";
  readonly reason: string;
  /** The index of a complete one, in the job's savepoints. */
  readonly index: readonly ChunkRef[];
  /** When it was completed, ms since the epoch; 0 before. */
  readonly atMs: number;
  /** Of all that it holds; 0 before it is complete. */
  readonly bytes: number;
}

/** One kind of state that a stage declares. */
export interface SavepointState {
  readonly operator: string;
  readonly name: string;
  /** `value`, `map`, `list`, `reducing`, `aggregating`. */
  readonly kind: string;
  /** Version of its schema, as the program says it. */
  readonly version: number;
}

/** One instance in a savepoint. */
export interface SavepointInstance {
  readonly partition: number;
  /** Of a source: the split it reads. */
  readonly split: { readonly name: string; readonly identity: string } | undefined;
  /** An ordinary manifest, in chunks of the job's savepoints; so are the chunks that it names. */
  readonly manifest: readonly ChunkRef[];
}

/** One stage in a savepoint. */
export interface SavepointStage {
  readonly name: string;
  /** 0 for a source, which has one instance per split. */
  readonly partitions: number;
  readonly isSource: boolean;
  readonly states: readonly SavepointState[];
  readonly instances: readonly SavepointInstance[];
}

/** One edge in a savepoint. */
export interface SavepointEdge {
  readonly name: string;
  /** Names of the stages. */
  readonly from: string;
  readonly to: string;
  /** Event time at the cut: the largest that any receiver has read, ms. */
  readonly watermark: number;
}

/** A savepoint: the whole job at a cut. */
export interface SavepointIndex {
  /** Version of this format; newer ones are refused. */
  readonly format: number;
  readonly name: string;
  readonly job: string;
  readonly generation: number;
  /** Its id in the job log of that generation. */
  readonly savepoint: number;
  /** When it was completed, ms since the epoch. */
  readonly atMs: number;
  readonly by: string;
  /** The plan as text, and its sha256. */
  readonly plan: string;
  readonly planHash: string;
  /** Of the program, and of the runtime. */
  readonly version: string;
  readonly runtimeVersion: string;
  /** In the order of the plan. */
  readonly stages: readonly SavepointStage[];
  /** Between stages, in the order of the plan. */
  readonly edges: readonly SavepointEdge[];
}
