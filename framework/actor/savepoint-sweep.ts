/**
 * What savepoints leave behind: copies of those that were cancelled, and of incarnations that did not live to see the end.
 *
 * Owns which chunks nobody needs. Somebody may be writing for the next savepoint, or have written for one that this leader knows nothing of: only what the job
 * log says the end of is looked at.
 *
 * SW1. Of a cancelled savepoint everything goes, unless its register says that it has come about (F4). One that is open there is cancelled there first: somebody may
 *      be about to write that it is complete.
 * SW2. Of a complete one everything stays but what neither its index nor a manifest names.
 */
import type { Blobs, Registers } from "../log/contracts.ts";
import { savepointPrefix, savepointRegister } from "../log/names.ts";
import type { SavepointView } from "../protocol/savepoint-life.ts";
import type { SavepointRecord } from "../record/savepoint-record.ts";
import { decodeSavepointIndex, decodeSavepointRecord, encodeSavepointRecord } from "../record/wire/savepoint.ts";
import { inParallel } from "./in-parallel.ts";
import { chunksOf, readCopies } from "./savepoint-index.ts";
import { SnapshotStore } from "./snapshot-store.ts";

const deletionsMax = 16;
/** An open register is moved, or read again, so often; then what there is stays for the next sweep. */
const triesMax = 3;

/** Removes what nobody needs of savepoints of `generation`: of the cancelled ones among `ended`, and of the newest. @throws what the stores refuse with */
export async function sweepSavepoints(
  registers: Registers,
  blobs: Blobs,
  generation: number,
  ended: readonly SavepointView[],
): Promise<void> {
  const newest = ended.at(-1)?.id;
  for (const savepoint of ended) {
    const { name, id, state } = savepoint;
    if (state !== "cancelled" && id !== newest) continue;
    const record = await recordOf(registers, savepoint, generation);
    const isComplete = record?.state === "complete";
    // The job log says that it is complete, and the register is shown as it was before; or the register says nothing for certain.
    if (!isComplete && (state !== "cancelled" || record?.state === "open")) continue;
    const named = isComplete ? await namesIn(blobs, record) : new Set<string>();
    const names = await blobs.list(savepointPrefix(name, generation, id));
    await inParallel(
      names.filter((each) => !named.has(each)),
      deletionsMax,
      (each) => blobs.delete(each),
    );
  }
}

/** What the register says of a savepoint, for good if it can be had (SW1); still `open` if not. */
async function recordOf(
  registers: Registers,
  { name, id, state, reason }: SavepointView,
  generation: number,
): Promise<SavepointRecord | undefined> {
  const key = savepointRegister(name);
  for (let tries = 1; ; tries += 1) {
    const found = await registers.get(key);
    const record = found === undefined ? undefined : decodeSavepointRecord(found.value);
    if (found === undefined || record?.generation !== generation || record.savepoint !== id) return undefined;
    if (record.state !== "open" || state !== "cancelled" || tries > triesMax) return record;
    const cancelled: SavepointRecord = { ...record, state: "cancelled", reason };
    const result = await registers.update(key, encodeSavepointRecord(cancelled), found.revision);
    if (result.kind === "written") return cancelled;
  }
}

/** Names of all chunks of a complete savepoint. @throws CORRUPT */
async function namesIn(blobs: Blobs, { index: chunks }: SavepointRecord): Promise<ReadonlySet<string>> {
  const store = new SnapshotStore(blobs, { stage: "index", partition: 0, epoch: 0 });
  const index = decodeSavepointIndex(await store.getSegment(chunks));
  const instances = index.stages.flatMap((stage, at) =>
    stage.instances.map(({ partition, manifest }) => ({ instance: { stage: at, partition }, chunks: manifest })),
  );
  return new Set([...chunks.map(({ name }) => name), ...chunksOf(await readCopies(blobs, instances)).keys()]);
}
