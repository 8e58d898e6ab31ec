/**
 * Failures as reports and records carry them: code and message, for people and for who decides by the code.
 */
import { StreamError, messageOf } from "../errors.ts";

/** Code and message of a failure; the message alone of one that has no code. */
export function failureText(error: unknown): string {
  return StreamError.is(error) ? `${error.code}: ${error.message}` : messageOf(error);
}
