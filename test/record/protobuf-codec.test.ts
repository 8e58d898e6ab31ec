/**
 * The protobuf codec with a reflected message type.
 */
import { Buffer } from "node:buffer";
import * as fc from "fast-check";
import protobufjs from "protobufjs";
import { expect, test } from "vitest";
import { protobuf } from "../../framework/record/protobuf-codec.ts";

interface Reading {
  readonly device: string;
  readonly at: number;
  readonly delta: number;
  readonly temp: number;
  readonly tags: readonly string[];
  readonly raw: Uint8Array;
  readonly counts: { readonly [name: string]: number };
}

const { root } = protobufjs.parse(`syntax = "proto3";
message Reading {
  string device = 1; uint64 at = 2; sint64 delta = 3; double temp = 4; repeated string tags = 5; bytes raw = 6; map<string, uint64> counts = 7;
}`);
const codec = protobuf<Reading>(root.lookupType("Reading"));

test("its name says the message", () => {
  expect(codec.name).toBe("protobuf(Reading)");
});

test("PB2: messages come back, integers exact to 2^53", () => {
  const anyReading = fc.record({
    device: fc.string(),
    at: fc.maxSafeNat(),
    delta: fc.maxSafeInteger(),
    temp: fc.double(),
    tags: fc.array(fc.string()),
    raw: fc.uint8Array(),
    counts: fc.dictionary(
      fc.string({ minLength: 1 }).filter((name) => name !== "__proto__"),
      fc.maxSafeNat(),
      { noNullPrototype: true },
    ),
  });
  fc.assert(
    fc.property(anyReading, (reading) => {
      const decoded = codec.decode(codec.encode(reading));
      expect({ ...decoded, raw: [...decoded.raw] }).toEqual({ ...reading, raw: [...reading.raw] });
      expect(Object.getPrototypeOf(decoded)).toBe(Object.prototype);
    }),
    { numRuns: 1000 },
  );
});

test("fields without a value have protobuf's default", () => {
  expect(codec.decode(new Uint8Array())).toMatchObject({ device: "", at: 0, delta: 0, temp: 0, tags: [], counts: {} });
});

test("PB1: what does not fit is refused with the field", () => {
  const wrong = { device: 5, at: 1 } as unknown as Reading;
  expect(() => codec.encode(wrong)).toThrow(expect.objectContaining({ code: "VALUE_NOT_ENCODABLE" }));
  expect(() => codec.encode(wrong)).toThrow("$ is no Reading: device: string expected");
});

test("PB2: an integer beyond 2^53 is refused, and CORRUPT when it is read", () => {
  const large = { device: "a", at: 2 ** 53 } as unknown as Reading;
  expect(() => codec.encode(large)).toThrow("an integer beyond 2^53");
  expect(() => codec.decode(Buffer.of(0x10, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f))).toThrow(
    expect.objectContaining({ code: "CORRUPT" }),
  );
});

test("PB3: what is decoded shares no memory with the bytes", () => {
  const bytes = Buffer.from(
    codec.encode({ device: "a", at: 1, delta: 0, temp: 0, tags: [], raw: new Uint8Array([7]), counts: {} }),
  );
  const decoded = codec.decode(bytes);
  bytes.fill(0);
  expect([...decoded.raw]).toEqual([7]);
});

test("bytes that are no message are CORRUPT", () => {
  for (const bytes of [Buffer.of(0x0a, 200, 1), Buffer.of(0xff), Buffer.of(0x0a, 5, 1)]) {
    expect(() => codec.decode(bytes)).toThrow(expect.objectContaining({ code: "CORRUPT" }));
  }
});
