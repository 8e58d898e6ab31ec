/**
 * Sections: what is added is what is decoded, however it is cut into blocks, taken back or reused.
 */
import { Buffer } from "node:buffer";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { ValueCodec } from "../../framework/record/codec.ts";
import { SectionWriter, decodeMessage, encodeFrame, recordBytesMax } from "../../framework/record/frame.ts";
import type { Records } from "../../framework/record/frame.ts";
import { anyNumber, anyString, anyValue, fingerprint, objectOf } from "./values.ts";

type Added = readonly [value: unknown, timestamp: number | undefined];

const anyTimestamp = fc.oneof(fc.maxSafeInteger(), fc.constantFrom(undefined, 0, 1760000000000, Infinity, -Infinity));

/** Records as programs have them: a few shapes, most often the same, with the odd field in between. */
const anyRow = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ device: fc.constantFrom("a", "b", "c"), at: fc.maxSafeInteger(), temp: fc.double() }),
  },
  { weight: 3, arbitrary: fc.record({ device: anyString, n: fc.integer(), ok: fc.boolean(), tags: anyValue }) },
  {
    weight: 1,
    arbitrary: fc.record({
      device: fc.oneof(anyString, anyNumber, fc.constant(null)),
      at: fc.oneof(anyNumber, fc.constant(undefined)),
      temp: anyValue,
    }),
  },
  {
    weight: 1,
    arbitrary: fc.constant(
      objectOf([
        ["__proto__", 1],
        ["b", "x"],
      ]),
    ),
  },
  { weight: 1, arbitrary: anyNumber },
  { weight: 1, arbitrary: anyString },
  { weight: 1, arbitrary: fc.boolean() },
  { weight: 1, arbitrary: anyValue },
);
const anyRun = fc
  .tuple(anyRow, fc.integer({ min: 1, max: 20 }))
  .map(([row, times]) => Array.from({ length: times }, () => row));
const anyRecords: fc.Arbitrary<Added[]> = fc
  .array(fc.oneof(anyRun, fc.array(anyRow, { maxLength: 20 })), { maxLength: 6 })
  .chain((runs) => fc.tuple(...runs.flat().map((row) => fc.tuple(fc.constant(row), anyTimestamp))));

function encode(records: SectionWriter): Uint8Array {
  return encodeFrame([{ header: { edge: 1, from: 2, epoch: 3, first: 4, count: records.count, check: 5 }, records }]);
}

function roundTrip(records: SectionWriter, codec?: ValueCodec): Records {
  const message = decodeMessage(encode(records));
  if (message.kind !== "frame") throw new Error(`a frame expected, ${message.kind} found`);
  return message.sections[0]?.decode(codec) ?? { count: 0, values: [], timestamps: undefined };
}

/** Adds a record of a usual shape that is refused at its last field. */
function addRefused(writer: SectionWriter): void {
  expect(() => writer.add({ device: "a", at: 1, temp: () => 1 }, 5)).toThrow("$.temp is a function");
}

function timestampAt(records: Records, index: number): number | undefined {
  const timestamp = records.timestamps?.[index];
  return timestamp === undefined || Number.isNaN(timestamp) ? undefined : timestamp;
}

function expectRecords(found: Records, expected: readonly Added[]): void {
  expect(found.count).toBe(expected.length);
  expect(found.values.map((value) => fingerprint(value))).toEqual(expected.map(([value]) => fingerprint(value)));
  expect(found.values.map((_, index) => timestampAt(found, index))).toEqual(expected.map(([, timestamp]) => timestamp));
}

describe("round trip", () => {
  test("SW3: any records come back, in order, with their timestamps", () => {
    fc.assert(
      fc.property(anyRecords, (records) => {
        const writer = new SectionWriter();
        for (const [value, timestamp] of records) writer.add(value, timestamp);
        expectRecords(roundTrip(writer), records);
      }),
      { numRuns: 1000 },
    );
  });

  test("SW2: adding, taking back, failing and clearing leave no trace", () => {
    const anyStep = fc.oneof(
      anyRecords.map((records) => ({ kind: "add", records }) as const),
      fc.nat(60).map((count) => ({ kind: "truncate", count }) as const),
      fc.constant({ kind: "fail" } as const),
      fc.constant({ kind: "clear" } as const),
    );
    fc.assert(
      fc.property(fc.array(anyStep, { maxLength: 12 }), (steps) => {
        const writer = new SectionWriter();
        let model: Added[] = [];
        for (const step of steps) {
          if (step.kind === "add") {
            for (const [value, timestamp] of step.records) writer.add(value, timestamp);
            model = [...model, ...step.records];
          } else if (step.kind === "truncate") {
            writer.truncate(step.count);
            model = model.slice(0, step.count);
          } else if (step.kind === "clear") {
            writer.clear();
            model = [];
          } else addRefused(writer);
          expect(writer.count).toBe(model.length);
        }
        expectRecords(roundTrip(writer), model);
      }),
      { numRuns: 1000 },
    );
  });

  test("SW3: more records than generated code waits for, with columns that change their kind", () => {
    const writer = new SectionWriter();
    for (let round = 0; round < 3; round++) {
      const records: Added[] = [];
      for (let at = 0; at < 3000; at++) {
        const odd = at % 1000 === 999;
        const row = {
          id: `d${at % (round === 0 ? 5 : 5000)}`,
          n: odd ? "text" : at,
          on: at % 2 === 0,
          at: odd ? undefined : at * 1.5,
          "a b": [at],
        };
        records.push([row, at % 7 === 0 ? undefined : 1760000000000 + at]);
      }
      for (const [value, timestamp] of records) writer.add(value, timestamp);
      expectRecords(roundTrip(writer), records);
      writer.clear();
    }
  });

  test("H1: a shape whose names look like code is data, generated or not", () => {
    const names = ["__proto__", "constructor", '"]: evil(), ["', "${evil()}", "\n", "`", "\\", "\u2028", "0", "é", ""];
    const row = objectOf(names.map((name, at) => [name, at]));
    const records: Added[] = Array.from({ length: 2000 }, () => [row, undefined]);
    const writer = new SectionWriter();
    for (const [value] of records) writer.add(value, undefined);
    expectRecords(roundTrip(writer), records);
    expectRecords(roundTrip(writer), records);
    expect(Object.keys(Object.prototype)).toEqual([]);
  });

  test("objects used as maps, each with names of its own, come back", () => {
    const writer = new SectionWriter();
    const records: Added[] = Array.from({ length: 1500 }, (_, at) => [{ [`k${at}`]: at, [`l${at}`]: "x" }, at]);
    for (const [value, timestamp] of records) writer.add(value, timestamp);
    expectRecords(roundTrip(writer), records);
  });

  test("a shape that follows a general block gets columns again", () => {
    const mixed: Added[] = Array.from({ length: 10 }, (_, at) => [at % 2 === 0 ? { a: at } : { b: at }, undefined]);
    const same: Added[] = Array.from({ length: 500 }, (_, at) => [{ name: "one", value: at }, undefined]);
    const writer = new SectionWriter();
    for (const [value] of [...mixed, ...same]) writer.add(value, undefined);
    expectRecords(roundTrip(writer), [...mixed, ...same]);
    expect(encode(writer).length).toBeLessThan(500 * 8);
  });

  test("values that repeat cost a byte each", () => {
    const writer = new SectionWriter();
    for (let at = 0; at < 1000; at++) writer.add({ region: `region-${at % 3}`, day: 20_000 }, undefined);
    expect(encode(writer).length).toBeLessThan(2200);
  });
});

describe("add", () => {
  test("SW1: what happens to the object afterwards changes nothing", () => {
    const writer = new SectionWriter();
    const bytes = Buffer.from("abc");
    const row = { name: "before", list: [1, 2], bytes };
    writer.add(row, 1);
    row.name = "after";
    row.list.push(3);
    bytes.fill(0);
    expect(roundTrip(writer).values).toEqual([
      { name: "before", list: [1, 2], bytes: new Uint8Array(Buffer.from("abc")) },
    ]);
  });

  test("a record over the limit is refused with its size, one at the limit is not", () => {
    const writer = new SectionWriter();
    writer.add({ text: "first" }, 1);
    for (const value of [
      { text: "x".repeat(recordBytesMax + 1) },
      "é".repeat(recordBytesMax / 2 + 1),
      [new Uint8Array(recordBytesMax + 1)],
    ]) {
      expect(() => writer.add(value, 1)).toThrow(expect.objectContaining({ code: "VALUE_NOT_ENCODABLE" }));
      expect(() => writer.add(value, 1)).toThrow(/takes about 2621\d\d bytes; a record may take 262144/);
    }
    const large = "x".repeat(recordBytesMax - 100);
    writer.add({ text: large }, 1);
    expect(roundTrip(writer).values).toEqual([{ text: "first" }, { text: large }]);
  });

  test("a throwing accessor leaves the section as it was", () => {
    const writer = new SectionWriter();
    writer.add({ a: 1, b: 2 }, 1);
    const thrower = {
      a: 1,
      get b(): number {
        throw new TypeError("no b");
      },
    };
    expect(() => writer.add(thrower, 1)).toThrow("no b");
    writer.add({ a: 3, b: 4 }, 1);
    expect(roundTrip(writer).values).toEqual([
      { a: 1, b: 2 },
      { a: 3, b: 4 },
    ]);
  });

  test("the estimate is near the size once a section like it has been written", () => {
    const writer = new SectionWriter();
    expect(writer.bytes).toBe(0);
    const add = () => {
      let grown = 0;
      for (let at = 0; at < 500; at++)
        grown += writer.add(
          { device: `device-${at}`, at: 1760000000000 + at, temp: at / 7, note: "日本語".repeat(5) },
          at,
        );
      expect(grown).toBe(writer.bytes);
    };
    add();
    encode(writer);
    writer.clear();
    add();
    const size = encode(writer).length;
    expect(writer.bytes).toBeGreaterThan(size * 0.9);
    expect(writer.bytes).toBeLessThan(size * 1.3);
    writer.truncate(250);
    expect(writer.bytes).toBeLessThan(size * 0.65);
  });

  test("strings that are not ASCII, repeat or are ill-formed come back from one column", () => {
    const texts = ["a", "", "é", "日本語", "𝒳", "\ud800", "\udc00", "x".repeat(300), "🂡".repeat(200)];
    const mixes: (readonly string[])[] = [texts, texts.slice(0, 5), ["\ud800", "\udc00"], ["a", "b"], [""]];
    for (const mix of mixes) {
      const writer = new SectionWriter();
      for (let round = 0; round < 3; round++) {
        const records: Added[] = Array.from({ length: 200 }, (_, at) => [
          { first: "a", text: mix[at % mix.length] },
          at,
        ]);
        for (const [value, timestamp] of records) writer.add(value, timestamp);
        expectRecords(roundTrip(writer), records);
        writer.clear();
      }
    }
  });

  test("half of the strings repeat: they cost their index alone", () => {
    const writer = new SectionWriter();
    for (let at = 0; at < 1000; at++)
      writer.add({ url: `https://example.com/${at % 2 === 0 ? "hot" : String(at).padStart(40, "0")}` }, undefined);
    expect(encode(writer).length).toBeLessThan(500 * 61 + 1000 * 2 + 200);
  });
});

describe("an edge's own codec", () => {
  const codec: ValueCodec = {
    name: "upper",
    encode: (value) => Buffer.from(String(value).toUpperCase()),
    decode: (bytes) => Buffer.from(bytes).toString(),
  };

  test("takes every record", () => {
    const writer = new SectionWriter(codec);
    for (const value of ["a", "b", "c"]) writer.add(value, 7);
    writer.truncate(2);
    expectRecords(roundTrip(writer, codec), [
      ["A", 7],
      ["B", 7],
    ]);
    writer.clear();
    writer.add("d", undefined);
    expectRecords(roundTrip(writer, codec), [["D", undefined]]);
  });

  test("must be there when the section is decoded", () => {
    const writer = new SectionWriter(codec);
    writer.add("a", 7);
    expect(() => roundTrip(writer)).toThrow("an edge's own codec");
  });

  test("its refusals keep their message", () => {
    const writer = new SectionWriter({
      ...codec,
      encode: () => {
        throw new Error("not upper enough");
      },
    });
    expect(() => writer.add("a", 1)).toThrow("not upper enough");
    expect(writer.count).toBe(0);
  });
});
