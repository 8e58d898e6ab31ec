/**
 * Which share of its time the event loop of this thread is busy: what Node measures of itself.
 */
import { performance } from "node:perf_hooks";

/** Answers the share, 0 to 1, from one call to the next. */
export function loopShareMeter(): () => number {
  let last = performance.eventLoopUtilization();
  return () => {
    const now = performance.eventLoopUtilization();
    const { utilization } = performance.eventLoopUtilization(now, last);
    last = now;
    return utilization;
  };
}
