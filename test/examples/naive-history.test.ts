import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { csv } from "../../framework/connectors/file.ts";
import { readSplit, replayable } from "../connectors/reading.ts";
import { historyFiles } from "./history-files.ts";
import { differences, historyLines, parseHistory, rowsThatMayBeLate, withoutLate } from "./naive-history.ts";

const hourMs = 3_600_000;
const start = Date.UTC(2014, 0, 1);

/** One row per hour with the given values. */
function hourly(
  values: readonly number[],
): ReadonlyMap<string, readonly { readonly at: number; readonly value: number }[]> {
  return new Map([["a.csv", values.map((value, hour) => ({ at: start + hour * hourMs, value }))]]);
}

test("an hour has count, mean, min and max", () => {
  const rows = parseHistory(
    "timestamp,value\n2014-01-01 00:59:59,1\n2014-01-01 00:00:00,4\nbad\n2014-01-01 01:00:00,-7.5\n",
  );
  const lines = historyLines(new Map([["a.csv", rows]])).filter(({ kind }) => kind === "hour");
  expect(lines).toEqual([
    {
      kind: "hour",
      key: "a.csv",
      start: "2014-01-01T00:00:00.000Z",
      end: "2014-01-01T01:00:00.000Z",
      count: 2,
      mean: 2.5,
      min: 1,
      max: 4,
    },
    {
      kind: "hour",
      key: "a.csv",
      start: "2014-01-01T01:00:00.000Z",
      end: "2014-01-01T02:00:00.000Z",
      count: 1,
      mean: -7.5,
      min: -7.5,
      max: -7.5,
    },
  ]);
});

test("a reading is in the 24 days that end at the 24 hours after it", () => {
  const days = historyLines(new Map([["a.csv", [{ at: start + hourMs / 2, value: 3 }]]])).filter(
    ({ kind }) => kind === "day",
  );
  expect(days).toHaveLength(24);
  expect(days[0]).toEqual({
    kind: "day",
    key: "a.csv",
    start: "2013-12-31T01:00:00.000Z",
    end: "2014-01-01T01:00:00.000Z",
    max: 3,
  });
  expect(days[23]).toMatchObject({ start: "2014-01-01T00:00:00.000Z", end: "2014-01-02T00:00:00.000Z" });
});

test("a day forgets what is older", () => {
  const rows = new Map([
    [
      "a.csv",
      [
        { at: start, value: 9 },
        { at: start + 24 * hourMs, value: 1 },
        { at: start + 60 * hourMs, value: 2 },
      ],
    ],
  ]);
  const days = historyLines(rows).filter(({ kind }) => kind === "day");
  expect(days).toHaveLength(24 + 24 + 24);
  expect(days.map(({ max }) => max)).toEqual([...Array(24).fill(9), ...Array(24).fill(1), ...Array(24).fill(2)]);
});

test("an alert is an hour outside of three deviations of the 72 before", () => {
  const usual = Array.from({ length: 72 }, (_, hour) => (hour % 2 === 0 ? 10 : 12));
  const sd = Math.sqrt(72 / 71);
  const alertsAt = (last: number): readonly unknown[] =>
    historyLines(hourly([...usual, last])).filter(({ kind }) => kind === "alert");
  expect(alertsAt(11 + 3 * sd - 0.001)).toEqual([]);
  expect(alertsAt(11 - 3 * sd + 0.001)).toEqual([]);
  expect(alertsAt(11 + 3 * sd + 0.001)).toHaveLength(1);
  expect(alertsAt(0)).toEqual([
    {
      kind: "alert",
      key: "a.csv",
      start: "2014-01-04T00:00:00.000Z",
      end: "2014-01-04T01:00:00.000Z",
      mean: 0,
      expected: 11,
      sd,
    },
  ]);
});

test("no alert before there are 72 hours, and the same value for ever is none", () => {
  const short = [...Array.from({ length: 71 }, (_, hour) => hour % 2), 1_000];
  expect(historyLines(hourly(short)).filter(({ kind }) => kind === "alert")).toEqual([]);
  expect(historyLines(hourly(Array(100).fill(0.1))).filter(({ kind }) => kind === "alert")).toEqual([]);
});

test("a row may be late when its hour had ended, by its own file less the disorder", () => {
  const rows = new Map([
    [
      "a.csv",
      [
        { at: start + 2 * hourMs, value: 1 },
        { at: start + hourMs - 1, value: 2 },
        { at: start + hourMs, value: 3 },
        { at: start + 3 * hourMs - 1, value: 4 },
        { at: start + 2 * hourMs - 1, value: 5 },
        { at: start + hourMs - 1, value: 6 },
      ],
    ],
  ]);
  expect(
    rowsThatMayBeLate(rows, hourMs)
      .get("a.csv")
      ?.map(({ value }) => value),
  ).toEqual([2, 6]);
  expect(rowsThatMayBeLate(rows, 2 * hourMs).get("a.csv")).toEqual([]);
});

test("late rows are taken out once each", () => {
  const rows = new Map([
    [
      "a.csv",
      [
        { at: start, value: 1 },
        { at: start, value: 1 },
        { at: start, value: 2 },
      ],
    ],
  ]);
  const late = { key: "a.csv", timestamp: "2014-01-01T00:00:00.000Z", value: 1 };
  expect(
    withoutLate(rows, [late])
      .get("a.csv")
      ?.map(({ value }) => value),
  ).toEqual([1, 2]);
  expect(() => withoutLate(rows, [late, late, late])).toThrow("late, but no row");
});

test("differences names what is missing, twice, unexpected or wrong", () => {
  const expected = historyLines(hourly([1, 2]));
  const [first, second, ...others] = expected;
  if (first === undefined || second === undefined) throw new Error("no lines");
  expect(differences(expected.toReversed(), expected)).toEqual([]);
  const wrong = differences(
    [first, first, { ...second, mean: 7 }, { ...second, kind: "x" }, ...others.slice(1)],
    expected,
  );
  expect(wrong.map((difference) => difference.split(" ")[0])).toEqual([
    "twice:",
    expect.stringMatching(/^\{/),
    "not",
    "missing:",
  ]);
});

test("the same seed makes the same files", () => {
  expect(historyFiles({ seed: 7 })).toEqual(historyFiles({ seed: 7 }));
  expect(historyFiles({ seed: 7 })).not.toEqual(historyFiles({ seed: 8 }));
});

test("files keep to the disorder they were made with, and go beyond it when asked", () => {
  const within = historyFiles({ seed: 1 });
  expect([...rowsThatMayBeLate(within.rows, hourMs).values()].flat()).toEqual([]);
  const beyond = historyFiles({ seed: 1, lateShare: 0.05 });
  expect([...rowsThatMayBeLate(beyond.rows, hourMs).values()].flat().length).toBeGreaterThan(5);
});

test("files have alerts, gaps, equal timestamps and bad rows", () => {
  const { rows, bad } = historyFiles({ seed: 1, hours: 300 });
  const lines = historyLines(rows);
  expect(lines.filter(({ kind }) => kind === "alert").length).toBeGreaterThan(0);
  expect(lines.filter(({ kind }) => kind === "hour").length).toBeLessThan(3 * 300);
  const times = [...rows.values()].flatMap((ofKey) => ofKey.map(({ at }) => at));
  expect(new Set(times).size).toBeLessThan(times.length);
  expect(bad).toBeGreaterThan(0);
});

test("files read as CSV have the rows that were written", async () => {
  const folder = await mkdtemp(join(tmpdir(), "tidemark-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const { contents, rows, bad } = historyFiles({ seed: 3, files: 4, badShare: 0.05 });
  let refused = 0;
  for (const [name, content] of contents) {
    const path = join(folder, name);
    await writeFile(path, content);
    const source = replayable(
      csv(path, {
        columns: ["timestamp", "value"],
        parse(row) {
          const at = Date.parse(`${row.timestamp.replace("Z", "").replace(" ", "T")}Z`);
          const isInCalendar = !row.timestamp.startsWith("2014-02-30");
          if (!isInCalendar || Number.isNaN(at) || row.value === "" || Number.isNaN(Number(row.value)))
            throw new Error("bad");
          return { at, value: Number(row.value) };
        },
      }),
    );
    const entries = await readSplit(source);
    expect(entries.flatMap((entry) => ("value" in entry ? [entry.value] : []))).toEqual(rows.get(name));
    refused += entries.filter((entry) => "invalid" in entry).length;
  }
  expect(refused).toBe(bad);
});
