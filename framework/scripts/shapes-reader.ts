/**
 * The reading side of `shapes-bench.ts`, in a thread of its own: its data are samples, its only message is what reading a record of each cost, in ns.
 */
import { parentPort, workerData } from "node:worker_threads";
import { BlockReader } from "../record/block-reader.ts";
import { WireReader } from "../record/wire-reader.ts";
import { nsPerRecord, type ShapeSample } from "./shapes-bench.ts";

function read({ records, blocks }: ShapeSample): void {
  const reader = new WireReader(blocks);
  const decoder = new BlockReader(records, undefined);
  while (reader.hasMore) {
    reader.tag();
    const outer = reader.enter("block");
    decoder.read(reader);
    reader.leave(outer);
  }
  decoder.finish();
}

const samples = workerData as readonly ShapeSample[];
parentPort?.postMessage(nsPerRecord(samples.map((sample) => () => read(sample))));
