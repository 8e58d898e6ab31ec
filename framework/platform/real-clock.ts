/**
 * The clock of production: the system's own time and timers.
 *
 * Owns nothing but the translation; the only place, with the NATS adapter, where timers of the system are touched.
 *
 * T1. A wake-up never comes early: Node measures a timeout from the start of the current loop turn, so the rest is waited for again.
 * T2. Background wake-ups do not keep the process alive.
 * T3. It answers the system's time during a turn too, when the globals answer from the message: the runtime is no user code.
 */
import type { Cancel, Clock, ScheduleOptions } from "./platform.ts";

/** The longest timeout Node accepts; a longer one would fire at once. */
const timeoutMsMax = 2 ** 31 - 1;

/** Differences below this are rounding, not earliness. */
const roundingMs = 0.5;

// T3: taken before the guard of `determinism.ts` replaces them.
const systemNow = Date.now.bind(Date);
const systemMonotonicMs = performance.now.bind(performance);

/** A clock on the system's time. Stateless: any number of them agree. */
export function realClock(): Clock {
  return { now: systemNow, monotonicMs: systemMonotonicMs, schedule };
}

function schedule(delayMs: number, wake: () => void, options?: ScheduleOptions): Cancel {
  const background = options?.background ?? false;
  return delayMs <= 0 ? afterThisTask(wake, background) : afterDelay(delayMs, wake, background);
}

function afterThisTask(wake: () => void, background: boolean): Cancel {
  const immediate = setImmediate(wake);
  if (background) immediate.unref();
  return () => clearImmediate(immediate);
}

function afterDelay(delayMs: number, wake: () => void, background: boolean): Cancel {
  const dueMs = systemMonotonicMs() + delayMs;
  let timer: NodeJS.Timeout;
  const arm = (): void => {
    const restMs = dueMs - systemMonotonicMs();
    timer = setTimeout(fire, Math.min(Math.max(0, Math.ceil(restMs)), timeoutMsMax));
    if (background) timer.unref();
  };
  const fire = (): void => (dueMs - systemMonotonicMs() > roundingMs ? arm() : wake());
  arm();
  return () => clearTimeout(timer);
}
