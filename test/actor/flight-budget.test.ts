/** What the lanes of a worker may have in flight together. */
import { expect, test } from "vitest";
import { FlightBudget } from "../../framework/actor/flight-budget.ts";
import { heldAfter, muchBytes } from "../support/young.ts";

test("frames take room while there is some; who finds none is called once, when there may be", () => {
  const budget = new FlightBudget(100);
  const called: string[] = [];
  const onFree = () => void called.push("a");
  expect(budget.take(60, onFree)).toBe(true);
  expect(budget.take(60, onFree)).toBe(false);
  expect(budget.take(50, onFree)).toBe(false);
  expect(budget.bytes).toBe(60);
  budget.give(0);
  expect(called).toEqual([]);
  budget.give(60);
  budget.give(0);
  expect(called).toEqual(["a"]);
  expect(budget.take(100, onFree)).toBe(true);
});

test("a frame that is larger than all the room goes alone", () => {
  const budget = new FlightBudget(100);
  expect(budget.take(500, () => undefined)).toBe(true);
  expect(budget.take(1, () => undefined)).toBe(false);
});

test("who asks again while being called is called the next time", () => {
  const budget = new FlightBudget(100);
  let calls = 0;
  const onFree = (): void => {
    calls += 1;
    budget.take(90, onFree);
  };
  budget.take(100, onFree);
  budget.take(20, onFree);
  budget.take(20, () => undefined);
  budget.give(100);
  expect(calls).toBe(1);
  expect(budget.bytes).toBe(90);
  budget.take(20, onFree);
  budget.give(90);
  expect(calls).toBe(2);
});

test("who was called is held by none who came later", () => {
  const budget = new FlightBudget(100);
  budget.take(100, () => undefined);
  const held = heldAfter((made) => {
    budget.take(100, () => void made);
    budget.give(100);
    budget.take(100, () => undefined);
  });
  expect(held).toBeLessThan(muchBytes);
});
