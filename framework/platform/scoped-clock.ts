/**
 * A clock that ends before the system's does: of a part that ends while the process, or the test, goes on.
 *
 * Owns the wake-ups that have been asked for through it. What waits for a server that does not answer asks again and again; when its part has ended nobody
 * would call it off, and it would keep the process alive for ever.
 *
 * T4. After `close` no wake-up comes, and none that is on its way, or asked for later, keeps the process alive.
 */
import type { Cancel, Clock } from "./platform.ts";

/** A clock, and its end. */
export interface ScopedClock {
  readonly clock: Clock;
  /** Calls off what has been asked for, and what will be. What awaits it never settles: call it when nobody does. */
  close(): void;
}

/** A clock like `clock`, until it is closed. */
export function scopedClock(clock: Clock): ScopedClock {
  const pending = new Set<Cancel>();
  let isClosed = false;
  const schedule: Clock["schedule"] = (delayMs, wake, options) => {
    if (isClosed) return () => undefined;
    const cancel = clock.schedule(
      delayMs,
      () => {
        pending.delete(cancel);
        wake();
      },
      options,
    );
    pending.add(cancel);
    return () => {
      pending.delete(cancel);
      cancel();
    };
  };
  return {
    clock: { now: clock.now.bind(clock), monotonicMs: clock.monotonicMs.bind(clock), schedule },
    close: () => {
      isClosed = true;
      for (const cancel of pending) cancel();
      pending.clear();
    },
  };
}
