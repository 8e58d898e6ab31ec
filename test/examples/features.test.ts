/**
 * The programs of `examples/features`, one per feature of the API: each as a user runs it, and on a clock of the test's own where event time has to stand
 * between two records.
 */
import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { fromArray, job, print, value as valueState } from "tidemark";
import { testJob } from "tidemark/testing";
import keyedState from "../../examples/features/keyed-state.ts";
import triggers from "../../examples/features/triggers.ts";
import versions from "../../examples/features/versions.ts";
import { startNode } from "../support/program.ts";

const folder = fileURLToPath(new URL("../../examples/features/", import.meta.url));

const minute = (start: number) => ({ start: start * 60_000, end: (start + 1) * 60_000 });
const span = (start: number, end: number) => ({ start: start * 1_000, end: end * 1_000 });
const result = (key: string, window: unknown, value: unknown) => ({ key, window, value });

/** JSON has no infinite numbers. */
const endless = { start: null, end: null };
const beats = [result("all", span(0, 5), 4), result("all", span(5, 10), 1)];

/** What each program prints, by label; results of several partitions come in any order. */
const expected: Readonly<Record<string, Readonly<Record<string, readonly unknown[]>>>> = {
  aggregates: {
    "several at once": [{ sales: 4, turnover: 312, mean: 78 }],
    "the dearest": ["desk"],
    variance: [16_434],
    "the best two": [[300, 8]],
    articles: [["pen", "ink", "desk"]],
    median: [2],
  },
  calls: {
    asked: [
      { name: "the boiler", celsius: 70 },
      { name: "the cellar", celsius: 12 },
    ],
    "in batches": [158, 53.6],
  },
  connect: {
    "after a minute": [
      { order: "a", paid: 30 },
      { order: "b", paid: 0 },
    ],
    "too hot": [{ device: "oven-1", celsius: 230 }],
  },
  "count-windows": {
    "every three, and what is left at the end": [[10, 11, 15], [14, 13, 20], [21]].map((value) =>
      result("abc", endless, value),
    ),
    "the last three, every two": [21, 40, 47].map((value) => result("abc", endless, value)),
    "until a trigger empties it": [result("abc", endless, 50)],
  },
  loops: {
    delivered: ["a after 1", "b after 3"],
    returned: ["c"],
    "delivered in a minute": [result("all", span(0, 60), 2)],
  },
  joins: {
    "paid within the hour": [
      { order: "a", euros: 30 },
      { order: "b", euros: "not paid" },
      { order: "c", euros: 10 },
    ],
    visits: [
      { user: "ann", page: "start", clicked: "buy" },
      { user: "bob", page: "start", clicked: "nothing" },
    ],
    hours: [
      { shop: "north", hour: 0, sold: 2, returned: 1 },
      { shop: "south", hour: 1, sold: 1, returned: 0 },
    ],
  },
  "keyed-state": {
    logins: [
      { user: "ada", places: ["home"], counts: { home: 1 }, slowest: 30, withinTheHour: 1 },
      {
        user: "ada",
        before: "home",
        places: ["home", "office"],
        counts: { home: 1, office: 1 },
        slowest: 30,
        withinTheHour: 2,
      },
    ],
  },
  sides: {
    "split and united": ["t1 is slow", "t2 is fast", "t1 is fast"],
    "positions so far": [
      { taxi: "t1", count: 1 },
      { taxi: "t1", count: 2 },
      { taxi: "t2", count: 1 },
    ],
    speeding: [
      { taxi: "t1", by: 5 },
      { taxi: "t2", by: 30 },
    ],
  },
  timers: {
    silent: [
      { device: "fan", silentSince: 40_000 },
      { device: "pump", silentSince: 120_000 },
    ],
  },
  triggers: {
    turnover: [
      { ...result("north", minute(0), 30), fire: { cause: "early", pane: 1 } },
      { ...result("north", minute(0), 60), fire: { cause: "onTime", pane: 2 } },
      { ...result("north", minute(1), 1), fire: { cause: "onTime", pane: 1 } },
    ],
    "of the last two": [result("north", minute(0), 50), result("north", minute(1), 1)],
  },
  versions: {
    changes: [
      { device: "boiler", before: "nothing" },
      { device: "boiler", before: "70 celsius" },
    ],
  },
  watermarks: { bounded: beats, punctuated: beats, own: beats },
  "window-functions": {
    "all records": [
      { device: "boiler", until: 60_000, celsius: [70, 74], number: 1 },
      { device: "boiler", until: 120_000, celsius: [90], number: 2 },
      { device: "boiler", until: 180_000, celsius: [60], number: 3 },
    ],
    "change of the mean": [
      { device: "boiler", mean: 72, change: 0 },
      { device: "boiler", mean: 90, change: 18 },
      { device: "boiler", mean: 60, change: -30 },
    ],
    "hottest reading": [
      result("boiler", minute(0), { at: 2_000, device: "boiler", celsius: 74 }),
      result("boiler", minute(1), { at: 61_000, device: "boiler", celsius: 90 }),
      result("boiler", minute(2), { at: 121_000, device: "boiler", celsius: 60 }),
    ],
  },
  windows: {
    tumbling: [
      result("14", span(-30, 30), 8),
      result("14", span(90, 150), 8),
      result("14", span(150, 210), 1),
      result("7", span(30, 90), 2),
    ],
    sliding: [
      result("14", span(-60, 60), 5),
      result("14", span(0, 120), 8),
      result("14", span(60, 180), 8),
      result("14", span(120, 240), 1),
      result("7", span(-60, 60), 2),
      result("7", span(0, 120), 2),
    ],
    session: [
      result("14", span(0, 50), 2),
      result("14", span(95, 125), 1),
      result("14", span(150, 180), 1),
      result("7", span(40, 70), 1),
    ],
    "session with a gap per record": [
      result("14", span(0, 50), 2),
      result("14", span(95, 160), 2),
      result("7", span(40, 70), 1),
    ],
    "of all keys": [result("all", minute(0), 10 / 3), result("all", minute(1), 8), result("all", minute(2), 1)],
  },
};

test("every program of the folder is here", () => {
  const names = readdirSync(folder).map((name) => name.replace(/\.ts$/, ""));
  expect(Object.keys(expected).toSorted()).toEqual(names.toSorted());
});

test.each(Object.entries(expected))("%s prints what it says, and ends", async (name, byLabel) => {
  const program = startNode([`examples/features/${name}.ts`]);
  const { code } = await program.ended();
  expect({ code, said: program.stderr }).toEqual({ code: 0, said: [] });
  const lines = program.stdout.map((line) => JSON.parse(line) as { readonly label: string; readonly value: unknown });
  for (const [label, values] of Object.entries(byLabel)) {
    const printed = lines.filter((line) => line.label === label).map(({ value }) => JSON.stringify(value));
    expect({ label, printed: printed.toSorted() }).toEqual({
      label,
      printed: values.map((value) => JSON.stringify(value)).toSorted(),
    });
  }
  expect(new Set(lines.map(({ label }) => label))).toEqual(new Set(Object.keys(byLabel)));
});

test("triggers: a record within the allowed lateness updates the result, and one that comes later still is set apart", async () => {
  const t = await testJob(triggers, { partitions: 1 });
  await t.feed("orders", [{ at: 1_000, shop: "south", euros: 10 }]);
  await t.watermark("orders", 60_000);
  await t.feed("orders", [{ at: 2_000, shop: "south", euros: 5 }]);
  await t.watermark("orders", 400_000);
  await t.feed("orders", [{ at: 3_000, shop: "south", euros: 7 }]);
  expect(t.take("turnover").map(({ value }) => value)).toEqual([
    { ...result("south", minute(0), 10), fire: { cause: "onTime", pane: 1 } },
    { ...result("south", minute(0), 15), fire: { cause: "late", pane: 2 } },
  ]);
  expect(t.take("too late").map(({ value }) => value)).toEqual([{ at: 3_000, shop: "south", euros: 7 }]);
});

test("versions: what the first version of the program has kept is migrated", async () => {
  const first = job("versions");
  first
    .source("readings", fromArray<{ readonly device: string; readonly celsius: number }>([]))
    .keyBy((each) => each.device)
    .process({ state: { last: valueState<number>() }, process: ({ celsius }, { state }) => state.last.set(celsius) })
    .named("latest")
    .to(print("changes"));
  const t = await testJob(first, { partitions: 3 });
  await t.feed("readings", [{ device: "boiler", celsius: 61 }]);
  await t.savepoint("before");
  const upgraded = await testJob(versions, { partitions: 2, from: { test: t, savepoint: "before" } });
  await upgraded.feed("readings", [{ device: "boiler", celsius: 70 }]);
  expect(upgraded.take("changes").map(({ value: said }) => said)).toEqual([{ device: "boiler", before: "61 celsius" }]);
});

test("keyed-state: what has not been written for an hour of event time is forgotten", async () => {
  const t = await testJob(keyedState, { partitions: 1 });
  const login = (at: number) => ({ at, user: "bob", from: "home", ms: 10 });
  const counts = () => t.take("logins").map(({ value }) => (value as { withinTheHour: number }).withinTheHour);
  await t.feed("logins", [login(0), login(1_800_000)]);
  await t.watermark("logins", 5_399_999);
  await t.feed("logins", [login(5_399_999)]);
  expect(counts()).toEqual([1, 2, 3]);
  await t.watermark("logins", 20_000_000);
  await t.feed("logins", [login(20_000_000)]);
  expect(counts()).toEqual([1]);
});
