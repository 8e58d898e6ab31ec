/** Feeds a golden case to an operator, entry by entry, and compares each step. */
import { expect } from "vitest";
import type { KeySelector, OperatorFactory } from "../../framework/operator/contract.ts";
import { operatorHarness, type Emitted, type OperatorHarness } from "../../framework/testing/operator-harness.ts";
import { comparable, goldenTime, timeOf, type GoldenCase, type GoldenEntry, type GoldenOutput, type GoldenRecord, type GoldenWatermark } from "./shared.ts";

/** Ways to run a case; the outputs must be the same in all. */
export const modes = {
  "item by item": {},
  "restored after every step": { restoreEachStep: true },
  "every record once as poison": { poisonEachRecord: true },
} as const;

/** What a family needs to say about its cases. */
export interface Replay {
  readonly factory: OperatorFactory;
  /** Our output as the family writes it. */
  readonly output: (emitted: Emitted) => GoldenOutput;
  /** Whether the case reads late records. */
  readonly hasLateOutput: boolean;
  /** Takes the key of a record, by port, of those inputs that have keys. @default one keyed input */
  readonly keys?: readonly (KeySelector | undefined)[];
}

/** Runs the case and expects what it says. */
export function expectCase(golden: GoldenCase<unknown>, { factory, output, hasLateOutput, keys = [keyOf] }: Replay, mode: keyof typeof modes): void {
  const harness = operatorHarness(factory, { key: keys, manualWatermarks: true, ...modes[mode] });
  const steps = "steps" in golden.expected ? golden.expected.steps : [];
  let watermark = -Infinity;
  const time = new InputTimes(keys.length);
  for (const [at, entry] of golden.input.entries()) {
    feed(harness, entry, time);
    const step = steps[at] ?? {};
    const { main, late, deadLetters } = harness.take();
    const place = `${golden.id}, step ${at}: ${JSON.stringify(entry)}`;
    const order = "key" in entry ? golden.compare.onRecord : golden.compare.onTime;
    const actual = main.map(output);
    expect({ place, is: comparable(actual, order) }).toEqual({ place, is: comparable(step.main ?? [], order) });
    if (golden.compare.oneInstance === "byTime" && "watermark" in entry) expectSorted(main, place);
    if (hasLateOutput) expect({ place, is: late.map(lateOutput) }).toEqual({ place, is: step.late ?? [] });
    expect({ place, is: deadLetters }).toEqual({ place, is: [] });
    if (step.watermark !== undefined) watermark = timeOf(step.watermark);
    expect({ place, is: harness.eventTime }).toEqual({ place, is: watermark });
  }
}

function feed(harness: OperatorHarness, entry: GoldenEntry, time: InputTimes): void {
  if ("watermark" in entry) harness.watermark(time.advance(entry));
  else if ("processingTime" in entry) harness.clock(entry.processingTime);
  else harness.process(entry, entry.ts, entry.input ?? 0);
}

/** Event time of each input; that of the operator is the least of them. */
class InputTimes {
  readonly #times: number[];

  constructor(inputs: number) {
    this.#times = Array.from({ length: inputs }, () => -Infinity);
  }

  advance({ watermark, input }: GoldenWatermark): number {
    for (const [at, time] of this.#times.entries()) {
      if (input === undefined || input === at) this.#times[at] = Math.max(time, timeOf(watermark));
    }
    return Math.min(...this.#times);
  }
}

/** The key of a record, as cases write it. */
export const keyOf: KeySelector = (record) => (record as GoldenRecord).key;

function lateOutput({ value, timestamp }: Emitted): GoldenOutput {
  const { key, value: number = 0, input, id } = value as GoldenRecord;
  const optional = { ...(input === undefined ? {} : { input }), ...(id === undefined ? {} : { id }) };
  return { key, value: number, ts: timestamp, ...optional };
}

/** Our instances fire in order of time across keys. */
function expectSorted(main: readonly Emitted[], place: string): void {
  const times = main.map(({ timestamp }) => timestamp ?? 0);
  expect({ place, times }).toEqual({ place, times: times.toSorted((a, b) => a - b) });
}

/** A timestamp as cases write it. */
export function goldenTimestamp(timestamp: number | undefined): unknown {
  return timestamp === undefined ? null : goldenTime(timestamp);
}
