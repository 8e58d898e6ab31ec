/**
 * What `timestamps` infers, and what must not compile.
 */
import { expectTypeOf, test } from "vitest";
import { job } from "../../framework/api/job.ts";
import type { Stream } from "../../framework/api/stream.ts";
import type { SourceSpec } from "../../framework/log/source.ts";
import { ingestionTime, monotonic, punctuated, watermarks } from "../../framework/operator/watermarks.ts";

interface Reading {
  readonly at: number;
  readonly isLast: boolean;
}

declare const source: SourceSpec<Reading>;
const readings = job("plant").source("readings", source);

test("timestamps takes every strategy, which infers the record from the stream", () => {
  expectTypeOf(readings.timestamps((r) => r.at, { watermarks: monotonic() })).toEqualTypeOf<Stream<Reading>>();
  expectTypeOf(
    readings.timestamps((r) => r.at, { watermarks: punctuated((r) => (r.isLast ? r.at : undefined)) }),
  ).toEqualTypeOf<Stream<Reading>>();
  expectTypeOf(
    readings.timestamps((r) => r.at, {
      watermarks: watermarks({
        create: () => 0,
        onRecord: (held, r: Reading, at) => (r.isLast ? at : held),
        watermark: (held) => held,
      }),
    }),
  ).toEqualTypeOf<Stream<Reading>>();
  expectTypeOf(readings.timestamps(ingestionTime(), { idleTimeout: "1m", maxDrift: "5m" })).toEqualTypeOf<
    Stream<Reading>
  >();
  // @ts-expect-error a watermark is a number
  readings.timestamps((r) => r.at, { watermarks: punctuated((r) => r.isLast) });
  // @ts-expect-error a generator says what its state stands for
  watermarks({ create: () => 0, onRecord: (held: number) => held });
  // @ts-expect-error a strategy is made by a function
  readings.timestamps((r) => r.at, { watermarks: "monotonic" });
});
