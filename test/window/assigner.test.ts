import { expect, test } from "vitest";
import { sliding, tumbling } from "../../framework/window/assigner.ts";

test("A2: a tumbling window slides by its size", () => {
  expect(tumbling("5m")).toEqual({
    kind: "tumbling",
    sizeMs: 300_000,
    slideMs: 300_000,
    offsetMs: 0,
    time: "event",
    description: "tumbling 5m",
  });
});

test("sliding windows say all there is to say", () => {
  expect(sliding("1h", "1m", { offset: "-30s", time: "processing" })).toEqual({
    kind: "sliding",
    sizeMs: 3_600_000,
    slideMs: 60_000,
    offsetMs: -30_000,
    time: "processing",
    description: "sliding 1h every 1m, offset -30s, processing time",
  });
});

test.each([
  ["a size of nothing", () => tumbling(0), "the size of a tumbling window is 0"],
  ["a negative size", () => tumbling("-5s"), '"-5s"'],
  ["a size of nothing, sliding", () => sliding(0, "1s"), "the size of a sliding window is 0"],
  ["a slide of nothing", () => sliding("5s", 0), "the slide of a sliding window is 0"],
  ["a negative slide", () => sliding("5s", "-1s"), '"-1s"'],
  ["an offset as large as the size", () => tumbling("5s", { offset: "5s" }), "not smaller than the size"],
  ["an offset as large as the slide", () => sliding("5s", "1s", { offset: "-1s" }), "not smaller than the slide"],
  ["an offset that is no duration", () => tumbling("5s", { offset: "late" as never }), '"late"'],
  ["another time", () => tumbling("5s", { time: "wall" as never }), '"wall"'],
  ["a size that is no duration", () => tumbling("soon" as never), '"soon"'],
])("A3: %s throws nothing, and carries its problem", (_what, make, words) => {
  const { problem } = make();
  expect(problem).toMatchObject({ code: "OPTION_INVALID", message: expect.stringContaining(words) });
});

test.each([
  ["tumbling", (options: object) => tumbling("1m", options)],
  ["sliding", (options: object) => sliding("1m", "30s", options)],
])("A3: an option that %s does not have carries the nearest one that it has", (kind, make) => {
  expect(make({ offest: "5s" }).problem).toMatchObject({
    code: "PLAN_INVALID",
    message: `a ${kind} window: there is no option "offest"; did you mean "offset"?`,
  });
  expect(make({ colour: 1 }).problem?.message).toContain("it takes offset, time");
  expect(make({ offset: undefined, time: undefined }).problem).toBeUndefined();
});
