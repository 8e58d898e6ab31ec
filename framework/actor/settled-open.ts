/**
 * Opening an inbox again while the log's servers may still be finding out what it holds.
 *
 * Owns the patience only; what is compared is R8's business (`protocol/read.ts`).
 *
 * Z1. In a log with several copies, what a snapshot needs and the log does not show counts as lost only when it has not been there for 10 s: whoever has
 *     just begun to lead the log may show less than it holds. With one copy it counts at once.
 */
import { StreamError } from "../errors.ts";
import type { Platform } from "../platform/platform.ts";

const settleMsMax = 10_000;
const againMs = 100;

/** Calls `open`, again while it finds less than is needed (Z1). @throws what `open` throws */
export async function openWhenSettled(platform: Platform, replicas: number, open: () => Promise<void>): Promise<void> {
  const { clock, logger } = platform;
  const sinceMs = clock.monotonicMs();
  for (;;) {
    try {
      return await open();
    } catch (error) {
      const isEarly = replicas > 1 && clock.monotonicMs() - sinceMs < settleMsMax;
      if (!isEarly || !StreamError.is(error, "DATA_LOST")) throw error;
      logger.log("debug", "the log does not show everything yet", { reason: error.message });
    }
    await new Promise<void>((resolve) => clock.schedule(againMs, resolve));
  }
}
