/**
 * Something done again and again, in the background.
 */
import type { Cancel, Clock } from "../platform/platform.ts";

/** Calls `action` every `everyMs`, counted from the end of the last call; answers how to stop. */
export function repeat(clock: Clock, everyMs: number, action: () => void): Cancel {
  let cancel: Cancel;
  const next = () => {
    action();
    cancel = clock.schedule(everyMs, next, { background: true });
  };
  cancel = clock.schedule(everyMs, next, { background: true });
  return () => cancel();
}
