import { expect, test } from "vitest";
import { OrderedEntries } from "../../framework/state/ordered-entries.ts";

function entriesOf(entries: OrderedEntries<string, number>): string {
  return [...entries.inOrder()].map(([key, { value }]) => `${key}${value}`).join(" ");
}

test("an entry that is put back has its old place; one that is added again is last", () => {
  const entries = new OrderedEntries<string, number>();
  for (const [at, key] of ["a", "b", "c"].entries()) entries.append(key, at);
  const a = entries.get("a");
  const b = entries.get("b");
  entries.delete("a");
  entries.delete("b");
  entries.append("d", 3);
  if (b !== undefined) entries.putBack("b", b);
  expect(entriesOf(entries)).toBe("b1 c2 d3");
  entries.append("a", 9);
  expect(entriesOf(entries)).toBe("b1 c2 d3 a9");
  entries.delete("a");
  if (a !== undefined) entries.putBack("a", a);
  expect(entriesOf(entries)).toBe("a0 b1 c2 d3");
  expect(entries.size).toBe(4);
});
