/**
 * Whether a log still has the last message that it has acknowledged to somebody: asked when the link to it is back, for a server that has lost power may
 * have lost its last messages.
 *
 * Owns that one question. Who goes on sending finds out by the sequences of the answers (`protocol/lane.ts`); this is for who has nothing more to say.
 *
 * R8. What is not there any more must have been trimmed, by a receiver whose snapshot has it. Anything else is lost.
 * T1. A log with several copies counts as shorter only when it has been so for 10 s: who has just begun to lead them may show less than it holds. With one
 *     copy it counts at once: whoever knows of it may be gone soon.
 */
import { StreamError } from "../errors.ts";
import type { Log, Sequence } from "../log/contracts.ts";
import type { Platform } from "../platform/platform.ts";
import { patiently } from "./patience.ts";
import { settleMsMax } from "./settled-open.ts";

/** A message that a log has acknowledged. */
export interface Acknowledged {
  readonly sequence: Sequence;
  readonly payload: Uint8Array;
}

const againMs = 500;

/**
 * Resolves with whether `last` is gone without having been trimmed; with false as soon as it is there, trimmed, or nobody wants to know any more.
 *
 * @throws what the log throws when it cannot be asked, now or later
 */
export async function isTailLost(
  platform: Platform,
  log: Log,
  replicas: number,
  last: Acknowledged,
  isOver: () => boolean,
): Promise<boolean> {
  const { clock } = platform;
  const sinceMs = clock.monotonicMs();
  for (;;) {
    const isThere = await patiently(platform, log.name, () => has(log, last), isOver);
    if (isThere || isOver()) return false;
    if (replicas === 1 || clock.monotonicMs() - sinceMs >= settleMsMax) return true;
    await new Promise<void>((resolve) => clock.schedule(againMs, resolve));
  }
}

/** Whether the message is in the log, or has been trimmed from it. A log that is gone altogether is nobody's to judge here. */
async function has(log: Log, { sequence, payload }: Acknowledged): Promise<boolean> {
  try {
    const found = await log.get(sequence);
    if (found !== undefined) return isEqual(found.payload, payload);
    const { first, createdMs } = await log.info();
    return first > sequence && createdMs === log.createdMs;
  } catch (error) {
    if (StreamError.is(error, "NOT_FOUND")) return true;
    throw error;
  }
}

function isEqual(one: Uint8Array, other: Uint8Array): boolean {
  return one.byteLength === other.byteLength && one.every((byte, at) => byte === other[at]);
}
