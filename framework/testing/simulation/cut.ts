/**
 * Where a generation ends for the one that goes on from its savepoint: how far each of its instances had come, by the savepoint itself.
 */
import type { Plan } from "../../plan/plan.ts";
import type { ChunkRef, Origin } from "../../record/snapshot-record.ts";
import { decodeSavepointIndex } from "../../record/wire/savepoint.ts";
import { decodeManifest } from "../../record/wire/snapshot.ts";

/** The last numbers that belong to the savepoint. */
export interface Cut {
  /** Of the rows that an instance has given to a sink; 0: none. */
  rowsOf(stage: string, partition: number, sink: string): number;
  /** Of the records that partition `from` has said over an edge to no other stage; 0: none. */
  saidOver(edge: number, from: number): number;
}

/** Reads the cut of a savepoint. `plan`: of the generation that it was taken of. @throws what is not there, or not what was written */
export function cutOf(plan: Plan, { index }: Origin, read: (chunks: readonly ChunkRef[]) => Uint8Array): Cut {
  const rows = new Map<string, number>();
  const said = new Map<string, number>();
  for (const [at, stage] of decodeSavepointIndex(read(index)).stages.entries()) {
    for (const { partition, manifest } of stage.instances) {
      const { sinks, channelsOut } = decodeManifest(read(manifest));
      for (const { sink, last } of sinks) rows.set(`${stage.name} ${partition} ${sink}`, last);
      for (const { edge, last } of channelsOut)
        if (plan.edges[edge]?.from === at && typeof plan.edges[edge]?.to !== "number")
          said.set(`${edge} ${partition}`, last);
    }
  }
  return {
    rowsOf: (stage, partition, sink) => rows.get(`${stage} ${partition} ${sink}`) ?? 0,
    saidOver: (edge, from) => said.get(`${edge} ${from}`) ?? 0,
  };
}
