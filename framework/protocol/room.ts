/**
 * Who may fill which part of an inbox (R13).
 *
 * Owns the arithmetic of senders; the sizes themselves are in `plan/reserve.ts`, and looking at the log's size and waiting is done by lanes and
 * control senders.
 *
 * R13. The log knows one limit, so senders keep classes apart: data stays below the data limit, watermarks have 1 MiB above it, fences 1 MiB above
 *      that. A full inbox is back-pressure for data, never a reason to hold back a fence.
 */

import { crowdedShare } from "./snapshot.ts";

/** A lane looks at the log's size again after so many frames … */
export const lookAgainAfterFrames: number = 64;

/** … or so many ms, whichever comes first. */
export const lookAgainAfterMs: number = 1_000;

/**
 * How much of an inbox's data limit what goes round may fill in an inbox of its feedback stage before the sources before the loop wait. That inbox has several times
 * the limit: what they have said before, and is on its way into the loop, finds room behind it.
 */
export const loopFullShare: number = 1;

/** Until the sources go on; whatever has been read beyond it is removed by a snapshot, also when nothing new comes. */
export const loopRoomyShare: number = crowdedShare;

const unreadControlsMax = 64;

/**
 * Bytes that one of `lanes` lanes may send until it looks again, when the log holds `size`: half of its share, because what other lanes have sent
 * since their last look is not in `size` yet.
 */
export function sendAllowance(dataLimit: number, size: number, lanes: number): number {
  return Math.max(0, Math.floor((dataLimit - size) / (2 * Math.max(1, lanes))));
}

/** How long a frame that is larger than its lane's share waits, until it may go all the same, ms. */
const patienceMs = 200;

/**
 * What a lane may send whose next frame of `frame` bytes has been larger than its share for `waitedMs`: the frame, if the log has room for it.
 *
 * A share may stay smaller than a frame for ever: with many lanes, or when the reader has nothing to read and so nothing to trim. Several lanes that do so at once
 * exceed the data limit by a frame each, into the reserves.
 */
export function patientAllowance(dataLimit: number, size: number, frame: number, waitedMs: number): number {
  return waitedMs >= patienceMs && size + frame <= dataLimit ? frame : 0;
}

/** Whether one more watermark may be put into an inbox that holds `unread` of this sender's behind the position its reader has reported. */
export function mayAppendControl(unread: number): boolean {
  return unread < unreadControlsMax;
}
