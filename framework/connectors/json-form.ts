/**
 * Values as JSON, for sinks that write it.
 */
import { messageOf, StreamError } from "../errors.ts";

/** The value as `JSON.stringify` makes it, on one line. @throws ROW_REFUSED when JSON has no form for it (a bigint, undefined, a cycle) */
export function jsonOf(value: unknown): string {
  let json: string | undefined;
  try {
    json = JSON.stringify(value);
  } catch (error) {
    throw new StreamError("ROW_REFUSED", `no JSON: ${messageOf(error)}`, { cause: error });
  }
  if (json === undefined) throw new StreamError("ROW_REFUSED", `no JSON: it is ${typeof value}`);
  return json;
}
