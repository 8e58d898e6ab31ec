import { Writable } from "node:stream";
import { expect, test } from "vitest";
import { print } from "../../framework/connectors/print.ts";
import type { SinkSpec } from "../../framework/log/sink.ts";
import { noCluster } from "./home.ts";
import { identityOf, rowsFor } from "./writing.ts";

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

/** Writes `values` as the incarnation of `epoch`, from row `first` on. */
async function write(
  spec: SinkSpec<never>,
  values: readonly unknown[],
  first = 1,
  epoch = 1,
  partition = 0,
): Promise<void> {
  const writer = await spec.open(identityOf({ epoch, partition }), noCluster);
  await writer.write(rowsFor(spec as SinkSpec, values, first));
}

test("on a terminal: the label, the key and times of a window's result, the value", async () => {
  const output = new Screen(true);
  await write(print("average CPU", { output }), [hour, { a: [1, { b: "x" }] }, "plain", "a\u001b[2Jb"]);
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
  await write(print("averages", { output }), [hour]);
  await write(print(undefined, { output }), [hour]);
  expect(output.text).toBe(`${JSON.stringify({ label: "averages", value: hour })}\n${JSON.stringify(hour)}\n`);
});

test("the program may choose the form and the text", async () => {
  const output = new Screen(true);
  await write(print("x", { output, format: "json" }), [1]);
  await write(print("x", { output, text: (value: number) => `${value} %` }), [1]);
  expect(output.text).toBe('{"label":"x","value":1}\n1 %\n');
});

test("a row is printed once, whichever incarnation writes it", async () => {
  const output = new Screen(false);
  const spec = print(undefined, { output });
  await write(spec, [1, 2], 1, 1);
  await write(spec, [2, 3], 2, 2);
  await write(spec, [10], 1, 2, 1);
  expect(output.text).toBe("1\n2\n3\n10\n");
});

test("what JSON has no form for is refused when it is emitted", () => {
  const spec = print(undefined, { output: new Screen(false) });
  for (const value of [2n, undefined]) {
    expect(() => spec.encode?.(value)).toThrow(expect.objectContaining({ code: "ROW_REFUSED" }));
  }
});

test("an output that fails is unavailable", async () => {
  const output = new Screen(false);
  output.isBroken = true;
  await expect(write(print(undefined, { output }), [1])).rejects.toMatchObject({ code: "SINK_UNAVAILABLE" });
});

test("its name is its label", () => {
  expect(print("average CPU")).toMatchObject({ name: "average CPU", guarantee: "atLeastOnce", placement: "chained" });
  expect(print()).toMatchObject({ name: "print", description: "print" });
});
