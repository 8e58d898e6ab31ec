/**
 * How `timestamps` makes watermarks: the strategies that a program may name.
 *
 * Owns the public descriptions; `watermark-makers.ts` does the work. Each split has a maker of its own, and the watermark of a source is the smallest of those
 * of its splits.
 */
import { StreamError } from "../errors.ts";

/** A generator of one's own, in {@link watermarks}. Its state is anything the default codec takes, and is in snapshots. */
export interface WatermarkGenerator<T, S> {
  /** The state of a split that has not been read yet. */
  create(): S;
  /** The state with one more record, called when the record has been handed on. May change `state` and answer it: it is a copy. */
  onRecord(state: S, value: T, timestamp: number): S;
  /** The watermark that the state stands for; undefined while there is none. One that is smaller than an earlier one changes nothing. */
  watermark(state: S): number | undefined;
}

/** How watermarks follow from records; made by {@link monotonic}, {@link punctuated} or {@link watermarks}. */
export type WatermarkStrategy<T> =
  | { readonly kind: "monotonic" }
  | { readonly kind: "punctuated"; readonly of: (value: T, timestamp: number) => number | undefined }
  // oxlint-disable-next-line typescript/no-explicit-any -- state of any type: the operator never looks inside
  | { readonly kind: "generated"; readonly generator: WatermarkGenerator<T, any> };

/** Timestamps only grow in a split; equal ones are in time. What is assumed where nothing is said. */
export function monotonic(): WatermarkStrategy<unknown> {
  return { kind: "monotonic" };
}

/**
 * Records themselves say how far event time has come: `of` answers a watermark (no record with that timestamp or a smaller one follows), or undefined.
 *
 * @example
 * orders.timestamps((o) => o.at, { watermarks: punctuated((o) => (o.isLastOfDay ? o.at : undefined)) });
 */
export function punctuated<T>(of: (value: T, timestamp: number) => number | undefined): WatermarkStrategy<T> {
  return { kind: "punctuated", of };
}

/**
 * Watermarks by a generator of one's own, with a state per split.
 *
 * @example
 * // As far behind as the worst record so far.
 * readings.timestamps((r) => r.at, {
 *   watermarks: watermarks({
 *     create: () => ({ largest: -Infinity, worst: 0 }),
 *     onRecord: ({ largest, worst }, _reading, at) => ({ largest: Math.max(largest, at), worst: Math.max(worst, largest - at) }),
 *     watermark: ({ largest, worst }) => (largest === -Infinity ? undefined : largest - worst - 1),
 *   }),
 * });
 */
export function watermarks<T, S>(generator: WatermarkGenerator<T, S>): WatermarkStrategy<T> {
  return { kind: "generated", generator };
}

/** Timestamps that are given when a record is read; see {@link ingestionTime}. */
export interface IngestionTime {
  readonly kind: "ingestionTime";
}

/**
 * In place of a function of the record: the time at which the source's store took it, the same in every replay. For sources that know: JetStream streams, and
 * everything that goes through an ingress stream. Never goes back within a split.
 *
 * @example
 * readings.timestamps(ingestionTime());
 */
export function ingestionTime(): IngestionTime {
  return { kind: "ingestionTime" };
}

/** Refuses what is no strategy. @throws OPTION_INVALID */
export function checkStrategy(strategy: WatermarkStrategy<never>): void {
  const { kind } = strategy;
  const functions =
    kind === "punctuated"
      ? { of: strategy.of }
      : kind === "generated"
        ? strategy.generator
        : kind === "monotonic"
          ? {}
          : { kind };
  const expected = kind === "generated" ? ["create", "onRecord", "watermark"] : Object.keys(functions);
  for (const name of expected) {
    if (typeof (functions as Readonly<Record<string, unknown>>)[name] === "function") continue;
    const what = "monotonic(), punctuated(function) or watermarks({ create, onRecord, watermark })";
    throw new StreamError("OPTION_INVALID", `timestamps: watermarks: ${name} is no function; it is ${what}`);
  }
}
