import { expect, test } from "vitest";
import { checkKnownOptions, nearest } from "../framework/known-options.ts";
import { expectRefusal } from "./plan/doubles.ts";

const known = ["offset", "time", "outOfOrderness"];

test("known options, none, and undefined ones are accepted", () => {
  checkKnownOptions({}, known, "tumbling");
  checkKnownOptions({ offset: 1, time: undefined }, known, "tumbling");
});

test("an unknown option is refused with place and the nearest known one", () => {
  expectRefusal(
    () => checkKnownOptions({ ofset: 1 }, known, "tumbling"),
    "tumbling",
    '"ofset"',
    'did you mean "offset"?',
  );
});

test("an unknown option that is near to none is refused with all that exist", () => {
  expectRefusal(() => checkKnownOptions({ colour: 1 }, known, "tumbling"), "it takes offset, time, outOfOrderness");
});

test.for([
  ["outofOrderness", "outOfOrderness"],
  ["OFFSET", "offset"],
  ["tmie", "time"],
  ["times", "time"],
  ["timeDomain", "time"],
  ["x", undefined],
  ["watermark", undefined],
] as const)("nearest to %s is %s", ([word, expected]) => {
  expect(nearest(word, known)).toBe(expected);
});
