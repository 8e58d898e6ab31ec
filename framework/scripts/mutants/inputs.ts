/**
 * Mutants of operators with several inputs: ports, records without keys, broadcast rules, joins.
 */
import type { Mutant } from "./mutant.ts";

const ports: readonly Mutant[] = [
  {
    name: "record without a key keeps the last one's state",
    file: "actor/inbox-feed.ts",
    from: "if (keys === undefined) program.selectNone();",
    to: "",
    tests: ["actor/inbox-feed.test.ts"],
  },
  {
    name: "letter without a key keeps the last one's state",
    file: "actor/inbox-feed.ts",
    from: "if (key === undefined) this.#program.selectNone(); else this.#program.select(key);",
    to: "if (key !== undefined) this.#program.select(key);",
    tests: ["actor/inbox-feed.test.ts"],
  },
  {
    name: "late records of all ports go the way of the first",
    file: "operator/wiring.ts",
    from: "(ports[port()] ?? toJob)(value, timestamp)",
    to: "(ports[0] ?? toJob)(value, timestamp)",
    tests: ["operator/wiring.test.ts", "testing/joined-streams.test.ts"],
  },
  {
    name: "ports are not in the plan that is compared",
    file: "plan/plan-text.ts",
    from: 'port === 0 ? "" : `:${port}`',
    to: '""',
    tests: ["plan/cut.test.ts"],
  },
];

const broadcast: readonly Mutant[] = [
  {
    name: "keys that a rule has emptied stay",
    file: "state/store.ts",
    from: "this.#dropEmptied(); } this.undoLog.clear();",
    to: "} this.undoLog.clear();",
    tests: ["operator/broadcast-process.test.ts"],
  },
  {
    name: "state of one key goes on to the next",
    file: "state/store.ts",
    from: "this.#lendings.settle(); this.#lendings.forget(); if (row.isEmpty)",
    to: "if (row.isEmpty)",
    tests: ["operator/broadcast-process.test.ts"],
  },
  {
    name: "a visit that failed is forgotten",
    file: "state/instance-place.ts",
    from: "this.#failure = { error };",
    to: "",
    tests: ["operator/broadcast-process.test.ts"],
  },
  {
    name: "rules are not undone",
    file: "state/instance-place.ts",
    from: "this.undoLog.push(putBack, this, this.#cell, undefined);",
    to: "",
    tests: ["operator/broadcast-process.test.ts"],
  },
];

const joins: readonly Mutant[] = [
  {
    name: "who is at the watermark is late",
    file: "operator/interval-join.ts",
    from: "if (time < this.#context.watermark())",
    to: "if (time <= this.#context.watermark())",
    tests: ["operator/interval-join.test.ts"],
  },
  {
    name: "left records wait for the lower bound only",
    file: "operator/interval-join.ts",
    from: "this.#leftStaysMs = Math.max(upperMs, 0);",
    to: "this.#leftStaysMs = 0;",
    tests: ["operator/interval-join.test.ts"],
  },
  {
    name: "a match is not undone",
    file: "operator/interval-join.ts",
    from: "this.#store.undoLog.push(unmatch, record, undefined, undefined);",
    to: "",
    tests: ["operator/interval-join.test.ts"],
  },
  {
    name: "what waits is the record itself",
    file: "operator/interval-join.ts",
    from: "this.#select(copyOf(left.value), copyOf(right.value))",
    to: "this.#select(left.value, right.value)",
    tests: ["operator/interval-join.test.ts"],
  },
  {
    name: "all records without a partner in one step",
    file: "operator/interval-join.ts",
    from: "if (steps >= stepsMax) return false;",
    to: "",
    tests: ["operator/interval-join.test.ts"],
  },
];

/** The mutants. */
export const inputMutants: readonly Mutant[] = [...ports, ...broadcast, ...joins];
