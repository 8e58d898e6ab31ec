/** How long a call waits for its answer. */
import { expect, test } from "vitest";
import { AnswerWait } from "../../framework/nats/answer-wait.ts";

const bounds = { minMs: 2_000, maxMs: 10_000 };

/** The limit, without what spreads the calls (W2). */
function limitOf(wait: AnswerWait): number {
  return Math.min(...Array.from({ length: 8 }, () => wait.next()));
}

test("W1: the limit is the least as long as answers come at once, and when none come", () => {
  const wait = new AnswerWait(bounds);
  for (let call = 0; call < 100; call += 1) wait.answered(3);
  expect(limitOf(wait)).toBe(2_000);
  expect(limitOf(wait)).toBe(2_000);
});

test("W1: a late answer raises it to twice what it took, up to the most", () => {
  const wait = new AnswerWait(bounds);
  wait.answered(2_500);
  expect(limitOf(wait)).toBe(5_000);
  wait.answered(7_000);
  expect(limitOf(wait)).toBe(10_000);
});

test("W1: it stays while answers take about as long, and goes back when they are fast again", () => {
  const wait = new AnswerWait(bounds);
  wait.answered(2_500);
  for (let call = 0; call < 20; call += 1) wait.answered(2_600);
  expect(limitOf(wait)).toBe(5_200);
  for (let call = 0; call < 20; call += 1) wait.answered(10);
  expect(limitOf(wait)).toBe(2_000);
});

test("W2: calls that wait together end one after the other, none more than an eighth later", () => {
  const wait = new AnswerWait(bounds);
  const waits = Array.from({ length: 8 }, () => wait.next());
  expect(new Set(waits).size).toBe(8);
  expect(Math.max(...waits)).toBeLessThanOrEqual(2_250);
});
