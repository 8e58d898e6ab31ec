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
  ["a size of nothing", () => tumbling(0)],
  ["a negative size", () => tumbling("-5s")],
  ["a slide of nothing", () => sliding("5s", 0)],
  ["an offset as large as the size", () => tumbling("5s", { offset: "5s" })],
  ["an offset as large as the slide", () => sliding("5s", "1s", { offset: "-1s" })],
  ["another time", () => tumbling("5s", { time: "wall" as never })],
  ["a size that is no duration", () => tumbling("soon" as never)],
])("%s is refused", (_what, describe) => {
  expect(describe).toThrow(expect.objectContaining({ code: "OPTION_INVALID" }));
});
