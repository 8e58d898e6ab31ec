/**
 * Whether an inbox is the one that a snapshot was taken of, and still holds what comes behind it.
 *
 * Owns what is asked of the log; what the answers mean is R8's business (`protocol/read.ts`).
 */
import type { Log, LogState } from "../log/contracts.ts";
import { decideRestore } from "../protocol/read.ts";

/** The CRC-32 that every message begins with, read without decoding it (R8's anchor). */
export function anchorOf(payload: Uint8Array): number {
  return new DataView(payload.buffer, payload.byteOffset, payload.byteLength).getUint32(1, true);
}

/** Verifies the log before it is read behind `sequence`, whose message has the checksum `anchor`. Answers how it stands. @throws DATA_LOST */
export async function verifyInbox(log: Log, sequence: number, anchor: number): Promise<LogState> {
  const there = sequence > 0 ? log.get(sequence) : undefined;
  const [info, entry] = await Promise.all([log.info(), there]);
  const found = entry === undefined ? undefined : anchorOf(entry.payload);
  decideRestore({ name: log.name, info, identity: String(log.createdMs), sequence, anchor, found });
  return info;
}
