/**
 * Mutants of fleets: placement, drains, sizes, quarantine, threads.
 */
import type { Mutant } from "./mutant.ts";

const placement = ["protocol/placement.test.ts"];
const quarantine = ["protocol/quarantine.test.ts"];
const view = ["protocol/fleet-view.test.ts"];
const crew = ["fleet/crew.test.ts"];
const threads = ["actor/threads.test.ts"];

/** What a test must notice of fleets. */
export const fleetMutants: readonly Mutant[] = [
  {
    name: "a leaving worker is given instances",
    file: "protocol/placement.ts",
    from: '!isLeaving && standing !== "drained"',
    to: 'standing !== "drained"',
    tests: placement,
  },
  {
    name: "a drained worker is given instances",
    file: "protocol/placement.ts",
    from: '!isLeaving && standing !== "drained"',
    to: "!isLeaving",
    tests: placement,
  },
  {
    name: "in quarantine for good when there is nobody else",
    file: "protocol/placement.ts",
    from: "return open.length === 0 ? staying : open;",
    to: "return open;",
    tests: placement,
  },
  {
    name: "a drained worker gives everything away at once",
    file: "protocol/placement.ts",
    from: "homeless.filter(({ isAtWork }) => isAtWork).slice(0, facts.movesMax)",
    to: "homeless.filter(({ isAtWork }) => isAtWork)",
    tests: placement,
  },
  {
    name: "a move that is worth nothing",
    file: "protocol/burdens.ts",
    from: "const limit = burdenOf(from) - this.#worth + epsilon;",
    to: "const limit = burdenOf(from) + epsilon;",
    tests: placement,
  },
  {
    name: "loads vary by more than a move is worth",
    file: "protocol/burdens.ts",
    from: "const worthShare = 0.25;",
    to: "const worthShare = 0;",
    tests: placement,
  },
  {
    name: "what is idle weighs nothing",
    file: "protocol/burdens.ts",
    from: "const idleWeight = 0.05;",
    to: "const idleWeight = 0;",
    tests: placement,
  },
  {
    name: "capacity without effect",
    file: "protocol/burdens.ts",
    from: "return weight / capacity;",
    to: "return weight;",
    tests: placement,
  },
  {
    name: "a load moves into a zone that has its share",
    file: "protocol/burdens.ts",
    from: "(from.zone !== to.zone && !this.#hasRoom(instance.stage, to.zone))",
    to: "false",
    tests: placement,
  },
  {
    name: "a source moves like any other",
    file: "protocol/burdens.ts",
    from: "return this.#bestOf(false) ?? this.#bestOf(true);",
    to: "return this.#bestOf(true) ?? this.#bestOf(false);",
    tests: placement,
  },
  {
    name: "balanced back to where it has crashed",
    file: "protocol/burdens.ts",
    from: "after > limit || this.#facts.avoids(instance, to.worker) ||",
    to: "after > limit ||",
    tests: placement,
  },
  {
    name: "a crash is always repeated where it was",
    file: "actor/distribution.ts",
    from: "if (here === undefined || !this.#avoids(instance, here)) return here;",
    to: "if (here !== undefined) return here;",
    tests: ["actor/quarantines.test.ts"],
  },
  {
    name: "an instance that crashes elsewhere, too, accuses a worker",
    file: "protocol/quarantine.ts",
    from: "isAccused(worker) && atMs > sinceMs && !shaken.has(instanceKey(instance))",
    to: "isAccused(worker) && atMs > sinceMs",
    tests: quarantine,
  },
  {
    name: "a program that crashes everywhere accuses a worker",
    file: "protocol/quarantine.ts",
    from: "|| elsewhere.length * timesOthers > here.length",
    to: "",
    tests: quarantine,
  },
  {
    name: "deaths of other hosts count for nothing",
    file: "protocol/quarantine.ts",
    from: "|| elsewhere * timesOthers > here",
    to: "",
    tests: quarantine,
  },
  {
    name: "the last worker in quarantine",
    file: "protocol/quarantine.ts",
    from: "return open.some(isAccused) && open.some((each) => !isAccused(each));",
    to: "return open.some(isAccused);",
    tests: quarantine,
  },
  {
    name: "evidence counted twice",
    file: "protocol/quarantine.ts",
    from: "each.subject === subject)?.sinceMs ?? -Infinity;",
    to: "each.subject === subject && false)?.sinceMs ?? -Infinity;",
    tests: quarantine,
  },
  {
    name: "a server that stores nothing from anybody accuses a worker",
    file: "protocol/quarantine.ts",
    from: "others.every((other) => other.unstoredMs < unstoredMsOthers)",
    to: "true",
    tests: quarantine,
  },
  {
    name: "a quarantine that never ends",
    file: "protocol/fleet-view.ts",
    from: "this.quarantines.filter(({ untilMs }) => untilMs > nowMs)",
    to: "this.quarantines.filter(({ untilMs }) => untilMs > 0 || untilMs > nowMs)",
    tests: view,
  },
  {
    name: "a death that an instance has caused accuses its host",
    file: "protocol/fleet-view.ts",
    from: 'if (cause === "poison") this.#explain(from);',
    to: "",
    tests: view,
  },
  {
    name: "a release forgets nothing",
    file: "protocol/fleet-view.ts",
    from: "this.#incidents = this.#incidents.filter(({ worker }) => worker !== subject);",
    to: "",
    tests: view,
  },
  {
    name: "a worker that is too many is replaced",
    file: "fleet/crew.ts",
    from: 'if (post.isTooMany && next.kind !== "end") return this.#abolish(post);',
    to: "",
    tests: crew,
  },
  {
    name: "a worker that is too many is waited for for ever",
    file: "fleet/crew.ts",
    from: 'post.process?.kill("SIGKILL"), {',
    to: "undefined, {",
    tests: crew,
  },
  {
    name: "a starter obeys what is said to another one",
    file: "fleet/starter.ts",
    from: "tail.view.fleet.sizeOf(this.id)",
    to: '(tail.view.fleet.sizeOf(this.id) ?? tail.view.fleet.sizeOf("somebody else"))',
    tests: ["fleet/starter.test.ts"],
  },
  {
    name: "threads are a part of the plan's identity",
    file: "plan/plan-text.ts",
    from: "`${partitions} partitions`",
    to: '`${partitions} partitions${(stage as { threads?: number }).threads ?? ""}`',
    tests: threads,
  },
];
