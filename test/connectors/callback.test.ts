import { expect, test } from "vitest";
import { callback, type CallbackRow, discard } from "../../framework/connectors/callback.ts";
import { noCluster } from "./home.ts";
import { identityOf, rowsOf } from "./writing.ts";

test("each row is handed over once, one at a time, with its id", async () => {
  const seen: string[] = [];
  const spec = callback("seen", async (value: string, row: CallbackRow) => {
    seen.push(`begin ${value}`);
    await Promise.resolve();
    seen.push(`end ${value} ${row.from.epoch}/${row.number}`);
  });
  await (await spec.open(identityOf({ epoch: 1 }), noCluster)).write(rowsOf(["a", "b"]));
  await (await spec.open(identityOf({ epoch: 2 }), noCluster)).write(rowsOf(["b", "c"], 2));
  expect(seen).toEqual(["begin a", "end a 1/1", "begin b", "end b 1/2", "begin c", "end c 2/3"]);
});

test("a call that throws refuses its row only", async () => {
  const seen: number[] = [];
  const spec = callback("seen", (value: number) => {
    if (value === 2) throw new Error("not two");
    seen.push(value);
  });
  const rows = rowsOf([1, 2, 3]);
  const refused = await (await spec.open(identityOf(), noCluster)).write(rows);
  expect(refused).toEqual([{ row: rows[1], reason: "not two" }]);
  expect(seen).toEqual([1, 3]);
});

test("discard takes everything", async () => {
  const writer = await discard().open(identityOf(), noCluster);
  expect(await writer.write(rowsOf([1, 2n, undefined]))).toEqual([]);
  await writer.close();
});
