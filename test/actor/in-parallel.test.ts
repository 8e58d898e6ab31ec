/** Several calls at a time. */
import { expect, test } from "vitest";
import { inParallel } from "../../framework/actor/in-parallel.ts";
import { turn } from "../support/until.ts";

test("so many at a time and no more; the answers in the order of the items, whatever comes first", async () => {
  const open = new Map<number, () => void>();
  let atMost = 0;
  const results = inParallel([1, 2, 3, 4, 5], 2, async (item) => {
    const { promise, resolve } = Promise.withResolvers<void>();
    open.set(item, resolve);
    atMost = Math.max(atMost, open.size);
    await promise;
    open.delete(item);
    return item * 10;
  });
  while (open.size > 0) {
    open.get(Math.max(...open.keys()))?.();
    await turn();
  }
  expect(await results).toEqual([10, 20, 30, 40, 50]);
  expect(atMost).toBe(2);
});

test("of nothing: nothing", async () => {
  expect(await inParallel([], 4, () => Promise.reject(new Error("is never called")))).toEqual([]);
});

test("after a failure nothing more is begun, and it is the answer", async () => {
  const begun: number[] = [];
  const work = (item: number) => {
    begun.push(item);
    return item === 2 ? Promise.reject(new Error("two")) : Promise.resolve(item);
  };
  await expect(inParallel([1, 2, 3, 4], 1, work)).rejects.toThrow("two");
  expect(begun).toEqual([1, 2]);
});
