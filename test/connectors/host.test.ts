import { hostname } from "node:os";
import { expect, test } from "vitest";
import {
  type Host,
  hostMetrics,
  type HostMetrics,
  hostMetricsOf,
  type HostReading,
} from "../../framework/connectors/host.ts";
import type { PushSource, SourceSpec } from "../../framework/log/source.ts";
import { noCluster } from "./home.ts";
import { HandClock } from "./reading.ts";

function push(spec: SourceSpec<HostMetrics>): PushSource {
  if (spec.reader.kind !== "push") throw new Error("not a push source");
  return spec.reader;
}

/** A host with one pair of (busy, idle) ms per core and reading. */
function hostOf(readings: readonly (readonly (readonly [number, number])[])[], freeBytes = 25): Host {
  let next = 0;
  const read = (): HostReading => {
    const cores = readings[Math.min(next++, readings.length - 1)] ?? [];
    return {
      cores: cores.map(([busy, idle]) => ({ times: { user: busy, nice: 0, sys: 0, idle, irq: 0 } })),
      freeBytes,
      totalBytes: 100,
    };
  };
  return { name: "db-1", read };
}

interface Producing {
  readonly clock: HandClock;
  readonly appended: HostMetrics[];
  readonly failures: unknown[];
  readonly stop: () => void | Promise<void>;
  /** Moves the clock and lets what follows from it happen. */
  readonly moveTo: (ms: number) => Promise<void>;
}

function produce(
  host: Host,
  options: { readonly append?: () => Promise<void>; readonly now?: () => number } = {},
): Producing {
  const clock = new HandClock();
  const appended: HostMetrics[] = [];
  const failures: unknown[] = [];
  const stop = push(hostMetricsOf(host, { every: "100ms" })).produce(
    { name: "db-1", identity: "db-1" },
    {
      append: (value) => {
        appended.push(value as HostMetrics);
        return options.append?.() ?? Promise.resolve();
      },
      schedule: clock.schedule,
      now: options.now ?? (() => clock.nowMs),
      failed: (error) => failures.push(error),
    },
  );
  const moveTo = async (ms: number): Promise<void> => {
    clock.moveTo(ms);
    for (let turn = 0; turn < 4; turn += 1) await Promise.resolve();
  };
  return { clock, appended, failures, stop, moveTo };
}

test("one split: this host; its own event time", async () => {
  const spec = hostMetrics({ every: "200ms" });
  expect(await push(spec).splits(noCluster)).toEqual([{ name: hostname(), identity: hostname() }]);
  expect(spec.description).toBe("hostMetrics(every 200ms)");
  expect(spec.timestamps?.of({ at: 7, host: "", cpu: 0, memory: 0, cores: [] })).toBe(7);
  expect(spec.timestamps?.outOfOrdernessMs).toBe(0);
});

test("a measurement is the busy share since the one before, of all cores and of each", async () => {
  const { appended, moveTo, stop } = produce(
    hostOf([
      [
        [100, 900],
        [0, 1_000],
      ],
      [
        [150, 950],
        [100, 1_000],
      ],
      [
        [250, 950],
        [100, 1_100],
      ],
    ]),
  );
  await moveTo(100);
  await moveTo(200);
  expect(appended).toEqual([
    { at: 100, host: "db-1", cpu: 75, memory: 75, cores: [50, 100] },
    { at: 200, host: "db-1", cpu: 50, memory: 75, cores: [100, 0] },
  ]);
  await stop();
});

test("counters that have not moved, or have gone back, leave the share as it was", async () => {
  const { appended, moveTo } = produce(hostOf([[[0, 0]], [[30, 70]], [[30, 70]], [[10, 20]]]));
  for (const ms of [100, 200, 300]) await moveTo(ms);
  expect(appended.map(({ cpu }) => cpu)).toEqual([30, 30, 30]);
});

test("`at` never goes back, whatever the clock does", async () => {
  let wall = 1_000;
  const { appended, moveTo } = produce(hostOf([[[0, 0]]]), { now: () => wall });
  await moveTo(100);
  wall = 400;
  await moveTo(200);
  await moveTo(300);
  expect(appended.map(({ at }) => at)).toEqual([1_000, 1_000, 1_000]);
});

test("a measurement waits until the one before is stored", async () => {
  const stored: (() => void)[] = [];
  const { appended, moveTo, clock } = produce(hostOf([[[0, 0]]]), {
    append: () => new Promise((resolve) => stored.push(resolve)),
  });
  await moveTo(100);
  await moveTo(1_000);
  expect(appended).toHaveLength(1);
  stored[0]?.();
  await moveTo(1_001);
  expect(appended).toHaveLength(1);
  expect(clock.scheduled).toBe(1);
  await moveTo(1_002);
  expect(appended).toHaveLength(2);
});

test("an append that fails fails the source; a stopped one says nothing", async () => {
  const failing = produce(hostOf([[[0, 0]]]), { append: () => Promise.reject(new Error("full")) });
  await failing.moveTo(100);
  expect(failing.failures).toHaveLength(1);
  const stopped = produce(hostOf([[[0, 0]]]), { append: () => Promise.reject(new Error("full")) });
  stopped.clock.moveTo(100);
  await stopped.stop();
  await stopped.moveTo(200);
  expect(stopped.failures).toEqual([]);
  expect(stopped.clock.scheduled).toBe(0);
});

test("this machine can be measured", async () => {
  const clock = new HandClock();
  const appended: HostMetrics[] = [];
  const source = push(hostMetrics());
  const [split] = await source.splits(noCluster);
  if (split === undefined) throw new Error("no split");
  const stop = source.produce(split, {
    append: (value) => Promise.resolve(void appended.push(value as HostMetrics)),
    schedule: clock.schedule,
    now: () => clock.nowMs,
    failed: () => undefined,
  });
  clock.moveTo(1_000);
  await stop();
  expect(appended).toHaveLength(1);
  expect(appended[0]?.memory).toBeGreaterThan(0);
  for (const share of [appended[0]?.cpu, appended[0]?.memory, ...(appended[0]?.cores ?? [])]) {
    expect(share).toBeGreaterThanOrEqual(0);
    expect(share).toBeLessThanOrEqual(100);
  }
});

test("an interval that says nothing is refused", () => {
  expect(() => hostMetrics({ every: "1ms" })).toThrow("every");
});
