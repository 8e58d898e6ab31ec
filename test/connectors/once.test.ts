import { expect, test } from "vitest";
import { Once } from "../../framework/connectors/once.ts";
import { identityOf, rowsOf } from "./writing.ts";

const [first, second, third] = rowsOf(["a", "b", "c"]);

test("O1: a number goes through once per identity", () => {
  if (first === undefined || second === undefined || third === undefined) throw new Error("no rows");
  const once = new Once();
  const zombie = once.of(identityOf({ epoch: 3 }));
  zombie.add(first);
  zombie.add(second);
  const successor = once.of(identityOf({ epoch: 7 }));
  expect([first, second, third].map((row) => successor.has(row))).toEqual([true, true, false]);
  successor.add(third);
  expect(zombie.has(third)).toBe(true);
  expect(once.of(identityOf({ partition: 1 })).has(first)).toBe(false);
  expect(once.of(identityOf({ generation: 2 })).has(first)).toBe(false);
});

test("O2: an epoch that is not higher begins another life", () => {
  if (first === undefined) throw new Error("no rows");
  const once = new Once();
  once.of(identityOf({ epoch: 3 })).add(first);
  expect(once.of(identityOf({ epoch: 3 })).has(first)).toBe(false);
});
