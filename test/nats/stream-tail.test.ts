/** Whether a stream that ends too early has lost its end. */
import { expect, test } from "vitest";
import { StreamTail } from "../../framework/nats/stream-tail.ts";

const name = "TM_x_1_LOG";

test("T1: with one copy an early end is believed at once", () => {
  const tail = new StreamTail();
  tail.check({ name, last: 9, replicas: 1 }, 10, 0);
  expect(tail.isDoubted).toBe(false);
});

test("T1: with several it is believed only when it has been there for 10 s", () => {
  const tail = new StreamTail();
  const check = (nowMs: number) => () => tail.check({ name, last: 9, replicas: 3 }, 10, nowMs);
  expect(check(1_000)).toThrow(/stream TM_x_1_LOG ends at 9, and 10 has been read/);
  expect(check(10_999)).toThrow(expect.objectContaining({ code: "UNAVAILABLE" }) as Error);
  expect(check(11_000)).not.toThrow();
});

test("T2: an end that is there again is still doubted until the last message is confirmed; then the next early end is a new one", () => {
  const tail = new StreamTail();
  const check = (last: number, nowMs: number) => () => tail.check({ name, last, replicas: 3 }, 10, nowMs);
  expect(check(9, 0)).toThrow(/ends at 9/);
  expect(check(10, 5_000)).not.toThrow();
  expect(tail.isDoubted).toBe(true);
  tail.confirmed();
  expect(tail.isDoubted).toBe(false);
  expect(check(9, 20_000)).toThrow(/ends at 9/);
});
