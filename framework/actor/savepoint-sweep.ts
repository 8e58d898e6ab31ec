/**
 * What savepoints leave behind: copies of those that were cancelled, and of incarnations that did not live to see the end.
 *
 * Owns which chunks nobody needs. Of a complete savepoint everything stays but what its index does not name; what a register has open is left alone.
 */
import type { Blobs, Registers } from "../log/contracts.ts";
import { savepointPrefix, savepointRegisters } from "../log/names.ts";
import type { SavepointRecord } from "../record/savepoint-record.ts";
import { decodeSavepointIndex, decodeSavepointRecord } from "../record/wire/savepoint.ts";
import { inParallel } from "./in-parallel.ts";
import { chunksOf, readCopies } from "./savepoint-index.ts";
import { SnapshotStore } from "./snapshot-store.ts";

const deletionsMax = 16;

/** Removes what nobody needs; `prefix`: of the savepoint that has just ended, whose chunks are looked at one by one. @throws what the stores refuse with */
export async function sweepSavepoints(registers: Registers, blobs: Blobs, prefix: string): Promise<void> {
  const kept = new Set<string>();
  const named = new Set<string>();
  for (const key of await registers.list(savepointRegisters)) {
    const found = await registers.get(key);
    const record = found === undefined ? undefined : decodeSavepointRecord(found.value);
    if (record === undefined || record.state === "cancelled") continue;
    const its = savepointPrefix(key.slice(savepointRegisters.length), record.generation, record.savepoint);
    kept.add(its);
    if (its === prefix && record.state === "complete") for (const name of await namesIn(blobs, record)) named.add(name);
  }
  const names = await blobs.list("");
  const isNeeded = (name: string) => {
    const its = `${name.split(".").slice(0, 3).join(".")}.`;
    return kept.has(its) && (named.size === 0 || its !== prefix || named.has(name));
  };
  await inParallel(
    names.filter((name) => !isNeeded(name)),
    deletionsMax,
    (name) => blobs.delete(name),
  );
}

/** Names of all chunks of a complete savepoint. @throws CORRUPT */
async function namesIn(blobs: Blobs, { index: chunks }: SavepointRecord): Promise<readonly string[]> {
  const store = new SnapshotStore(blobs, { stage: "index", partition: 0, epoch: 0 });
  const index = decodeSavepointIndex(await store.getSegment(chunks));
  const instances = index.stages.flatMap((stage, at) =>
    stage.instances.map(({ partition, manifest }) => ({ instance: { stage: at, partition }, chunks: manifest })),
  );
  return [...chunks.map(({ name }) => name), ...chunksOf(await readCopies(blobs, instances)).keys()];
}
