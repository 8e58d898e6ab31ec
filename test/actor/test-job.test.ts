/** The runtime on one virtual clock: a job of several stages gives the results that plain code computes. */
import { expect, test } from "vitest";
import { testJob } from "tidemark/testing";
import { oneExchange, readings, twoExchanges } from "./jobs.ts";

test("windows fire when the watermark has passed their end, once, with the sum of their records", async () => {
  const t = await testJob(oneExchange(), { partitions: 2 });
  await t.feed("readings", [
    { at: 0, device: "a", celsius: 1 },
    { at: 500, device: "a", celsius: 2 },
    { at: 1_000, device: "a", celsius: 4 },
  ]);
  expect(t.take("sums")).toEqual([]);
  await t.watermark("readings", 999);
  expect(t.take("sums")).toEqual([{ value: { key: "a", window: { start: 0, end: 1_000 }, value: 3 }, timestamp: 999 }]);
  await t.watermark("readings", 1_998);
  expect(t.take("sums")).toEqual([]);
  await t.endOfInput();
  expect(t.take("sums")).toEqual([
    { value: { key: "a", window: { start: 1_000, end: 2_000 }, value: 4 }, timestamp: 1_999 },
  ]);
});

test("a bounded job completes: everything has fired, and the job log says so", async () => {
  const t = await testJob(twoExchanges());
  await t.feed("readings", readings(3, 0, 5_000));
  await t.endOfInput();
  expect(t.outcome).toBe("completed");
  const rows = t.take("out");
  expect(rows).toHaveLength(15);
  const last = rows
    .map(({ value }) => value as { device: string; end: number; total: number })
    .filter(({ end }) => end === 5_000);
  for (const { device, total } of last) {
    const index = Number(device.slice("device-".length));
    let expected = 0;
    for (let i = 0; i < 50; i += 1) expected += i * 10 + index;
    expect(total).toBe(expected);
  }
});

test("a snapshot taken by the test is what a crashed instance goes on from; there is none to take when nothing was read since", async () => {
  const t = await testJob(oneExchange(), { partitions: 1 });
  await t.feed("readings", [{ at: 0, device: "a", celsius: 1 }]);
  expect(await t.snapshot("sums/0")).toBe(true);
  expect(await t.snapshot("sums/0")).toBe(false);
  const instanceOf = () => t.status().instances.find(({ name }) => name === "sums/0");
  const { snapshot } = instanceOf() ?? {};
  expect(snapshot).toBeGreaterThan(0);
  const wallMs = t.virtualClock.now();
  await t.crash("sums/0");
  expect(t.virtualClock.now()).toBe(wallMs);
  await t.endOfInput();
  expect(t.take("sums")).toEqual([{ value: { key: "a", window: { start: 0, end: 1_000 }, value: 1 }, timestamp: 999 }]);
});

test("two splits: event time follows the slower one", async () => {
  const t = await testJob(oneExchange(), { splits: { readings: 2 } });
  await t.feed("readings", [{ at: 100, device: "a", celsius: 1 }], { split: 0 });
  await t.feed("readings", [{ at: 200, device: "a", celsius: 2 }], { split: 1 });
  await t.watermark("readings", 5_000);
  expect(t.watermarkOf("readings")).toBe(5_000);
  expect(t.take("sums")).toEqual([{ value: { key: "a", window: { start: 0, end: 1_000 }, value: 3 }, timestamp: 999 }]);
});

test("several workers share the instances, and the results are the same", async () => {
  const t = await testJob(twoExchanges(), { workers: 3, partitions: 4 });
  const hosts = new Set(t.status().instances.map(({ worker }) => worker));
  expect(hosts.size).toBe(3);
  await t.feed("readings", readings(5, 0, 3_000));
  await t.endOfInput();
  expect(t.take("out")).toHaveLength(15);
});

test("a record that a function of the program refuses becomes a dead letter with its reason, and the job goes on", async () => {
  const t = await testJob(oneExchange());
  await t.feed("readings", [
    { at: Number.NaN, device: "a", celsius: 1 },
    { at: 10, device: { no: "key" }, celsius: 1 },
    { at: 20, device: "a", celsius: 5 },
  ]);
  await t.endOfInput();
  expect(t.take("sums").map(({ value }) => value)).toEqual([{ key: "a", window: { start: 0, end: 1_000 }, value: 5 }]);
  expect(t.deadLetters()).toMatchObject([{ code: "TIMESTAMP_INVALID" }, { code: "KEY_INVALID" }]);
});
