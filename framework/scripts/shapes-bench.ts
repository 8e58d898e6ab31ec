/**
 * What a record costs to write and to read, of the first shape in a process and of shapes with as many properties that come later: `npm run bench -- shapes`.
 *
 * Reading happens in a thread that has never written such records: it knows their names from the wire alone, as a worker without sources does.
 */
import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { ByteWriter } from "../record/byte-writer.ts";
import { SectionWriter } from "../record/section-writer.ts";
import { spreadOf } from "./recovery/figures.ts";

/** Records of one section, written: what a reader is given. */
export interface ShapeSample {
  readonly records: number;
  readonly blocks: Uint8Array;
}

/** Field of the message `Section` that blocks are written as. */
export const blocksField = 7;

const shapes = 6;
const properties = 6;
const records = 800;
const warmUpRounds = 1_000;
const rounds = 200;
const turns = 9;

/** Nanoseconds per record, and how much the later shapes cost beside the first one. */
export async function measureShapes(): Promise<object> {
  const writers = Array.from({ length: shapes }, (_, at) => writerOf(at));
  const writeNs = nsPerRecord(writers.map(({ write }) => write));
  const samples = writers.map(({ sample }) => sample());
  const reader = new Worker(new URL("shapes-reader.ts", import.meta.url), { workerData: samples });
  const [readNs] = (await once(reader, "message")) as [readonly number[]];
  return { bench: "shapes", ...figures("write", writeNs), ...figures("read", readNs) };
}

/** CPU of each in the median of several turns; all have been compiled by then, in their order. */
export function nsPerRecord(works: readonly (() => void)[]): readonly number[] {
  for (const work of works) repeat(work, warmUpRounds);
  const measured = works.map((): number[] => []);
  for (let turn = 0; turn < turns; turn += 1)
    for (const [at, work] of works.entries()) {
      const before = process.threadCpuUsage();
      repeat(work, rounds);
      const { user, system } = process.threadCpuUsage(before);
      measured[at]?.push(((user + system) * 1_000) / rounds / records);
    }
  return measured.map((each) => spreadOf(each).p50);
}

function repeat(work: () => void, times: number): void {
  for (let count = 0; count < times; count += 1) work();
}

function writerOf(shape: number): { readonly write: () => void; readonly sample: () => ShapeSample } {
  const names = Array.from({ length: properties }, (_, at) => `shape${shape}property${at}`);
  const rows = Array.from({ length: records }, (_, at) =>
    Object.fromEntries(names.map((name, place) => [name, place === 0 ? `key ${at % 50}` : (at * 7 + place) % 1_000])),
  );
  const section = new SectionWriter();
  const out = new ByteWriter();
  const write = (): void => {
    section.clear();
    for (const row of rows) section.add(row, undefined);
    out.clear();
    section.writeBlocks(out, blocksField);
  };
  const sample = (): ShapeSample => {
    write();
    return { records, blocks: out.copy() };
  };
  return { write, sample };
}

function figures(what: string, [first = Number.NaN, ...later]: readonly number[]): object {
  const mean = later.reduce((sum, ns) => sum + ns, 0) / later.length;
  return {
    [`${what}.first.ns`]: Math.round(first),
    [`${what}.later.ns`]: Math.round(mean),
    [`${what}.ratio`]: Math.round((mean / first) * 100) / 100,
  };
}
