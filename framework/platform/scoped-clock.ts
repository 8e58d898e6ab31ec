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

/** A wake-up that has been asked for, and where it stands among them; nowhere (-1) once it has come or was called off. */
interface Pending {
  at: number;
  cancel: Cancel;
}

/** A clock like `clock`, until it is closed. */
export function scopedClock(clock: Clock): ScopedClock {
  // A list: a set that entries come to and go from all the time makes tables of which each keeps its successors alive once it is old.
  const pending: Pending[] = [];
  let isClosed = false;
  const leave = (one: Pending): boolean => {
    const last = pending.at(-1);
    if (one.at < 0 || last === undefined) return false;
    pending[one.at] = last;
    last.at = one.at;
    pending.pop();
    one.at = -1;
    return true;
  };
  const schedule: Clock["schedule"] = (delayMs, wake, options) => {
    if (isClosed) return () => undefined;
    const one: Pending = { at: pending.length, cancel: noCancel };
    pending.push(one);
    one.cancel = clock.schedule(
      delayMs,
      () => {
        leave(one);
        wake();
      },
      options,
    );
    return () => {
      if (leave(one)) one.cancel();
    };
  };
  return {
    clock: { now: clock.now.bind(clock), monotonicMs: clock.monotonicMs.bind(clock), schedule },
    close: () => {
      isClosed = true;
      for (const one of pending) {
        one.at = -1;
        one.cancel();
      }
      pending.length = 0;
    },
  };
}

function noCancel(): void {}
