/**
 * Seams that wait: a log or store that cannot be reached for a while is no failure of an instance, and uses up no restart.
 *
 * Owns the repetition of calls that may be repeated: reads, trims, and write-once chunks. Compare-and-set is not among them: its outcome must be found out
 * first (`pointer-register.ts`).
 *
 * Y1. A retryable error is waited out, with back-off; any other one passes through.
 * Y2. Whoever waits for long says so, once, and when it is over.
 * Y3. Nobody waits for one who is gone: what an ended incarnation has under way is not tried again, or it would leave what its successor has swept.
 */
import { StreamError, messageOf } from "../errors.ts";
import type { Blobs, Log } from "../log/contracts.ts";
import type { Platform } from "../platform/platform.ts";
import { getWhenSettled } from "./settled-open.ts";

const retryMsMin = 50;
const retryMsMax = 1_000;
/** A wait longer than this is spoken of (Y2), ms. */
const longMs = 5_000;

/** Repeats `call` until it is answered (Y1), or `isOver` (Y3). @throws FENCED when it is over */
export async function patiently<T>(
  platform: Platform,
  what: string,
  call: () => Promise<T>,
  isOver: () => boolean = () => false,
): Promise<T> {
  const { clock, logger } = platform;
  const sinceMs = clock.monotonicMs();
  let hasComplained = false;
  for (let retryMs = retryMsMin; ; retryMs = Math.min(retryMsMax, retryMs * 2)) {
    if (isOver()) throw new StreamError("FENCED", `${what}: who asked for it has ended`);
    try {
      const answer = await call();
      if (hasComplained) logger.log("info", "answered at last", { what, waitedMs: clock.monotonicMs() - sinceMs });
      return answer;
    } catch (error) {
      if (!StreamError.is(error) || !error.isRetryable) throw error;
      const isLong: boolean = !hasComplained && clock.monotonicMs() - sinceMs >= longMs;
      if (isLong) logger.log("warn", "no answer yet; trying for ever", { what, reason: messageOf(error) });
      hasComplained ||= isLong;
    }
    await new Promise<void>((resolve) => clock.schedule(retryMs, resolve));
  }
}

/** A log whose rare calls wait; appending and reading have their own ways. */
export function patientLog(platform: Platform, log: Log): Log {
  return {
    name: log.name,
    createdMs: log.createdMs,
    appender: (onAppended, onLink) => log.appender(onAppended, onLink),
    append: (payload) => log.append(payload),
    read: (options) => log.read(options),
    get: (sequence) => patiently(platform, log.name, () => log.get(sequence)),
    trim: (sequence) => {
      platform.logger.log("debug", "trimming", { log: log.name, to: sequence });
      return patiently(platform, log.name, () => log.trim(sequence));
    },
    resize: (maxBytes) => patiently(platform, log.name, () => log.resize(maxBytes)),
    info: () => patiently(platform, log.name, () => log.info()),
  };
}

/** Blobs whose calls wait, also for a chunk of a store with several copies that is not shown yet. */
export function patientBlobs(platform: Platform, blobs: Blobs, replicas: number, isOver?: () => boolean): Blobs {
  return {
    put: (name, bytes) => patiently(platform, name, () => blobs.put(name, bytes), isOver),
    get: (name) => getWhenSettled(platform, replicas, () => patiently(platform, name, () => blobs.get(name), isOver)),
    delete: (name) => patiently(platform, name, () => blobs.delete(name), isOver),
    list: (prefix) => patiently(platform, prefix, () => blobs.list(prefix), isOver),
  };
}
