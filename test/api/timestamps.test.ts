import { expect, test } from "vitest";
import { job } from "../../framework/api/job.ts";
import type { TimestampsOptions } from "../../framework/api/stream.ts";
import { discard } from "../../framework/connectors/callback.ts";
import { fromArray } from "../../framework/connectors/memory.ts";
import { ingestionTime, monotonic, punctuated, type IngestionTime } from "../../framework/operator/watermarks.ts";
import { compile } from "../../framework/plan/compile.ts";
import { describeText } from "../../framework/plan/describe.ts";
import { planText } from "../../framework/plan/plan-text.ts";

interface Reading {
  readonly at: number;
}

function textOf(
  options: TimestampsOptions<Reading>,
  of: ((r: Reading) => number) | IngestionTime = (r) => r.at,
): string {
  const plant = job("plant");
  plant.source("readings", fromArray<Reading>([])).timestamps(of, options).to(discard());
  const plan = compile(plant);
  return describeText(plan) + planText(plan);
}

test.each<readonly [TimestampsOptions<Reading>, string]>([
  [{ outOfOrderness: "5s" }, "timestamps (up to 5s out of order)"],
  [{ watermarks: monotonic() }, "timestamps (in order)"],
  [{ watermarks: punctuated((r) => r.at) }, "timestamps (watermarks punctuated)"],
  [{ maxDrift: "1m" }, "idle after 30s, at most 1m apart"],
  [{ maxDrift: "1m", driftGroup: "plant" }, "idle after 30s, at most 1m apart in group plant"],
  [{}, "idle after 30s, reads"],
])("%o is what the plan says", (options, text) => {
  expect(textOf(options)).toContain(text);
});

test.each<readonly [string, object, unknown, string]>([
  ["a disorder beside a strategy", { outOfOrderness: "1s", watermarks: monotonic() }, undefined, "not both"],
  ["a drift of 0", { maxDrift: 0 }, undefined, "timestamps: maxDrift is 0"],
  ["a group without a drift", { driftGroup: "plant" }, undefined, "timestamps: driftGroup takes a maxDrift"],
  ["a group of no name", { maxDrift: "1m", driftGroup: "A B" }, undefined, 'timestamps: driftGroup "A B"'],
  ["a drift that is no duration", { maxDrift: "far" }, undefined, 'timestamps: maxDrift is "far"'],
  ["a strategy that is none", { watermarks: { kind: "periodic" } }, undefined, "kind is no function"],
  ["an option that is none", { drift: "1s" }, undefined, 'there is no option "drift"'],
  ["timestamps from no function", {}, "at", "takes a function of the record, or ingestionTime()"],
  ["ingestion time where the source knows none", {}, ingestionTime(), "does not say when a record was stored"],
])("%s is refused with the place", (_what, options, of, message) => {
  expect(() => textOf(options as TimestampsOptions<Reading>, of as IngestionTime | undefined)).toThrow(
    expect.objectContaining({ code: "PLAN_INVALID", message: expect.stringContaining(message) }),
  );
});
