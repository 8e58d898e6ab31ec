/**
 * The codec for JSON: for streams that others write or read.
 *
 * J1. What JSON does not carry is refused, never changed: undefined, NaN, infinities, bigints, dates, bytes, class instances, holes, cycles. A
 *     program that wants a date as text makes it text.
 * J2. Decoding takes any JSON; numbers beyond 2^53 are read as the nearest double, as JSON.parse does.
 */
import { Buffer } from "node:buffer";
import { StreamError, messageOf } from "../errors.ts";
import type { ValueCodec } from "./codec.ts";
import { corrupt } from "./corrupt.ts";
import { depthMax, pathTo } from "./refusal.ts";

/** `JSON.rawJSON`, which the language's declarations do not have yet. */
const withRaw = JSON as typeof JSON & { rawJSON(text: string): unknown };

/** A codec for values that are JSON; `T` is what the caller knows them to be. */
export function json<T>(): ValueCodec<T> {
  return {
    name: "json",
    encode(value: T): Uint8Array {
      const hasNegativeZero = checkPart(value, "$", 0);
      return Buffer.from(hasNegativeZero ? JSON.stringify(value, keepNegativeZero) : JSON.stringify(value));
    },
    decode(bytes: Uint8Array): T {
      const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("utf8");
      try {
        return JSON.parse(text) as T;
      } catch (error) {
        throw corrupt(`JSON expected, found ${JSON.stringify(text.slice(0, 40))}: ${messageOf(error)}`);
      }
    },
  };
}

/** JSON has -0, but `JSON.stringify` does not write it. */
function keepNegativeZero(_: string, value: unknown): unknown {
  return Object.is(value, -0) ? withRaw.rawJSON("-0") : value;
}

/** Throws unless the part is JSON (J1); answers whether it is or contains -0. */
function checkPart(value: unknown, path: string, depth: number): boolean {
  switch (typeof value) {
    case "string":
    case "boolean":
      return false;
    case "number":
      if (!Number.isFinite(value)) throw refused(path, String(value));
      return Object.is(value, -0);
    case "object":
      return value !== null && checkObject(value, path, depth);
    default:
      throw refused(path, value === undefined ? "undefined" : `a ${typeof value}`);
  }
}

function checkObject(value: object, path: string, depth: number): boolean {
  if (depth >= depthMax) throw refused(path.slice(0, 80), `nested deeper than ${depthMax} levels, or contains itself`);
  const prototype: unknown = Object.getPrototypeOf(value);
  const isArray = prototype === Array.prototype && Array.isArray(value);
  if (!isArray && prototype !== Object.prototype) throw refused(path, `a ${value.constructor?.name ?? "bare object"}`);
  const names = Object.keys(value);
  if (isArray && names.length !== value.length) throw refused(path, "an array with holes or properties of its own");
  let hasNegativeZero = false;
  for (const name of names) {
    const part = (value as Record<string, unknown>)[name];
    if (typeof part === "string" || typeof part === "boolean" || part === null) continue;
    if (typeof part === "number" && Number.isFinite(part)) hasNegativeZero ||= Object.is(part, -0);
    else if (checkPart(part, pathTo(path, name, isArray), depth + 1)) hasNegativeZero = true;
  }
  return hasNegativeZero;
}

function refused(path: string, found: string): StreamError {
  return new StreamError("VALUE_NOT_ENCODABLE", `${path} is ${found}, which JSON does not carry`);
}
