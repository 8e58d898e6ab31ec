/**
 * Input of workloads: records in splits, in order or not, and when they become available.
 *
 * Owns the odd keys that every codec, map and partitioner has to live with.
 */
import type { Random } from "../../../platform/platform.ts";
import type { Bench, SimulatedRecord, SplitScript } from "../contract.ts";

/** Keys that something may take for something else. */
const oddKeys: readonly SimulatedRecord["key"][] = [
  "__proto__",
  "constructor",
  "",
  "\u0000",
  "\ud800",
  "\udfff",
  "toString",
  "1",
  1,
  -0,
  1.5,
  true,
  "true",
  "é",
  "e\u0301",
  "a.b",
  "a",
  "b",
  "c",
];

/** What a function of a workload throws at a record: without a stack, which would be another one wherever the code has been transformed. */
export function poison({ id }: SimulatedRecord): Error {
  const error = new Error(`poison ${id}`);
  error.stack = error.message;
  return error;
}

/** What the input looks like. */
export interface InputShape {
  /** How far behind an earlier one a record's time may be, ms; within its split. @default 0 */
  readonly disorderMs?: number | undefined;
  /** Event time from the first record to the last, ms. @default 5000 */
  readonly spanMs?: number | undefined;
  /** @default 30 to 120 */
  readonly count?: number | undefined;
  /** @default 1 to 3 */
  readonly splits?: number | undefined;
  /** Id of the first record. @default 1 */
  readonly firstId?: number | undefined;
}

/** Draws an input; its records in the order of their ids, and the splits that have them. */
export function drawInput(
  { random, inputMs }: Pick<Bench, "random" | "inputMs">,
  shape: InputShape = {},
): { readonly records: readonly SimulatedRecord[]; readonly splits: readonly SplitScript[] } {
  const { disorderMs = 0, spanMs = 5_000, firstId = 1 } = shape;
  const count = shape.count ?? 30 + random.below(90);
  const keys = drawKeys(random);
  const splits = Array.from({ length: shape.splits ?? 1 + random.below(3) }, () => [] as SimulatedRecord[]);
  const records: SimulatedRecord[] = [];
  for (let index = 0; index < count; index += 1) {
    const base = Math.floor((index * spanMs) / count);
    const record = {
      id: firstId + index,
      key: keys[random.below(keys.length)] ?? "a",
      at: Math.max(0, base - (disorderMs > 0 ? random.below(disorderMs + 1) : 0)),
      n: 1 + random.below(100),
    };
    records.push(record);
    splits[random.below(splits.length)]?.push(record);
  }
  return { records, splits: splits.map((split) => drawScript(random, split, inputMs)) };
}

function drawKeys(random: Random): readonly SimulatedRecord["key"][] {
  const count = 1 + random.below(6);
  return Array.from({ length: count }, () => oddKeys[random.below(oddKeys.length)] ?? "a");
}

/** When the records of one split are there: at once, evenly, or in bursts. */
function drawScript(random: Random, split: readonly SimulatedRecord[], inputMs: number): SplitScript {
  const kind = random.below(5);
  const spreadMs = kind === 0 ? 0 : inputMs;
  const bursts = kind === 1 ? 1 + random.below(4) : split.length;
  const records = split.map((record, index) => {
    const burst = Math.floor((index * bursts) / Math.max(1, split.length));
    return { availableMs: Math.floor((burst * spreadMs) / Math.max(1, bursts)), record };
  });
  const lastMs = records.at(-1)?.availableMs ?? 0;
  return { records, endsMs: lastMs + random.below(2) * random.below(Math.max(1, Math.floor(inputMs / 4))) };
}
