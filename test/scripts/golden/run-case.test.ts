/** Golden cases through the public API and the real runtime: as they are, and with a crash after every entry. */
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { families } from "../../../framework/scripts/golden/families.ts";
import { readCases, type GoldenCase } from "../../../framework/scripts/golden/format.ts";
import { runCase } from "../../../framework/scripts/golden/run-case.ts";
import { betterOnPurpose } from "../../../framework/scripts/golden/better.ts";

const folder = fileURLToPath(new URL("../../../../shared/golden/", import.meta.url));
const shapes = { compare: { onRecord: "exact", onTime: "exact" }, family: "timers" } as const;

const inactivity: GoldenCase = {
  ...shapes,
  id: "timers/inactivity",
  pipeline: { program: "inactivity", timeout: 10 },
  input: [{ key: "a", ts: 1 }, { key: "a", ts: 5 }, { watermark: 14 }, { watermark: 15 }, { watermark: "MAX" }],
  expected: { steps: [{}, {}, {}, { main: [{ key: "a", kind: "timer", timer: 15, count: 2, ts: 15 }] }, {}] },
};

describe.each(["plain", "crashed"] as const)("%s", (mode) => {
  const judged = (golden: GoldenCase) =>
    runCase(
      golden,
      families[golden.family] ??
        (() => {
          throw new RangeError();
        }),
      mode,
    );

  test("a case that is right agrees", async () => {
    expect(await judged(inactivity)).toBeUndefined();
  });

  test("what differs is told with the step and both values", async () => {
    const steps = [{}, {}, {}, { main: [{ key: "a", kind: "timer", timer: 15, count: 3, ts: 15 }] }, {}];
    expect(await judged({ ...inactivity, expected: { steps } })).toBe(
      'step 3, {"watermark":15}: main: expected {"count":3,"key":"a","kind":"timer","timer":15,"ts":15}; ' +
        'found {"count":2,"key":"a","kind":"timer","timer":15,"ts":15}',
    );
  });

  test("a pipeline that is to be refused agrees when it is, and only then", async () => {
    const expected = { error: "IllegalArgumentException" };
    expect(await judged({ ...inactivity, pipeline: { program: "none" }, expected })).toBeUndefined();
    expect(await judged({ ...inactivity, expected })).toMatch(/was to be refused/);
    expect(await judged({ ...inactivity, pipeline: { program: "none" } })).toMatch(/it is refused: .*none/);
  });

  test.for(Object.keys(families))("%s: every case agrees", { timeout: 240_000 }, async (family, { skip }) => {
    const path = `${folder}${family}.json`;
    if (!existsSync(path)) return skip(`the golden cases are not at ${folder}: nothing was compared`);
    const wrong: string[] = [];
    for (const golden of readCases(path)) {
      const found = betterOnPurpose[golden.id] === undefined ? await judged(golden) : undefined;
      if (found !== undefined) wrong.push(`${golden.id}: ${found}`);
    }
    expect(wrong).toEqual([]);
  });
});
