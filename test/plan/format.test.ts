import { expect, test } from "vitest";
import { bytesText, spanText, tableText } from "../../framework/plan/format.ts";

test.for([
  [0, "0 B"],
  [1023, "1023 B"],
  [1024, "1 KiB"],
  [130 * 1024 * 1024, "130 MiB"],
  [2.25 * 1024 ** 3, "2.3 GiB"],
  [5000 * 1024 ** 4, "5000 TiB"],
] as const)("%d bytes read as %s", ([bytes, text]) => {
  expect(bytesText(bytes)).toBe(text);
});

test("an unbounded span reads as never", () => {
  expect(spanText(Infinity)).toBe("never");
  expect(spanText(90_000)).toBe("1m30s");
});

test("columns are as wide as their widest cell, and lines do not end in blanks", () => {
  expect(
    tableText([
      ["a", "b"],
      ["long", ""],
      ["x", "y", "z"],
    ]),
  ).toEqual(["a     b", "long", "x     y  z"]);
});

test("no rows make no lines", () => {
  expect(tableText([])).toEqual([]);
});
