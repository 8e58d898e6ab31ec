/**
 * Opening an inbox, and reading chunks, again while their servers may still be finding out what they hold.
 *
 * Owns the patience only; what is compared is R8's business (`protocol/read.ts`).
 *
 * Z1. In a store with several copies, what a snapshot needs and the store does not show counts as lost only when it has not been there for 10 s: whoever
 *     has just begun to lead it may show less than it holds. With one copy it counts at once.
 */
import { StreamError } from "../errors.ts";
import type { Platform } from "../platform/platform.ts";

/** How long copies may take to find out what they hold (Z1), ms. */
export const settleMsMax = 10_000;
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

/** What `get` answers, asked again while it is nothing (Z1). */
export async function getWhenSettled<T>(
  { clock }: Platform,
  replicas: number,
  get: () => Promise<T | undefined>,
): Promise<T | undefined> {
  const sinceMs = clock.monotonicMs();
  for (;;) {
    const found = await get();
    const isEarly = replicas > 1 && clock.monotonicMs() - sinceMs < settleMsMax;
    if (found !== undefined || !isEarly) return found;
    await new Promise<void>((resolve) => clock.schedule(againMs, resolve));
  }
}
