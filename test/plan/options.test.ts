import { expect, test } from "vitest";
import { embeddedDefaults, jobDefaults, type JobOptions, resolveOptions } from "../../framework/plan/options.ts";
import { expectRefusal } from "./doubles.ts";

const mebibyte = 1024 * 1024;

test("a job that says nothing has the defaults", () => {
  expect(resolveOptions({})).toEqual({
    partitions: 8,
    onError: "deadLetter",
    snapshotIntervalMs: 10_000,
    snapshotBytes: 32 * mebibyte,
    inboxBytes: 128 * mebibyte,
    frameBytesTarget: 32 * 1024,
    frameBytesMax: 256 * 1024,
    lingerMs: 5,
    replicas: 1,
    restart: { restartsMax: 5, withinMs: 60_000 },
    poison: { turnMsMax: 10_000, crashesMax: 2 },
    retain: "forever",
    farFutureMs: 86_400_000,
    limits: { entriesMax: 1_000_000, timersMax: 100_000, channelsMax: 1_000_000 },
    deterministicGlobals: true,
  });
});

test("a job in one process has smaller sizes where it says nothing", () => {
  const options = resolveOptions({ partitions: 2 }, embeddedDefaults);
  expect(options).toEqual({ ...jobDefaults, partitions: 2, snapshotBytes: mebibyte, inboxBytes: 8 * mebibyte });
});

test("what the job says wins, and durations become ms", () => {
  const said: JobOptions = {
    partitions: 32_768,
    onError: "fail",
    snapshotInterval: "1m30s",
    snapshotBytes: 1,
    inboxBytes: 512 * 1024,
    frameBytes: 1024,
    linger: 0,
    replicas: 3,
    version: "7",
    restart: { max: 0, within: "5m" },
    poison: { turnTimeout: Infinity, crashes: 1 },
    retain: "none",
    farFuture: Infinity,
    limits: { stateEntries: 10, timersPerKey: 1, channelsPerEdge: Infinity },
    deterministicGlobals: false,
  };
  expect(resolveOptions(said, embeddedDefaults)).toEqual({
    partitions: 32_768,
    onError: "fail",
    snapshotIntervalMs: 90_000,
    snapshotBytes: 1,
    inboxBytes: 512 * 1024,
    frameBytesTarget: 1024,
    frameBytesMax: 128 * 1024,
    lingerMs: 0,
    replicas: 3,
    restart: { restartsMax: 0, withinMs: 300_000 },
    poison: { turnMsMax: Infinity, crashesMax: 1 },
    retain: "none",
    farFutureMs: Infinity,
    limits: { entriesMax: 10, timersMax: 1, channelsMax: Infinity },
    deterministicGlobals: false,
  });
});

test("an option that is undefined counts as not said", () => {
  expect(resolveOptions({ partitions: undefined, restart: { max: undefined } })).toEqual(jobDefaults);
});

test("a small inbox alone brings smaller snapshots with it", () => {
  expect(resolveOptions({ inboxBytes: 4 * mebibyte }).snapshotBytes).toBe(mebibyte);
});

test("snapshots larger than a quarter of the inbox are refused, with what would do", () => {
  expectRefusal(
    () => resolveOptions({ snapshotBytes: 33 * mebibyte }, jobDefaults, 'job "plant"'),
    'job "plant"',
    String(33 * mebibyte),
    `Raise inboxBytes to ${132 * mebibyte}`,
    `lower snapshotBytes to ${32 * mebibyte}`,
  );
});

test("exactly a quarter of the inbox is accepted", () => {
  expect(resolveOptions({ snapshotBytes: 2 * mebibyte, inboxBytes: 8 * mebibyte }).snapshotBytes).toBe(2 * mebibyte);
});

test.for([
  ["partitions", 0, "from 1 to 32768"],
  ["partitions", 32_769, "from 1 to 32768"],
  ["partitions", 2.5, "integer"],
  ["partitions", "8", 'partitions is "8"'],
  ["partitions", Number.NaN, "NaN"],
  ["onError", "ignore", '"deadLetter", "fail", "drop"'],
  ["snapshotInterval", 0, "snapshotInterval"],
  ["snapshotInterval", "-5s", '"-5s"'],
  ["snapshotInterval", "soon", '"soon"'],
  ["snapshotBytes", 0, "snapshotBytes is 0"],
  ["snapshotBytes", -1, "-1"],
  ["inboxBytes", 1.5, "1.5"],
  ["inboxBytes", 1000, "from 262144 on"],
  ["frameBytes", 0, "frameBytes is 0"],
  ["frameBytes", mebibyte, "from 1 to 262144"],
  ["linger", -1, "linger"],
  ["linger", Infinity, "linger"],
  ["replicas", 2, "one of 1, 3, 5"],
  ["replicas", 7, "one of 1, 3, 5"],
  ["version", "", "version"],
  ["version", 7, "version is 7"],
  ["farFuture", -1, "farFuture"],
  ["limits", { stateEntries: 0 }, "limits.stateEntries is 0; it takes an integer from 1 on, or Infinity"],
  ["limits", { timersPerKey: 1.5 }, "limits.timersPerKey is 1.5"],
  ["limits", { channelsPerEdge: "9" }, 'limits.channelsPerEdge is "9"'],
  ["limits", { timers: 3 }, 'did you mean "timersPerKey"'],
  ["deterministicGlobals", "no", "true, false"],
  ["restart", { max: -1 }, "restart.max is -1"],
  ["restart", { within: 0 }, "restart.within"],
  ["restart", { maximum: 3 }, 'did you mean "max"'],
  ["poison", { turnTimeout: "10ms" }, "poison.turnTimeout"],
  ["poison", { crashes: 0 }, "poison.crashes is 0"],
  ["poison", { timeout: 3 }, "timeout"],
] as const)("%s: %o is refused", ([option, value, words]) => {
  expectRefusal(() => resolveOptions({ [option]: value }, jobDefaults, 'job "plant"'), 'job "plant"', words);
});

test("an option that does not exist is refused with the nearest one that does", () => {
  const misspelt: object = { partition: 4 };
  expectRefusal(() => resolveOptions(misspelt), '"partition"', 'did you mean "partitions"?');
});

test("R13: a frame takes a quarter of an inbox at most: an inbox that is relieved has room for it", () => {
  expect(resolveOptions({ inboxBytes: mebibyte }).frameBytesMax).toBe(256 * 1024);
  expect(resolveOptions({ inboxBytes: 256 * 1024, frameBytes: 128 * 1024 })).toMatchObject({
    frameBytesMax: 64 * 1024,
    frameBytesTarget: 64 * 1024,
  });
});
