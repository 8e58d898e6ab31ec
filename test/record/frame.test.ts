/**
 * The messages of inboxes, whole and damaged.
 */
import { Buffer } from "node:buffer";
import { crc32 } from "node:zlib";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { StreamError } from "../../framework/errors.ts";
import { SectionWriter, decodeMessage, encodeControl, encodeFrame } from "../../framework/record/frame.ts";
import type { SectionHeader } from "../../framework/record/frame.ts";
import type { Control } from "../../framework/record/messages.ts";
import { holey, objectOf } from "./values.ts";
import { messageType } from "./wire/protos.ts";

const controls: Control[] = [
  { kind: "epochStart", instance: { stage: 1, partition: 7 }, epoch: 2 ** 52 + 1, floors: [{ edge: 1, last: 2 }] },
  { kind: "watermark", edge: 3, leader: 12, n: 7, upto: 99, watermark: Infinity, isIdle: false },
  { kind: "watermark", edge: 0, leader: 1, n: 1, upto: 2, watermark: 1760000000000, isIdle: true },
  { kind: "tick" },
  { kind: "refusal", sink: "out", number: 7, reason: "no", value: new Uint8Array([1]), timestamp: 5 },
  { kind: "redelivery", letter: 2 ** 40, edge: 3, value: new Uint8Array([1]), timestamp: Number.NaN },
];

/** A frame with every kind of block, column and value. */
function sample(): Uint8Array {
  const kinds: unknown[][] = [
    Array.from({ length: 20 }, (_, at) => ({
      id: `device-${at}`,
      kind: at % 2 === 0 ? "even" : "odd",
      n: at,
      x: at / 3,
      on: true,
      tags: [at, null],
    })),
    Array.from({ length: 12 }, (_, at) => (at < 11 ? at : 1e9)),
    Array.from({ length: 12 }, (_, at) => `text ${at} é`),
    [
      1n,
      "\ud800",
      new Date(5),
      new Uint8Array(3),
      undefined,
      objectOf([["__proto__", { a: holey(3, { 0: 1, 2: 2 }) }]]),
      objectOf([["x", -0]], null),
    ],
  ];
  const sections = kinds.map((values, at) => {
    const records = new SectionWriter();
    for (const value of values) records.add(value, at === 1 ? undefined : 1760000000000 + at);
    return {
      header: { edge: at + 1, from: 1, epoch: 5, first: 100, count: records.count, check: 0xdeadbeef },
      records,
    };
  });
  return encodeFrame(sections);
}

function decodeAll(bytes: Uint8Array): unknown {
  const message = decodeMessage(bytes);
  return message.kind === "frame" ? message.sections.map((section) => section.decode().values) : message;
}

/** The message with its checksum made right again. */
function resealed(bytes: Uint8Array): Uint8Array {
  const message = Buffer.from(bytes);
  if (message.length >= 5) message.writeUInt32LE(crc32(message.subarray(5)), 1);
  return message;
}

function expectDecodesOrCorrupt(bytes: Uint8Array): void {
  try {
    decodeAll(bytes);
  } catch (error) {
    if (!StreamError.is(error, "CORRUPT")) throw error;
  }
}

describe("controls", () => {
  test.each(controls)("come back: %o", (control) => {
    expect(decodeMessage(encodeControl(control))).toEqual(control);
  });

  test("begin with the checksum of what follows", () => {
    const bytes = Buffer.from(encodeControl({ kind: "tick" }));
    expect(bytes[0]).toBe(0x0d);
    expect(bytes.readUInt32LE(1)).toBe(crc32(bytes.subarray(5)));
  });
});

describe("frames", () => {
  test("R1, R11: a section keeps its header", () => {
    const header: SectionHeader = {
      edge: 4,
      from: 300,
      epoch: 2 ** 53 - 1,
      first: 2 ** 53 - 2,
      count: 1,
      check: 0xffffffff,
    };
    const records = new SectionWriter();
    records.add("x", undefined);
    const message = decodeMessage(encodeFrame([{ header, records }]));
    expect(message.kind === "frame" && message.sections[0]).toMatchObject(header);
  });

  test("sections without records are left out; a frame may be empty", () => {
    const records = new SectionWriter();
    const header = { edge: 0, from: 0, epoch: 1, first: 1, count: 0, check: 0 };
    expect(decodeMessage(encodeFrame([{ header, records }]))).toEqual({ kind: "frame", sections: [] });
  });

  test("SE1: decoded records outlive the message's bytes", () => {
    const bytes = Buffer.from(sample());
    const message = decodeMessage(bytes);
    if (message.kind !== "frame") throw new Error("a frame expected");
    const decoded = message.sections.map((section) => section.decode().values);
    const before = JSON.stringify(decoded, (_, value: unknown) => (typeof value === "bigint" ? "1n" : value));
    bytes.fill(0xff);
    expect(JSON.stringify(decoded, (_, value: unknown) => (typeof value === "bigint" ? "1n" : value))).toBe(before);
  });

  test("a frame inside a larger buffer is decoded where it stands", () => {
    const frame = sample();
    const padded = Buffer.concat([Buffer.alloc(13, 0xee), frame, Buffer.alloc(9, 0xee)]);
    expect(decodeAll(padded.subarray(13, 13 + frame.length))).toEqual(decodeAll(frame));
  });

  test("a frame larger than 2 MiB is written and read", () => {
    const records = new SectionWriter();
    const text = "x".repeat(100_000);
    for (let at = 0; at < 40; at++) records.add({ text: text + at, at }, at);
    const header = { edge: 0, from: 0, epoch: 1, first: 1, count: 40, check: 0 };
    const values = (decodeAll(encodeFrame([{ header, records }])) as unknown[][])[0];
    expect(values).toHaveLength(40);
    expect(values?.[39]).toEqual({ text: `${text}39`, at: 39 });
  });

  test("sections may be decoded more than once and in any order", () => {
    const message = decodeMessage(sample());
    if (message.kind !== "frame") throw new Error("a frame expected");
    const forth = message.sections.map((section) => section.decode().values);
    const back = message.sections.toReversed().map((section) => section.decode().values);
    expect(back.toReversed()).toEqual(forth);
  });
});

describe("protos/", () => {
  const type = messageType("InboxMessage");

  test("reflection reads what we write", () => {
    const frame = type.toObject(type.decode(sample()), { longs: Number, bytes: Array, json: true })["frame"] as {
      sections: { edge: number; first: number; count: number; check: number; blocks: Block[] }[];
    };
    expect(frame.sections.map(({ edge, first, count, check }) => [edge, first, count, check])).toEqual(
      [20, 12, 12, 7].map((count, at) => [at + 1, 100, count, 0xdeadbeef]),
    );
    const [rows, numbers] = frame.sections.map(({ blocks }) => blocks[0]!);
    expect(rows!.rows.shape.names).toEqual(["id", "kind", "n", "x", "on", "tags"]);
    const none = Array.from({ length: 20 }, () => 0);
    expect(rows!.timestamps.offsets).toEqual({ base: 1760000000000, width: 1, values: none });
    const columns = rows!.rows.columns;
    expect(Buffer.from(columns[0]!.strings!.prefix!).toString()).toBe("device-");
    expect(columns[1]!.strings!.indexes).toEqual(Array.from({ length: 20 }, (_, at) => at % 2));
    expect(columns[2]!.numbers!.offsets?.values).toEqual(Array.from({ length: 20 }, (_, at) => at));
    expect(columns[3]!.numbers!.doubles).toEqual(Array.from({ length: 20 }, (_, at) => at / 3));
    expect(columns[4]!.booleans).toEqual(Array.from({ length: 20 }, () => 1));
    expect(numbers!.values.numbers!.deltas).toEqual([0, ...Array.from({ length: 10 }, () => 1), 1e9 - 10]);
  });

  test("we read what reflection writes of it", () => {
    const again = type.encode(type.decode(sample())).finish();
    expect(again.length).toBeLessThan(sample().length + 1);
    expect(decodeAll(resealed(again))).toEqual(decodeAll(sample()));
  });
});

/** What the test looks at of the message `Block`. */
interface Block {
  readonly timestamps: Numbers;
  readonly values: Column;
  readonly rows: { readonly shape: { readonly names: string[] }; readonly columns: Column[] };
}

interface Numbers {
  readonly deltas?: number[];
  readonly doubles?: number[];
  readonly offsets?: {
    readonly base: number;
    readonly width: number;
    readonly places?: number;
    readonly values: number[];
  };
}

interface Column {
  readonly numbers?: Numbers;
  readonly strings?: { readonly indexes?: number[]; readonly prefix?: number[] };
  readonly booleans?: number[];
}

describe("damage", () => {
  test("FR1: every prefix is CORRUPT", () => {
    for (const bytes of [sample(), ...controls.map((control) => encodeControl(control))]) {
      for (let length = 0; length < bytes.length; length++) {
        expect(() => decodeMessage(bytes.subarray(0, length))).toThrow(expect.objectContaining({ code: "CORRUPT" }));
      }
    }
  });

  test("FR1: every single changed bit is CORRUPT", () => {
    const bytes = Buffer.from(encodeControl(controls[0]!));
    for (let at = 0; at < bytes.length * 8; at++) {
      const damaged = Buffer.from(bytes);
      damaged[at >> 3]! ^= 1 << (at & 7);
      expect(() => decodeMessage(damaged)).toThrow(expect.objectContaining({ code: "CORRUPT" }));
    }
  });

  test("FR1: the error says which checksum was expected and which found", () => {
    const bytes = sample();
    bytes[bytes.length - 1]! ^= 1;
    expect(() => decodeMessage(bytes)).toThrow(/a message of \d+ bytes with checksum \d+ expected, checksum \d+ found/);
  });

  test("FR2: every prefix with a right checksum is a message or CORRUPT", () => {
    const bytes = sample();
    for (let length = 0; length < bytes.length; length++) expectDecodesOrCorrupt(resealed(bytes.subarray(0, length)));
    for (const control of controls) {
      const whole = encodeControl(control);
      for (let length = 5; length < whole.length; length++) expectDecodesOrCorrupt(resealed(whole.subarray(0, length)));
    }
  });

  test("FR2: changed bytes with a right checksum are a message or CORRUPT, and change no prototype", () => {
    const bytes = sample();
    const anyChange = fc.tuple(fc.nat(bytes.length - 6), fc.oneof(fc.nat(255), fc.constantFrom(0, 0x7f, 0x80, 0xff)));
    fc.assert(
      fc.property(fc.array(anyChange, { minLength: 1, maxLength: 6 }), (changes) => {
        const damaged = Buffer.from(bytes);
        for (const [at, value] of changes) damaged[5 + at] = value;
        expectDecodesOrCorrupt(resealed(damaged));
        expect(Object.keys(Object.prototype)).toEqual([]);
      }),
      { numRuns: 5000 },
    );
  });

  test("FR2: removed, repeated and moved bytes with a right checksum are a message or CORRUPT", () => {
    const bytes = sample();
    fc.assert(
      fc.property(fc.nat(bytes.length), fc.nat(bytes.length), fc.nat(bytes.length), (from, to, into) => {
        const part = bytes.subarray(Math.min(from, to), Math.max(from, to));
        const at = Math.max(5, into);
        expectDecodesOrCorrupt(resealed(Buffer.concat([bytes.subarray(0, at), part, bytes.subarray(at)])));
        expectDecodesOrCorrupt(
          resealed(
            Buffer.concat([bytes.subarray(0, Math.max(5, Math.min(from, to))), bytes.subarray(Math.max(from, to))]),
          ),
        );
      }),
      { numRuns: 1000 },
    );
  });

  test("FR2: any bytes with a right checksum are a message or CORRUPT", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
        expectDecodesOrCorrupt(resealed(Buffer.concat([Buffer.of(0x0d, 0, 0, 0, 0), bytes])));
      }),
      { numRuns: 2000 },
    );
  });

  test("FR2: a count that the bytes cannot hold is refused before anything is allocated", () => {
    const section = (body: Buffer): Buffer => {
      const inner = Buffer.concat([Buffer.of(0x0a, body.length), body]);
      return Buffer.concat([Buffer.of(0x0d, 0, 0, 0, 0, 0x12, inner.length), inner]);
    };
    const many = [0xff, 0xff, 0xff, 0xff, 0x0f];
    const counts = section(Buffer.of(0x28, ...many));
    expect(() => decodeAll(resealed(counts))).toThrow(/records expected in a section of/);
    const block = section(Buffer.of(0x28, 5, 0x3a, 6, 0x08, ...many));
    expect(() => decodeAll(resealed(block))).toThrow(/records expected/);
  });

  test("a section with fewer records than it says is CORRUPT", () => {
    const records = new SectionWriter();
    for (let at = 0; at < 20; at++) records.add(at, undefined);
    const frame = encodeFrame([{ header: { edge: 0, from: 0, epoch: 1, first: 1, count: 20, check: 0 }, records }]);
    const at = frame.indexOf(0x28);
    expect(frame[at + 1]).toBe(20);
    frame[at + 1] = 21;
    expect(() => decodeAll(resealed(frame))).toThrow("a section of 21 records expected, 20 found");
  });

  test("FR3: fields of unknown numbers are passed over", () => {
    const extra = Buffer.of(0x78, 0x96, 0x01, 0x7a, 0x03, 1, 2, 3, 0x7d, 1, 2, 3, 4, 0x79, 1, 2, 3, 4, 5, 6, 7, 8);
    for (const control of controls) {
      const bytes = encodeControl(control);
      const later = resealed(Buffer.concat([bytes.subarray(0, 5), extra, bytes.subarray(5), extra]));
      expect(decodeMessage(later)).toEqual(control);
    }
    const frame = sample();
    expect(decodeAll(resealed(Buffer.concat([frame.subarray(0, 5), extra, frame.subarray(5), extra])))).toEqual(
      decodeAll(frame),
    );
    expect(() => decodeMessage(resealed(Buffer.concat([Buffer.of(0x0d, 0, 0, 0, 0), extra])))).toThrow(
      "neither a frame nor a control",
    );
  });
});
