/** Rows into columns: the first shape with so many properties, and all that come after it, leave the same in their columns. */
import { describe, expect, test } from "vitest";
import { columnFor } from "../../framework/record/block.ts";
import { putFor } from "../../framework/record/row-columns.ts";

const counts = Array.from({ length: 10 }, (_, at) => at + 1);

function rowOf(names: readonly string[], index: number): Record<string, unknown> {
  return Object.fromEntries(names.map((name, place) => [name, place % 2 === 0 ? `${name}.${index}` : index * place]));
}

describe.each(counts)("of %d properties", (count) => {
  test.each(["first", "second", "third"])("the %s shape: each column has the values of its name", (shape) => {
    const names = Array.from({ length: count }, (_, at) => `${shape}${at}`);
    const put = putFor(count);
    const columns = names.map((name) => columnFor(rowOf(names, 0)[name]));
    const sizes = [0, 1, 2].map((index) => put(names, rowOf(names, index), index, columns));
    expect(columns.map((column) => [0, 1, 2].map((index) => column.get(index)))).toEqual(
      names.map((name) => [0, 1, 2].map((index) => rowOf(names, index)[name])),
    );
    expect(Math.min(...sizes)).toBeGreaterThan(0);
  });

  test.each(["first", "second"])(
    "the %s shape: a value of another kind turns its column into one of anything",
    (shape) => {
      const names = Array.from({ length: count }, (_, at) => `other-${shape}${at}`);
      const put = putFor(count);
      const columns = names.map((name) => columnFor(rowOf(names, 0)[name]));
      const odd = { ...rowOf(names, 1), [names.at(-1) ?? ""]: [1, "two"] };
      put(names, rowOf(names, 0), 0, columns);
      put(names, odd, 1, columns);
      put(names, rowOf(names, 2), 2, columns);
      const last = names.at(-1) ?? "";
      expect([0, 1, 2].map((index) => columns.at(-1)?.get(index))).toEqual([
        rowOf(names, 0)[last],
        [1, "two"],
        rowOf(names, 2)[last],
      ]);
    },
  );
});
