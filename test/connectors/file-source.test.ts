import { appendFile, mkdir, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import fc from "fast-check";
import { beforeEach, describe, expect, test } from "vitest";
import { csv, jsonLines } from "../../framework/connectors/file.ts";
import { noCluster } from "./home.ts";
import { expectReplayable, openAs, openSplit, readSplit, readToEnd, replayable, valuesOf } from "./reading.ts";
import { temporaryFolder } from "./temporary-folder.ts";

let folder = "";
beforeEach(async () => {
  folder = await temporaryFolder();
});

async function written(content: string | Uint8Array, name = "rows.csv"): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, content);
  return path;
}

describe("csv", () => {
  test("rows by the names in the header; the position is the offset behind the row", async () => {
    const source = replayable(csv(await written("a,b\n1,2\n3,4\n")));
    expect(source).toMatchObject({ positions: "sparse", bounded: true });
    expect(await expectReplayable(source)).toEqual([
      { position: 8, value: { a: "1", b: "2" } },
      { position: 12, value: { a: "3", b: "4" } },
    ]);
  });

  test("CR LF, a byte order mark, quoted line ends, empty lines and a last line without end", async () => {
    const source = replayable(csv(await written('\ufeffa,b\r\n\r\n"é\r\n""1""",2\r\n\n3,4')));
    expect(await expectReplayable(source)).toEqual([
      { position: 25, value: { a: 'é\r\n"1"', b: "2" } },
      { position: 29, value: { a: "3", b: "4" } },
    ]);
  });

  test("columns are picked by name, whatever their order in the file", async () => {
    const path = await written("a,b,c\n1,2,3\n");
    expect(valuesOf(await readSplit(replayable(csv(path, { columns: ["c", "a"] }))))).toEqual([{ c: "3", a: "1" }]);
  });

  test("without a header columns name the fields, and the first row is a row", async () => {
    const path = await written("1;2\n3;4\n");
    const source = replayable(csv(path, { header: false, columns: ["x", "y"], delimiter: ";" }));
    expect(valuesOf(await expectReplayable(source))).toEqual([
      { x: "1", y: "2" },
      { x: "3", y: "4" },
    ]);
  });

  test("`parse` makes the records and is told the file", async () => {
    const path = await written("at,v\n5,x\n", "sensor.csv");
    const spec = csv(path, {
      columns: ["at", "v"],
      parse: (row, file) => ({ key: file.name, at: Number(row.at), v: row.v }),
      timestamps: (record) => record.at,
    });
    expect(valuesOf(await readSplit(replayable(spec)))).toEqual([{ key: "sensor.csv", at: 5, v: "x" }]);
    expect(spec.timestamps?.of({ key: "", at: 7, v: "" })).toBe(7);
  });

  test("S3: rows that are none are entries at their positions, and the next one is read", async () => {
    const path = await written('a,b\n1\n2,"x"y\n3,\xff\n4,bad\n5,6,7\n8,9\n', "rows.csv");
    await writeFile(path, Buffer.from('a,b\n1\n2,"x"y\n3,\xff\n4,bad\n5,6,7\n8,9\n', "latin1"));
    const parse = ({ a, b }: { readonly a: string; readonly b: string }): string => {
      if (b === "bad") throw new Error("b is bad");
      return a + b;
    };
    expect(await expectReplayable(replayable(csv(path, { columns: ["a", "b"], parse })))).toEqual([
      { position: 6, invalid: "number of fields is 1, not 2", raw: "1" },
      { position: 13, invalid: "field 2 has text behind its closing quote", raw: '2,"x"y' },
      { position: 17, invalid: "it is no UTF-8", raw: "3,\ufffd" },
      { position: 23, invalid: "b is bad", raw: "4,bad" },
      { position: 29, invalid: "number of fields is 3, not 2", raw: "5,6,7" },
      { position: 33, value: "89" },
    ]);
  });

  test("a replacement character that is in the file is a character", async () => {
    expect(valuesOf(await readSplit(replayable(csv(await written("a\n\ufffd\n")))))).toEqual([{ a: "\ufffd" }]);
  });

  test("a quote that is never closed costs its line, not the rest of the file", async () => {
    const path = await written('a,b\n1,"2\n3,4\n5,6\n');
    const entries = await expectReplayable(replayable(csv(path)));
    expect(entries).toMatchObject([
      { invalid: "a quote is never closed", raw: '1,"2' },
      { position: 13 },
      { position: 17 },
    ]);
    expect(valuesOf(entries)).toEqual([
      { a: "3", b: "4" },
      { a: "5", b: "6" },
    ]);
  });

  test("B1: a row of more than 256 KiB is passed over, and the next one is read", async () => {
    const long = "x".repeat(300_000);
    const path = await written(`a\n${long}\n1\n"${long}"\n2\n"x\n${long}\n3\n${"y".repeat(262_144)}`);
    const entries = await expectReplayable(replayable(csv(path)));
    expect(entries.map((entry) => ("invalid" in entry ? entry.invalid : "value"))).toEqual([
      "more than 262144 bytes",
      "value",
      "more than 262144 bytes",
      "value",
      "a quote is never closed",
      "more than 262144 bytes",
      "value",
      "value",
    ]);
    expect(entries[0]).toMatchObject({ position: 300_003, raw: "x".repeat(1_000) });
  });

  test("what is read does not depend on where chunks end", async () => {
    const row = fc.tuple(fc.nat({ max: 60_000 }), fc.constantFrom("x", "é", "x\n", '""'));
    await fc.assert(
      fc.asyncProperty(fc.array(row, { minLength: 1, maxLength: 12 }), async (rows) => {
        const values = rows.map(([length, unit]) => unit.repeat(length / unit.length));
        const path = await written(`a,b\n${values.map((value, at) => `${at},"${value}"\n`).join("")}`);
        const expected = values.map((value, at) => ({ a: String(at), b: value.replaceAll('""', '"') }));
        expect(valuesOf(await expectReplayable(replayable(csv(path))))).toEqual(expected);
      }),
      { numRuns: 25 },
    );
  });

  test("an empty file, and one with nothing but a header, end at once", async () => {
    expect(await readSplit(replayable(csv(await written(""))))).toEqual([]);
    expect(await readSplit(replayable(csv(await written(""), { columns: ["a"] })))).toEqual([]);
    expect(await readSplit(replayable(csv(await written("a,b"))))).toEqual([]);
    expect(await readSplit(replayable(csv(await written("a,b\r\n"))))).toEqual([]);
  });

  test.each([
    ['no column "b" among "a", "c"', "a,c\n1,2\n"],
    ['no column "b" among ""', "\n1,2\n"],
    ['two columns "b" among "b", "b"', "b,b\n1,2\n"],
    ["a quote is never closed", '"a,b\n1,2\n'],
    ["has no end", `${"b".repeat(100_000)}\n1\n`],
  ])("a header that cannot be used is refused before anything starts: %s", async (message, content) => {
    const listing = replayable(csv(await written(content), { columns: ["b"] })).splits(noCluster);
    await expect(listing).rejects.toMatchObject({
      code: "PATH_UNUSABLE",
      message: expect.stringContaining(message) as string,
    });
  });

  test.each([
    ['delimiter is ""', { delimiter: "" }],
    ['delimiter is "é"', { delimiter: "é" }],
    ['delimiter is "\\""', { delimiter: '"' }],
    ["header is false", { header: false }],
    ["rate is -1", { rate: -1 }],
  ])("options that make no sense are refused: %s", (message, options) => {
    expect(() => csv("a.csv", options)).toThrow(message);
  });
});

describe("jsonLines", () => {
  test("values, with `parse` and without; a line that is no JSON is an entry", async () => {
    const path = await written('\ufeff{"a":1}\r\n\n[2\n"three"', "rows.jsonl");
    const source = replayable(jsonLines(path));
    expect(await expectReplayable(source)).toMatchObject([
      { position: 12, value: { a: 1 } },
      { position: 16, raw: "[2" },
      { position: 23, value: "three" },
    ]);
    const spec = jsonLines(path, { parse: (value, file) => `${file.name} ${JSON.stringify(value)}` });
    expect(valuesOf(await readSplit(replayable(spec)))).toEqual(['rows.jsonl {"a":1}', 'rows.jsonl "three"']);
  });

  test("the quotes of JSON are not those of CSV", async () => {
    const path = await written('"a\n1\n', "rows.jsonl");
    expect(valuesOf(await readSplit(replayable(jsonLines(path))))).toEqual([1]);
  });
});

describe("splits of files", () => {
  test("one per file, named after its path", async () => {
    const paths = [await written("a\n1\n", "x.csv"), await written("a\n2\n", "y.csv")];
    const source = replayable(csv(paths));
    expect((await source.splits(noCluster)).map(({ name }) => name)).toEqual(paths);
    expect(valuesOf(await readSplit(source, 1))).toEqual([{ a: "2" }]);
  });

  test("I1: what is appended after the job has listed a file is not read", async () => {
    const path = await written("a\n1\n");
    const source = replayable(csv(path));
    const [split] = await source.splits(noCluster);
    if (split === undefined) throw new Error("no split");
    await appendFile(path, "2\n");
    const reading = await openAs(source, { split, after: undefined });
    expect(valuesOf(await readToEnd(reading))).toEqual([{ a: "1" }]);
    reading.reader.close();
  });

  test.each([
    ["shorter", "a\n"],
    ["other at its beginning", "b\n1\n2\n"],
    ["other at its end", "a\n1\n3\n"],
  ])("I2: a file that is %s is another one", async (_, content) => {
    const path = await written("a\n1\n2\n");
    const source = replayable(csv(path));
    const [split] = await source.splits(noCluster);
    if (split === undefined) throw new Error("no split");
    await writeFile(path, content);
    await expect(openAs(source, { split, after: 4 })).rejects.toMatchObject({ code: "SOURCE_CHANGED" });
  });

  test("a file that is cut off under the reader fails the split", async () => {
    const path = await written(`a\n${"1\n".repeat(500_000)}`);
    const reading = await openSplit(replayable(csv(path)));
    await truncate(path, 4);
    await expect(readToEnd(reading)).rejects.toMatchObject({ code: "SOURCE_CHANGED" });
    reading.reader.close();
  });

  test("a path that cannot be read is refused before anything starts", async () => {
    const directory = join(folder, "directory");
    await mkdir(directory);
    for (const path of [join(folder, "missing.csv"), directory]) {
      const listing = replayable(csv([await written("a\n"), path])).splits(noCluster);
      await expect(listing).rejects.toMatchObject({
        code: "PATH_UNUSABLE",
        message: expect.stringContaining(path) as string,
      });
    }
  });

  test("no path, the same one twice, and equal names where they tell files apart are refused", () => {
    expect(() => csv([])).toThrow("at least one path");
    expect(() => csv(["a.csv", "a.csv"])).toThrow("same path");
    expect(() => csv(["x/a.csv", "y/a.csv"], { equalNames: "refuse" })).toThrow(
      "x/a.csv and y/a.csv have the same name",
    );
    expect(csv(["x/a.csv", "y/a.csv"]).description).toBe("csv(2 files)");
  });

  test("the rate is shared by the files", async () => {
    const paths = [await written("a\n1\n2\n", "x.csv"), await written("a\n3\n", "y.csv")];
    const { reader, clock, readable } = await openSplit(replayable(csv(paths, { rate: 10 })));
    const isReadable = readable();
    if (reader.take() === "waiting") await isReadable;
    reader.take();
    expect(reader.take()).toBe("waiting");
    clock.moveTo(199);
    expect(reader.take()).toBe("waiting");
    clock.moveTo(200);
    expect(reader.take()).toMatchObject({ value: { a: "2" } });
    reader.close();
  });

  test("at most a few chunks are held, however long the file", async () => {
    const path = await written(`a\n${`${"x".repeat(99)}\n`.repeat(100_000)}`);
    const { reader, readable } = await openSplit(replayable(csv(path)));
    let run = 0;
    let longestRun = 0;
    for (;;) {
      const isReadable = readable();
      const taken = reader.take();
      if (taken === "ended") break;
      if (taken === "waiting") await isReadable;
      run = taken === "waiting" ? 0 : run + 1;
      longestRun = Math.max(longestRun, run);
    }
    reader.close();
    expect(longestRun).toBeLessThan((4 * 128 * 1_024) / 100);
  });
});
