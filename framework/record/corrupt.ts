/**
 * The one error of every decoder in this folder.
 */
import { StreamError } from "../errors.ts";

/** Bytes that nobody wrote: `detail` says what was expected and what was found. */
export function corrupt(detail: string): StreamError {
  return new StreamError("CORRUPT", detail);
}
