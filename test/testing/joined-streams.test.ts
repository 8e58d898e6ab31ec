/** Joins in a whole job: the real runtime on a virtual clock, with crashes. */
import { expect, test } from "vitest";
import { callback, fromArray, job, tumbling, type Job } from "tidemark";
import { testJob, type TestJob } from "tidemark/testing";

interface Order {
  readonly id: string;
  readonly at: number;
}

const none = (): void => undefined;
const partitions = 2;

async function crashAll(t: TestJob, stage: string): Promise<void> {
  for (let at = 0; at < partitions; at += 1) await t.crash(`${stage}/${at}`);
}

function begin() {
  const shop = job("shop");
  const orders = shop.source("orders", fromArray<Order>([])).timestamps((o) => o.at);
  const payments = shop.source("payments", fromArray<Order>([])).timestamps((p) => p.at);
  return { shop, orders: orders.keyBy((o) => o.id), payments: payments.keyBy((p) => p.id) };
}

function said(t: TestJob, sink: string): readonly unknown[] {
  return t.take(sink).map(({ value, timestamp }) => [value, timestamp]);
}

test("an interval join goes on where it was after crashes; who stays alone is said once, late ones by their side", async () => {
  const { shop, orders, payments } = begin();
  const joined = orders
    .intervalJoin(payments, { lower: "-5ms", upper: "10ms", bounds: "[)", type: "left" })
    .select((order, payment) => `${order.id} ${order.at} ${payment?.at}`);
  joined.to(callback("out", none));
  joined.lateLeft().to(callback("late", none));
  const t = await testJob(shop, { partitions });
  await t.feed("orders", [
    { id: "a", at: 100 },
    { id: "b", at: 100 },
    { id: "c", at: 120 },
  ]);
  await crashAll(t, "interval-join");
  await t.feed("payments", [
    { id: "a", at: 95 },
    { id: "a", at: 109 },
    { id: "b", at: 110 },
    { id: "c", at: 125 },
  ]);
  expect(said(t, "out")).toEqual([
    ["a 100 95", 100],
    ["a 100 109", 109],
    ["c 120 125", 125],
  ]);
  await t.watermark("orders", 115);
  await t.watermark("payments", 108);
  expect(said(t, "out")).toEqual([]);
  await crashAll(t, "interval-join");
  await t.watermark("payments", 109);
  expect(said(t, "out")).toEqual([["b 100 undefined", 100]]);
  await t.feed("orders", [
    { id: "a", at: 108 },
    { id: "d", at: 109 },
  ]);
  expect(t.take("late").map(({ value }) => value)).toEqual([{ id: "a", at: 108 }]);
  await crashAll(t, "interval-join");
  await t.endOfInput();
  expect(said(t, "out")).toEqual([["d 109 undefined", 109]]);
});

function windowed(): Job {
  const { shop, orders, payments } = begin();
  orders
    .join(payments, { type: "full" })
    .window(tumbling("10ms"))
    .select((order, payment, { key }) => `${key} ${order?.at} ${payment?.at}`)
    .to(callback("pairs", none));
  orders
    .coGroup(payments)
    .window(tumbling("10ms"))
    .select((some, others, { key, window }) => [`${key} ${window.start} ${some.length} ${others.length}`])
    .to(callback("groups", none));
  return shop;
}

test("window joins and groups fire with both sides, also when everybody has crashed in between", async () => {
  const t = await testJob(windowed(), { partitions });
  await t.feed("orders", [
    { id: "a", at: 1 },
    { id: "b", at: 2 },
    { id: "a", at: 11 },
  ]);
  await crashAll(t, "join");
  await crashAll(t, "co-group");
  await t.feed("payments", [
    { id: "a", at: 3 },
    { id: "a", at: 4 },
    { id: "c", at: 5 },
  ]);
  await t.watermark("orders", 9);
  expect(said(t, "pairs")).toEqual([]);
  await t.watermark("payments", 9);
  await crashAll(t, "join");
  const sorted = (sink: string) =>
    said(t, sink)
      .map((row) => JSON.stringify(row))
      .toSorted();
  expect(sorted("pairs")).toEqual(['["a 1 3",9]', '["a 1 4",9]', '["b 2 undefined",9]', '["c undefined 5",9]']);
  expect(sorted("groups")).toEqual(['["a 0 1 2",9]', '["b 0 1 0",9]', '["c 0 0 1",9]']);
  await t.endOfInput();
  expect(sorted("pairs")).toEqual(['["a 11 undefined",19]']);
  expect(sorted("groups")).toEqual(['["a 10 1 0",19]']);
});
