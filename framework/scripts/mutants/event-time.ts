/**
 * Mutants of what begins and ends with event time: the age of state, and the alignment of splits.
 */
import type { Mutant } from "./mutant.ts";

/** What each of them gets wrong is its name. */
export const eventTimeMutants: readonly Mutant[] = [
  {
    name: "state lives a millisecond too long",
    file: "state/aging.ts",
    from: "return usedMs + this.#ttl.afterMs <= nowMs;",
    to: "return usedMs + this.#ttl.afterMs < nowMs;",
    tests: ["state/aging.test.ts"],
  },
  {
    name: "state ages by the watermark while timers fire",
    file: "operator/stage-clock.ts",
    from: "return this.isAdvancing && this.stepMs > this.applied ? this.stepMs : this.applied;",
    to: "return this.watermark;",
    tests: ["state/aging.test.ts"],
  },
  {
    name: "a life is shortened by a record out of order",
    file: "state/aged-cell.ts",
    from: "before === undefined ? usedMs : Math.max(usedMs, before.usedMs)",
    to: "before === undefined ? usedMs : usedMs",
    tests: ["state/aging.test.ts"],
  },
  {
    name: "a split that pauses counts as quiet",
    file: "actor/split-feed.ts",
    from: 'return this.#pause("waiting", count);',
    to: 'return this.#pause("empty", count);',
    tests: ["actor/split-feed.test.ts", "actor/event-time.test.ts"],
  },
  {
    name: "a limit that was lost is not said again",
    file: "protocol/alignment.ts",
    from: "if (isReporter && nowMs - told.atMs >= againMs) return true;",
    to: "",
    tests: ["protocol/alignment.test.ts"],
  },
];
