/**
 * Why a value cannot be encoded, and where in it: the slow, exact answer after a fast encoder has given up.
 *
 * Owns the list of what the default codec takes (its mirror is `message-pack-writer.ts`) and the wording of the refusal.
 *
 * F1. Encoders throw `Refusal` without looking where they are; only a refused value is walked again, so encoding pays nothing for paths.
 */
import { Buffer } from "node:buffer";
import { StreamError, messageOf } from "../errors.ts";

/** How deep values may be nested: far beyond records, far below the stack. */
export const depthMax = 256;

/** Thrown inside encoders; {@link asNotEncodable} turns it into the error that users see. */
export class Refusal extends Error {
  override readonly name = "Refusal";
}

/** The error for a value that an encoder has refused: with the path and the reason (F1). Errors of other kinds keep their message as the reason. */
export function asNotEncodable(error: unknown, value: unknown): StreamError {
  if (StreamError.is(error)) return error;
  const reason = findRefused(value, "$", [], new Set()) ?? `$ ${messageOf(error)}`;
  return new StreamError("VALUE_NOT_ENCODABLE", reason, error instanceof Refusal ? undefined : { cause: error });
}

/** The path and kind of the first part that cannot be encoded, or undefined; `fine` are the parts known to be none. */
function findRefused(value: unknown, path: string, parents: readonly object[], fine: Set<object>): string | undefined {
  if (typeof value === "function") return `${path} is a function; ${advice}`;
  if (typeof value === "symbol") return `${path} is a symbol; ${advice}`;
  if (typeof value !== "object" || value === null) return undefined;
  if (parents.includes(value)) return `${path} contains itself; ${advice}`;
  if (parents.length >= depthMax) return `${path.slice(0, 80)}… is nested deeper than ${depthMax} levels`;
  if (fine.has(value) || isDate(value) || isBytes(value)) return undefined;
  const isArray = Array.isArray(value) && Object.getPrototypeOf(value) === Array.prototype;
  if (!isArray && !isPlain(value)) return `${path} is ${describe(value)}; ${advice}`;
  const within = [...parents, value];
  for (const [name, part] of Object.entries(value)) {
    if (isArray && !isIndex(name)) return `${path} is an array with a property of its own, ${JSON.stringify(name)}`;
    const found = findRefused(part, pathTo(path, name, isArray), within, fine);
    if (found !== undefined) return found;
  }
  fine.add(value);
  return undefined;
}

/** Whether the value is a Date and nothing more. */
export function isDate(value: object): value is Date {
  return Object.getPrototypeOf(value) === Date.prototype && value instanceof Date;
}

/** Whether the value is bytes: a Uint8Array, or Node's Buffer. */
export function isBytes(value: object): value is Uint8Array {
  if (!ArrayBuffer.isView(value)) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Uint8Array.prototype || prototype === Buffer.prototype;
}

/** Whether the value is a plain object: made by a literal, by parsing, or without a prototype. */
export function isPlain(value: object): value is Record<string, unknown> {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

const advice =
  "a value may hold null, undefined, booleans, numbers, bigints, strings, Uint8Array, Date, arrays and plain objects";

function describe(value: object): string {
  const name: unknown = value.constructor?.name;
  return typeof name === "string" && name !== "" ? `a ${name}` : "an object with a prototype of its own";
}

/** The path of a part: `$.a`, `$.a[3]`, `$["two words"]`. */
export function pathTo(path: string, name: string, isArray: boolean): string {
  if (isArray) return `${path}[${name}]`;
  return /^[A-Za-z_$][\w$]*$/.test(name) ? `${path}.${name}` : `${path}[${JSON.stringify(name)}]`;
}

function isIndex(name: string): boolean {
  return String(Number(name) >>> 0) === name && name !== "4294967295";
}
