/**
 * The contract between a family of golden cases and the runner: a case as a program of the public API.
 */
import type { Job } from "../../api/job.ts";
import { fromArray } from "../../connectors/memory.ts";
import type { Stream } from "../../api/stream.ts";
import type { TakenRow } from "../../testing/collecting-sink.ts";
import { type GoldenCase, type GoldenOutput, type GoldenRecord, goldenTimestamp } from "./format.ts";

/** A case as a job. */
export interface GoldenJob {
  readonly job: Job;
  /** Names of the sources, by number of the input. */
  readonly sources: readonly string[];
  /** The stage of the operator that the case is about. */
  readonly stage: string;
  /** Whether there is a sink `late` beside the sink `main`. */
  readonly hasLate: boolean;
  /**
   * A row of `main` as the case writes it.
   * @default the row's value, with its timestamp as `ts`
   */
  readonly output?: ((row: TakenRow) => GoldenOutput) | undefined;
}

/** Makes the job of a case. What it throws is the refusal of its pipeline. */
export type Family = (golden: GoldenCase) => GoldenJob;

/** The records of a case, by a source of this name. */
export function recordsOf(job: Job, name: string): Stream<GoldenRecord> {
  return job.source(name, fromArray<GoldenRecord>([])).timestamps((record) => record.ts);
}

/** The value of a record; a missing one is 0. */
export function valueOf({ value = 0 }: GoldenRecord): number {
  return value;
}

/** A field of a pipeline that is a number. @throws RangeError */
export function numberIn(fields: Readonly<Record<string, unknown>>, name: string): number {
  const value = fields[name];
  if (typeof value === "number") return value;
  throw new RangeError(`${name} is ${String(value)} in ${JSON.stringify(fields)}; it takes a number`);
}

/** A row of the sink `main` as the case writes it. */
export function mainOutput({ output }: GoldenJob, row: TakenRow): GoldenOutput {
  if (output !== undefined) return output(row);
  return { ...(row.value as GoldenOutput), ts: goldenTimestamp(row.timestamp) };
}

/** A row of the sink `late` as the case writes it: with the input that it came over, where there are two. */
export function lateOutput({ sources }: GoldenJob, { value, timestamp }: TakenRow): GoldenOutput {
  const { key, value: number = 0, id, input } = value as GoldenRecord;
  return {
    key,
    value: number,
    ts: goldenTimestamp(timestamp),
    ...(id === undefined ? {} : { id }),
    ...(sources.length === 1 ? {} : { input: input ?? 0 }),
  };
}
