/**
 * Mutants of calls that leave the turn, and of batch turns (R14).
 */
import type { Mutant } from "./mutant.ts";

const pending: readonly Mutant[] = [
  {
    name: "watermark overtakes pending requests",
    file: "operator/deferrals.ts",
    from: "watermark = Math.min(watermark, deferral.passed);",
    to: "watermark = Math.min(watermark, Infinity);",
    tests: ["actor/async-calls.test.ts"],
  },
  {
    name: "unordered results cross a watermark",
    file: "operator/pending-requests.ts",
    from: 'if (this.#order === "unordered" && place.segment === this.#first?.segment)',
    to: 'if (this.#order === "unordered")',
    tests: ["operator/pending-requests.test.ts"],
  },
  {
    name: "the last result of a request counts",
    file: "operator/pending-requests.ts",
    from: "request === undefined || request.result !== undefined) return false;",
    to: "request === undefined) return false;",
    tests: ["operator/pending-requests.test.ts"],
  },
  {
    name: "undo forgets requests",
    file: "operator/async-map.ts",
    from: "undoLog.push(dropRequest, this.#requests, request, undefined);",
    to: "",
    tests: ["actor/async-calls.test.ts"],
  },
  {
    name: "undo gives no ordinal back",
    file: "operator/request-book.ts",
    from: "undoLog.push(giveBack, this, this.#ordinal, undefined);",
    to: "",
    tests: ["actor/async-calls.test.ts"],
  },
  {
    name: "results not in the snapshot",
    file: "operator/saved-requests.ts",
    from: "(result === undefined ? [] :",
    to: "(result !== undefined || result === undefined ? [] :",
    tests: ["operator/pending-requests.test.ts"],
  },
  {
    name: "ordinal goes on over turns",
    file: "operator/request-book.ts",
    from: "this.#ordinal = 0; }",
    to: "}",
    tests: ["actor/async-calls.test.ts"],
  },
];

const calls: readonly Mutant[] = [
  {
    name: "calls before the own epoch-start",
    file: "actor/calls.ts",
    from: "if (!this.#mayCall || this.#isClosed) return;",
    to: "if (this.#isClosed) return;",
    tests: ["actor/calls.test.ts"],
  },
  {
    name: "no bound on calls",
    file: "actor/calls.ts",
    from: "while (line.calls.size < line.spec.capacity) {",
    to: "for (;;) {",
    tests: ["actor/async-calls.test.ts"],
  },
  {
    name: "a slot is free before its result is read",
    file: "actor/call.ts",
    from: "return this.#requests.every(({ result }) => result !== undefined);",
    to: "return this.#isOver;",
    tests: ["actor/async-calls.test.ts"],
  },
  {
    name: "a timed-out call is not aborted",
    file: "actor/call.ts",
    from: "this.#controller?.abort(error); this.#failedForGood(error);",
    to: "this.#failedForGood(error);",
    tests: ["actor/calls.test.ts"],
  },
  {
    name: "everything is trimmed while too many wait",
    file: "actor/inbox-feed.ts",
    from: "const target = this.isHoldingBack ? await",
    to: "const target = this.isHoldingBack && sequence < 0 ? await",
    tests: ["actor/async-calls.test.ts"],
  },
  {
    name: "nothing is trimmed while too many wait",
    file: "actor/inbox-feed.ts",
    from: "this.#marks?.within(bytes - this.#owner.plan.options.inboxBytes, sequence);",
    to: "this.#marks?.within(bytes - Infinity, sequence);",
    tests: ["actor/async-calls.test.ts"],
  },
  {
    name: "no room for results",
    file: "plan/reserve.ts",
    from: "return plainBytes(options) + resultReserveBytes(stage) +",
    to: "return plainBytes(options) + 0 * resultReserveBytes(stage) +",
    tests: ["actor/async-calls.test.ts"],
  },
  {
    name: "idle with pending requests",
    file: "actor/inbox-feed.ts",
    from: "this.hasReadEverything && !this.#isWaiting;",
    to: "this.hasReadEverything;",
    tests: ["actor/async-calls.test.ts"],
  },
];

const batches: readonly Mutant[] = [
  {
    name: "turns go on during a batch",
    file: "actor/turn-loop.ts",
    from: "if (batch !== undefined) this.#holdUntil(",
    to: "if (batch !== undefined) void (",
    tests: ["actor/batch-turn.test.ts"],
  },
  {
    name: "a cut is made during a batch",
    file: "actor/turn-loop.ts",
    from: 'this.#isUnfinished = result === "unfinished" || result === "awaiting";',
    to: 'this.#isUnfinished = result === "unfinished";',
    tests: ["actor/batch-turn.test.ts"],
  },
  {
    name: "a snapshot of another model goes on",
    file: "operator/batch-map.ts",
    from: "if (version !== this.#spec.version) {",
    to: "if (version === undefined) {",
    tests: ["actor/batch-turn.test.ts"],
  },
  {
    name: "a poisonous value takes its batch with it",
    file: "actor/batch-turn.ts",
    from: "if (batch.values.length === 1) return [{ error }];",
    to: "return batch.values.map(() => ({ error }));",
    tests: ["actor/batch-turn.test.ts"],
  },
];

/** The mutants. */
export const callMutants: readonly Mutant[] = [...pending, ...calls, ...batches];
