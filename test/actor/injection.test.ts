/** The notation of injected faults. */
import { describe, expect, test } from "vitest";
import { checkMayInject, checkPlaces, parseInjections } from "../../framework/actor/injection.ts";

describe("G1: the grammar", () => {
  test("a crash, the death of the process, a pause", () => {
    const texts = ["crash:average/1@500", "crash-process:metrics.average/0@7", "pause:counts/12@1:1m30s"];
    expect(parseInjections(texts)).toEqual([
      { text: texts[0], kind: "crash", stage: "average", partition: 1, sequence: 500, pauseMs: 0 },
      { text: texts[1], kind: "crash-process", stage: "metrics.average", partition: 0, sequence: 7, pauseMs: 0 },
      { text: texts[2], kind: "pause", stage: "counts", partition: 12, sequence: 1, pauseMs: 90_000 },
    ]);
  });

  test.each([
    "",
    "crash",
    "explode:average/1@500",
    "crash:average@500",
    "crash:average/1",
    "crash:average/x@500",
    "crash:average/1@0",
    "crash:average/1@-5",
    "crash:average/1@500:2s",
    "pause:average/1@500",
    "pause:average/1@500:",
    " crash:average/1@500",
  ])("%j is refused with the value and the grammar", (text) => {
    expect(() => parseInjections([text])).toThrow(
      expect.objectContaining({
        code: "OPTION_INVALID",
        message: expect.stringContaining(`"${text}", which is no fault: write crash:STAGE/PARTITION@SEQ`) as string,
      }),
    );
  });

  test.each(["0s", "soon", "-2s"])("a pause of %s is refused", (duration) => {
    expect(() => parseInjections([`pause:average/1@500:${duration}`])).toThrow(
      expect.objectContaining({ code: "OPTION_INVALID", message: expect.stringContaining(duration) as string }),
    );
  });
});

test("G2: the same fault twice is one", () => {
  expect(parseInjections(["crash:a/0@1", "crash:a/0@2", "crash:a/0@1"])).toHaveLength(2);
});

test("in production faults are refused, unless forced; without any nothing is asked", () => {
  const faults = parseInjections(["crash:a/0@1"]);
  expect(() => checkMayInject(faults, "production", false)).toThrow(/NODE_ENV is production.*--inject-in-production/);
  expect(() => checkMayInject(faults, "production", true)).not.toThrow();
  expect(() => checkMayInject(faults, "development", false)).not.toThrow();
  expect(() => checkMayInject(faults, undefined, false)).not.toThrow();
  expect(() => checkMayInject([], "production", false)).not.toThrow();
});

test("a stage or partition that does not exist is refused with what there is", () => {
  const instances = new Map([
    ["readings", 1],
    ["average", 4],
  ]);
  expect(() => checkPlaces(parseInjections(["crash:readings/0@1", "pause:average/3@1:1s"]), instances)).not.toThrow();
  expect(() => checkPlaces(parseInjections(["crash:mean/0@1"]), instances)).toThrow(
    /no stage "mean"; the stages are readings, average/,
  );
  expect(() => checkPlaces(parseInjections(["crash:average/4@1"]), instances)).toThrow(
    /stage average has the partitions 0 to 3/,
  );
});
