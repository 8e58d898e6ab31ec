/**
 * Mutants of savepoints (R17).
 */
import type { Mutant } from "./mutant.ts";

/** What the tests of savepoints must notice. */
export const savepointMutants: readonly Mutant[] = [
  {
    name: "who is frozen does not notice that it has caught up",
    file: "actor/instance-machine.ts",
    from: "frozen: { on: { CAUGHT_UP: { actions: assign({ hasCaughtUp: true }) },",
    to: "frozen: { on: {",
    tests: ["actor/instance-machine.test.ts"],
  },
  {
    name: "drain before acks",
    file: "actor/freezer.ts",
    from: "if (isAcknowledged && this.#frozen.said === undefined)",
    to: "if (this.#frozen.said === undefined)",
    tests: ["actor/freezer.test.ts"],
  },
  {
    name: "a frozen instance takes turns",
    file: "actor/freezer.ts",
    from: "return incarnation !== undefined && this.#comesTo(incarnation) > 0;",
    to: "return incarnation !== undefined && this.#owner.isSource && this.#comesTo(incarnation) > 0;",
    tests: ["actor/freezer.test.ts"],
  },
  {
    name: "sources read on",
    file: "actor/freezer.ts",
    from: "return incarnation !== undefined && this.#comesTo(incarnation) > 0;",
    to: "return incarnation !== undefined && !this.#owner.isSource && this.#comesTo(incarnation) > 0;",
    tests: ["actor/freezer.test.ts"],
  },
  {
    name: "frozen for good",
    file: "protocol/savepoint.ts",
    from: "(drained > view.position || view.savepoints.open?.id === drained)",
    to: "(drained > view.position || view.savepoints.of(drained) !== undefined)",
    tests: ["protocol/savepoint.test.ts"],
  },
  {
    name: "one frozen instance is enough for its stage",
    file: "protocol/savepoint.ts",
    from: "return instances.every((instance) => reportOf(instance)?.freeze?.savepoint === id);",
    to: "return instances.some((instance) => reportOf(instance)?.freeze?.savepoint === id);",
    tests: ["protocol/savepoint.test.ts"],
  },
  {
    name: "one drained edge is enough",
    file: "protocol/watermark.ts",
    from: "all.reduce((least, { drained }) => Math.min(least, drained), all[0]?.drained ?? 0)",
    to: "all.reduce((most, { drained }) => Math.max(most, drained), 0)",
    tests: ["protocol/savepoint.test.ts"],
  },
  {
    name: "a drain outlives the epochs that it was said of",
    file: "protocol/watermark.ts",
    from: "clock.drained = 0;",
    to: "",
    tests: ["protocol/savepoint.test.ts"],
  },
  {
    name: "pending requests are not waited for",
    file: "actor/inbox-feed.ts",
    from: "return this.#firing === undefined && !this.#isWaiting ? this.#clocks.drained : 0;",
    to: "return this.#firing === undefined ? this.#clocks.drained : 0;",
    tests: ["actor/savepoint.test.ts"],
  },
  {
    name: "complete before all copies are confirmed",
    file: "protocol/savepoint.ts",
    from: "const missing = all.filter(({ freeze }) => (freeze?.manifest.length ?? 0) === 0);",
    to: "const missing = all.filter(({ freeze }) => freeze === undefined);",
    tests: ["protocol/savepoint.test.ts"],
  },
  {
    name: "copies that make no cut are complete",
    file: "protocol/savepoint.ts",
    from: "return said === read ? [] :",
    to: "return said <= read ? [] :",
    tests: ["protocol/savepoint.test.ts"],
  },
  {
    name: "never cancelled",
    file: "protocol/savepoint.ts",
    from: "const isLate = nowMs >= savepoint.sinceMs + savepoint.timeoutMs;",
    to: "const isLate = false;",
    tests: ["protocol/savepoint.test.ts"],
  },
  {
    name: "an older leader concludes a savepoint",
    file: "protocol/savepoint.ts",
    from: 'return found.leader === owner.leader ? "write" : "deposed";',
    to: 'return "write";',
    tests: ["protocol/savepoint.test.ts"],
  },
  {
    name: "a second request takes the place of the first",
    file: "protocol/savepoint-life.ts",
    from: "const reason = other === undefined ? hindrance :",
    to: 'const reason = other !== undefined || hindrance === "" ? hindrance :',
    tests: ["protocol/savepoint-life.test.ts"],
  },
  {
    name: "a copy that is refused is tried for ever",
    file: "actor/savepoint-copy.ts",
    from: 'if (!StreamError.is(error, "LOG_FULL")) throw error;',
    to: "if (error !== undefined) throw error;",
    tests: ["actor/savepoint.test.ts"],
  },
  {
    name: "a sweep takes what the index names",
    file: "actor/savepoint-sweep.ts",
    from: "names.filter((each) => !named.has(each))",
    to: "names.filter((each) => named.has(each))",
    tests: ["actor/savepoint.test.ts"],
  },
];
