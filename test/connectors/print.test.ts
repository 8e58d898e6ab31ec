import { Writable } from "node:stream";
import { expect, test } from "vitest";
import { print } from "../../framework/connectors/print.ts";
import { identityOf, rowsOf } from "./writing.ts";

class Screen extends Writable {
  readonly isTTY: boolean;
  text = "";
  isBroken = false;

  constructor(isTTY: boolean) {
    super({ autoDestroy: false });
    this.isTTY = isTTY;
    this.on("error", () => undefined);
  }

  override _write(chunk: Buffer, _encoding: string, done: (error?: Error) => void): void {
    if (!this.isBroken) this.text += chunk.toString();
    done(this.isBroken ? new Error("gone") : undefined);
  }
}

const hour = { key: "db-1", window: { start: 0, end: 3_600_000 }, value: 37.25 };

test("on a terminal: the label, the key and times of a window's result, the value", async () => {
  const output = new Screen(true);
  const writer = await print("average CPU", { output }).open(identityOf());
  await writer.write(rowsOf([hour, { a: [1, { b: "x" }] }, "plain", "a\u001b[2Jb"]));
  expect(output.text.split("\n")).toEqual([
    "average CPU  db-1  1970-01-01T00:00:00.000Z to 1970-01-01T01:00:00.000Z  37.25",
    "average CPU  { a: [ 1, { b: 'x' } ] }",
    "average CPU  plain",
    "average CPU  'a\\x1B[2Jb'",
    "",
  ]);
});

test("elsewhere: JSON lines, with the label when there is one", async () => {
  const output = new Screen(false);
  await (await print("averages", { output }).open(identityOf())).write(rowsOf([hour]));
  await (await print(undefined, { output }).open(identityOf())).write(rowsOf([hour]));
  expect(output.text).toBe(`${JSON.stringify({ label: "averages", value: hour })}\n${JSON.stringify(hour)}\n`);
});

test("the program may choose the form and the text", async () => {
  const output = new Screen(true);
  await (await print("x", { output, format: "json" }).open(identityOf())).write(rowsOf([1]));
  const text = (value: number): string => `${value} %`;
  await (await print("x", { output, text }).open(identityOf())).write(rowsOf([1]));
  expect(output.text).toBe('{"label":"x","value":1}\n1 %\n');
});

test("a row is printed once, whichever incarnation writes it", async () => {
  const output = new Screen(false);
  const spec = print(undefined, { output });
  await (await spec.open(identityOf({ epoch: 1 }))).write(rowsOf([1, 2]));
  await (await spec.open(identityOf({ epoch: 2 }))).write(rowsOf([2, 3], 2));
  await (await spec.open(identityOf({ epoch: 2, partition: 1 }))).write(rowsOf([10]));
  expect(output.text).toBe("1\n2\n3\n10\n");
});

test("what JSON has no form for is refused, and the rest is printed", async () => {
  const output = new Screen(false);
  const rows = rowsOf([1, 2n, undefined, 3]);
  const refused = await (await print(undefined, { output }).open(identityOf())).write(rows);
  expect(refused.map(({ row }) => row.number)).toEqual([2, 3]);
  expect(output.text).toBe("1\n3\n");
});

test("an output that fails is unavailable", async () => {
  const output = new Screen(false);
  output.isBroken = true;
  const writer = await print(undefined, { output }).open(identityOf());
  await expect(writer.write(rowsOf([1]))).rejects.toMatchObject({ code: "SINK_UNAVAILABLE" });
});

test("its name is its label", () => {
  expect(print("average CPU")).toMatchObject({ name: "average CPU", guarantee: "atLeastOnce", placement: "chained" });
  expect(print()).toMatchObject({ name: "print", description: "print" });
});
