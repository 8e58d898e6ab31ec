/**
 * A row that a sink has refused for good, as the message that its instance sends to itself.
 */
import type { RefusedRow } from "../log/sink.ts";
import { defaultCodec } from "../record/default-codec.ts";
import { encodeControl } from "../record/frame.ts";

/** The bytes of the control; a value that the default codec does not take goes as people read it. */
export function encodeRefusal(sink: string, { row, reason }: RefusedRow): Uint8Array {
  const timestamp = row.timestamp ?? Number.NaN;
  return encodeControl({ kind: "refusal", sink, number: row.number, reason, value: encodedOr(row.value), timestamp });
}

function encodedOr(value: unknown): Uint8Array {
  try {
    return defaultCodec.encode(value);
  } catch {
    return defaultCodec.encode(String(value));
  }
}
