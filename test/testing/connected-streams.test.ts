/** Two inputs, broadcast rules, side outputs and splits, in a whole job: the real runtime on a virtual clock, with crashes. */
import { expect, test } from "vitest";
import { callback, discard, fromArray, job, map, side, value } from "tidemark";
import { testJob, type TestJob } from "tidemark/testing";

interface Order {
  readonly id: string;
  readonly cents: number;
}

interface Payment {
  readonly order: string;
  readonly cents: number;
}

interface Rule {
  readonly name: string;
  readonly max: number;
  readonly reset?: boolean;
}

const none = (): void => undefined;
const values = (t: TestJob, sink: string): readonly unknown[] => t.take(sink).map((row) => row.value);
const sorted = (all: readonly unknown[]): readonly string[] => all.map(String).toSorted();

async function crashAll(t: TestJob, stage: string, partitions: number): Promise<void> {
  for (let at = 0; at < partitions; at += 1) await t.crash(`${stage}/${at}`);
}

test("connected streams share state and timers of a key, also after crashes; event time is the lesser of both", async () => {
  const shop = job("shop");
  const orders = shop.source("orders", fromArray<Order>([])).timestamps((o) => o.cents);
  const payments = shop.source("payments", fromArray<Payment>([])).timestamps((p) => p.cents);
  orders
    .keyBy((o) => o.id)
    .connect(payments.keyBy((p) => p.order))
    .process({
      state: { order: value<Order>() },
      left(order, { state, timers, timestamp }) {
        state.order.set(order);
        timers.onEventTime(timestamp + 10);
      },
      right(payment, { state }) {
        const order = state.order.get();
        state.order.clear();
        return order === undefined ? [] : [`${order.id} paid ${payment.cents} of ${order.cents}`];
      },
      onTimer: (time, { key, state }) => (state.order.get() === undefined ? [] : [`${key} unpaid at ${time}`]),
    })
    .to(callback("out", none));
  const t = await testJob(shop, { partitions: 3 });
  await t.feed("orders", [
    { id: "a", cents: 1 },
    { id: "b", cents: 2 },
    { id: "c", cents: 3 },
  ]);
  await crashAll(t, "connect", 3);
  await t.feed("payments", [{ order: "b", cents: 5 }]);
  expect(values(t, "out")).toEqual(["b paid 5 of 2"]);
  await t.watermark("orders", 12);
  await crashAll(t, "connect", 3);
  expect(values(t, "out")).toEqual([]);
  await t.watermark("payments", 11);
  expect(values(t, "out")).toEqual(["a unpaid at 11"]);
  await t.endOfInput();
  expect(values(t, "out")).toEqual(["c unpaid at 13"]);
  expect(t.outcome).toBe("completed");
});

test("rules reach every partition, are there after crashes, and change the state of every key", async () => {
  const plant = job("plant");
  const readings = plant.source("readings", fromArray<Order>([]));
  const rules = plant.source("rules", fromArray<Rule>([]));
  readings
    .keyBy((r) => r.id)
    .connect(rules.broadcast())
    .process({
      state: { count: value<number>() },
      rules: map<string, number>(),
      process({ id, cents }, { state, rules: known }) {
        state.count.set((state.count.get() ?? 0) + 1);
        if (cents < 0) throw new Error("negative");
        return [...known.entries()]
          .filter(([, max]) => cents > max)
          .map(([name, max]) => `${id} is above ${name} ${max}`);
      },
      onBroadcast({ name, max, reset = false }, { rules: known, forEachKey }) {
        if (max < 0) throw new Error("no such rule");
        known.set(name, max);
        const counts: string[] = [];
        forEachKey((key, { state }) => {
          counts.push(`${key} ${state.count.get()}`);
          if (reset) state.count.clear();
        });
        return reset ? counts : [];
      },
    })
    .to(callback("out", none));
  const partitions = 3;
  const t = await testJob(plant, { partitions });
  const ids = ["a", "b", "c", "d", "e"];
  await t.feed("rules", [{ name: "limit", max: 10 }]);
  await t.feed(
    "readings",
    ids.map((id) => ({ id, cents: 11 })),
  );
  expect(sorted(values(t, "out"))).toEqual(ids.map((id) => `${id} is above limit 10`));
  await crashAll(t, "broadcast", partitions);
  await t.feed("rules", [{ name: "limit", max: 20, reset: true }]);
  expect(sorted(values(t, "out"))).toEqual(ids.map((id) => `${id} 1`));
  await crashAll(t, "broadcast", partitions);
  await t.feed("rules", [{ name: "poison", max: -1 }]);
  await t.feed("readings", [
    { id: "a", cents: 21 },
    { id: "b", cents: -1 },
  ]);
  await t.feed("rules", [{ name: "limit", max: 30, reset: true }]);
  expect(sorted(values(t, "out"))).toEqual(["a 1", "a is above limit 20"]);
  const letters = t.deadLetters().map((letter) => (letter as { readonly key?: string }).key);
  expect(sorted(letters)).toEqual([...Array.from({ length: partitions }, () => ""), '"b"']);
});

test("side outputs and splits are streams of their own, each record once, also after crashes", async () => {
  const shop = job("shop");
  const { large, small } = shop
    .source("orders", fromArray<Order>([]))
    .split({ large: (o) => o.cents >= 100, small: (o) => o.cents < 100 });
  large.to(callback("large", none));
  const counted = small
    .keyBy((o) => o.id)
    .process({
      state: { seen: value<number>() },
      sides: { again: side<string>() },
      process({ id }, { state, sides }) {
        const seen = (state.seen.get() ?? 0) + 1;
        state.seen.set(seen);
        if (seen > 1) sides.again.emit(`${id} again`);
        return [`${id} ${seen}`];
      },
    })
    .named("counted");
  counted.to(discard());
  counted.side("again").to(callback("again", none));
  const t = await testJob(shop, { partitions: 2 });
  await t.feed("orders", [
    { id: "a", cents: 1 },
    { id: "b", cents: 100 },
    { id: "a", cents: 2 },
  ]);
  await crashAll(t, "counted", 2);
  await t.feed("orders", [
    { id: "a", cents: 3 },
    { id: "c", cents: 99 },
  ]);
  expect(values(t, "large")).toEqual([{ id: "b", cents: 100 }]);
  expect(values(t, "again")).toEqual(["a again", "a again"]);
});
