/**
 * Mutants of loops: where a cycle is cut, when it is over, and who waits for room.
 */
import type { Mutant } from "./mutant.ts";

/** What a test, or the simulator, must notice of loops. */
export const loopMutants: readonly Mutant[] = [
  {
    name: "a loop is over after one round",
    file: "protocol/loop-end.ts",
    from: "if (said === this.#before) this.#goOn(); else this.#before = said;",
    to: "this.#goOn();",
    tests: ["protocol/loop-end.test.ts"],
  },
  {
    name: "a loop is over when all are quiet, whatever has been sent",
    file: "protocol/loop-end.ts",
    from: "return isQuiet && reports.reduce((sum, { count }) => sum + count.sent - count.taken, 0) === 0;",
    to: "return isQuiet;",
    tests: ["protocol/loop-end.test.ts"],
  },
  {
    name: "a loop is over though an instance has timers",
    file: "actor/loop-tally.ts",
    from: "hasTimers: program.nextTimerAt() !== undefined,",
    to: "hasTimers: false,",
    tests: ["actor/loop-tally.test.ts"],
  },
  {
    name: "a loop ends before everything in it has fired",
    file: "protocol/loop-end.ts",
    from: 'const reached = this.#step === "fire" ? lastInstant : -Infinity;',
    to: "const reached = -Infinity;",
    tests: ["protocol/loop-end.test.ts"],
  },
  {
    name: "whoever sends back says nothing before there is no room",
    file: "actor/outputs.ts",
    from: "(lane.isFilling || !lane.hasRoom)",
    to: "!lane.hasRoom",
    tests: ["actor/outputs.test.ts"],
  },
  {
    name: "a log that fills is looked at by what is sent alone",
    file: "actor/lane.ts",
    from: "if (!mayGoOn || this.#isFilling) this.#lookAgain();",
    to: "if (!mayGoOn) this.#lookAgain();",
    tests: ["actor/lane.test.ts"],
  },
  {
    name: "sources wait for more room than an inbox at rest may have",
    file: "protocol/room.ts",
    from: "export const loopRoomyShare: number = crowdedShare;",
    to: "export const loopRoomyShare: number = crowdedShare / 2;",
    tests: ["actor/loops.test.ts"],
  },
  {
    name: "lanes hold as much as the inboxes that they lead into",
    file: "actor/lane-set.ts",
    from: "Math.min(this.#laneBytesMax, inboxBytes * laneShareMax)",
    to: "this.#laneBytesMax",
    tests: ["actor/loops.test.ts"],
  },
  {
    name: "acks are told to whoever has gone",
    file: "actor/outputs.ts",
    from: "for (const lane of this.#lanes) lane.leave(this.#onProgress);",
    to: "",
    tests: ["actor/outputs.test.ts"],
  },
  {
    name: "a loop ends while its sources read",
    file: "protocol/loop-end.ts",
    from: "? count.outside === Infinity && !count.hasTimers",
    to: "? !count.hasTimers",
    tests: ["protocol/loop-end.test.ts"],
  },
  {
    name: "an edge that closes a loop carries event time",
    file: "plan/loops.ts",
    from: 'if (isFedBack(edge, graph, loops)) return "fedBack";',
    to: "",
    tests: ["plan/loops.test.ts"],
  },
  {
    name: "what is sent back waits for room",
    file: "actor/outputs.ts",
    from: 'if (out.edge.eventTime !== "fedBack") this.#heeded.add(lane);',
    to: "this.#heeded.add(lane);",
    tests: ["actor/loops.test.ts"],
  },
  {
    name: "a savepoint comes to a loop that is not empty",
    file: "protocol/loop-end.ts",
    from: "const isQuiet = reports.every((report) => report.count.isQuiet && isOver(report));",
    to: "const isQuiet = reports.every((report) => isOver(report)); if (savepoint !== undefined) return isQuiet;",
    tests: ["protocol/loop-end.test.ts"],
  },
  {
    name: "timers of a loop go on while a savepoint waits for it to be empty",
    file: "actor/instance.ts",
    from: "const mayTick = !isFrozen && this.#loop?.isDraining(incarnation, this.#host.savepoints.savepoints) !== true;",
    to: "const mayTick = !isFrozen;",
    tests: ["actor/loops.test.ts"],
  },
  {
    name: "operators of a loop do not see its end",
    file: "protocol/loop-end.ts",
    from: "return loop !== undefined && watermark >= lastInstant ? Infinity : watermark;",
    to: "return loop === undefined ? watermark : watermark;",
    tests: ["protocol/loop-end.test.ts"],
  },
  {
    name: "what an instance has sent to itself is not fenced",
    file: "actor/inbox-feed.ts",
    from: "for (const index of stage.inputs) { if (plan.edges[index]?.from !== instance.stage) continue;",
    to: 'if (isOwn) return epoch === own ? "caughtUp" : "turned"; for (const index of stage.inputs) { if (plan.edges[index]?.from !== instance.stage) continue;',
    tests: ["actor/inbox-feed.test.ts"],
  },
];
