/**
 * What a timestamp may be.
 *
 * T1. A timestamp is a whole number of milliseconds since the epoch, a safe integer; negative ones are before 1970.
 */
import { StreamError } from "../errors.ts";

/**
 * The value as a timestamp. `what` says whose: it begins the error's message.
 *
 * @throws TIMESTAMP_INVALID for anything but a safe integer (NaN, fractions, infinities, strings, Dates), quoting it
 */
export function checkTimestamp(value: unknown, what: string): number {
  if (typeof value === "number" && Number.isSafeInteger(value)) return value + 0;
  throw new StreamError("TIMESTAMP_INVALID", `${what} is ${describe(value)}: ${hintFor(value)}`);
}

function hintFor(value: unknown): string {
  if (value === undefined)
    return "event time needs a timestamp; say .timestamps(…) at the source, or use processing time";
  return "a timestamp is a whole number of milliseconds since the epoch";
}

function describe(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value.length > 40 ? `${value.slice(0, 39)}…` : value);
  if (value instanceof Date) return `a Date (use its getTime())`;
  return typeof value === "object" && value !== null ? "an object" : String(value);
}
