/**
 * Arbitrary values of the default codec's domain, and what it means that they came back.
 */
import { Buffer } from "node:buffer";
import * as fc from "fast-check";

/** Any string: ASCII, Unicode, with NULs, with lone surrogates. */
export const anyString: fc.Arbitrary<string> = fc.oneof(
  fc.string(),
  fc.string({ unit: "binary" }),
  fc.array(fc.integer({ min: 0, max: 0xffff })).map((units) => String.fromCharCode(...units)),
  fc.string({ minLength: 20, maxLength: 300 }),
);

/** Any number, with the odd ones often. */
export const anyNumber: fc.Arbitrary<number> = fc.oneof(
  fc.double(),
  fc.integer(),
  fc.maxSafeInteger(),
  fc.constantFrom(
    0,
    -0,
    Number.NaN,
    Infinity,
    -Infinity,
    2 ** 31,
    -(2 ** 31),
    2 ** 32,
    2 ** 51,
    -(2 ** 51),
    2 ** 53,
    127,
    128,
    -32,
    -33,
    1e21,
  ),
);

const anyName = fc.oneof(
  fc.constantFrom("a", "b", "value", "__proto__", "constructor", "toString", "0", "10", "", "two words", 'q"uote', "é"),
  anyString,
);

const anyBytes = fc.oneof(
  fc.uint8Array({ maxLength: 300 }),
  fc.uint8Array().map((bytes) => Buffer.from(bytes)),
);

/** What has no parts. */
export const anyPrimitive: fc.Arbitrary<unknown> = fc.oneof(
  anyNumber,
  anyString,
  fc.boolean(),
  fc.constantFrom(null, undefined),
  fc.bigInt(),
  fc.bigInt({ min: -(2n ** 65n), max: 2n ** 65n }),
  fc.date({ noInvalidDate: false }),
  anyBytes,
);

/** An object from entries in which every name is a property of its own. */
export function objectOf(
  entries: readonly (readonly [string, unknown])[],
  prototype: object | null = Object.prototype,
): object {
  const made: object = Object.create(prototype);
  for (const [name, value] of entries) {
    Object.defineProperty(made, name, { value, writable: true, enumerable: true, configurable: true });
  }
  return made;
}

/** Any value the default codec takes. */
export const anyValue: fc.Arbitrary<unknown> = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    anyPrimitive,
    fc.array(tie("value"), { maxLength: 20 }),
    fc
      .array(fc.tuple(fc.nat(8), tie("value")), { maxLength: 6 })
      .map((elements) => holey(9, Object.fromEntries<unknown>(elements))),
    fc.array(fc.tuple(anyName, tie("value")), { maxLength: 20 }).map((entries) => objectOf(entries)),
    fc.array(fc.tuple(anyName, tie("value")), { maxLength: 4 }).map((entries) => objectOf(entries, null)),
  ),
})).value;

/** An array of `length` with these elements, and holes elsewhere. */
export function holey(length: number, elements: { readonly [index: number]: unknown }): unknown[] {
  const made: unknown[] = [];
  made.length = length;
  return Object.assign(made, elements);
}

/** A rendering in which two values are equal exactly when user code cannot tell them apart. */
export function fingerprint(value: unknown): string {
  if (typeof value === "number") return Object.is(value, -0) ? "number:-0" : `number:${value}`;
  if (typeof value === "string")
    return `string:${[...Array(value.length).keys()].map((at) => value.charCodeAt(at)).join(",")}`;
  if (typeof value !== "object" || value === null) return `${typeof value}:${String(value)}`;
  if (value instanceof Date) return `date:${value.getTime()}`;
  if (value instanceof Uint8Array) return `bytes:${value.join(",")}`;
  const names = Object.keys(value);
  const parts = names.map((name) => `${fingerprint(name)}=${fingerprint((value as Record<string, unknown>)[name])}`);
  const prototype: unknown = Object.getPrototypeOf(value);
  const kind = Array.isArray(value)
    ? `array(${value.length})`
    : prototype === null
      ? "bare"
      : prototype === Object.prototype
        ? "object"
        : "other";
  return `${kind}{${parts.join(";")}}`;
}
