/** The injected clock as xstate wants it, so that delayed transitions follow virtual time too. */
import type { Cancel, Clock } from "../platform/platform.ts";

/** What `createActor` takes as its clock. */
export interface MachineClock {
  setTimeout(wake: (...args: unknown[]) => void, delayMs: number): number;
  clearTimeout(id: number): void;
}

/** Adapts a clock for xstate. */
export function machineClock(clock: Clock): MachineClock {
  const cancels = new Map<number, Cancel>();
  let count = 0;
  return {
    setTimeout(wake, delayMs) {
      count += 1;
      const id = count;
      const fire = () => {
        cancels.delete(id);
        wake();
      };
      cancels.set(id, clock.schedule(delayMs, fire));
      return id;
    },
    clearTimeout(id) {
      cancels.get(id)?.();
      cancels.delete(id);
    },
  };
}
