/** R14: which requests may go, compared with a model that looks at the whole history. */
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Request } from "../../framework/operator/calls.ts";
import { PendingRequests } from "../../framework/operator/pending-requests.ts";
import { Attached, decodeOperators, encodeOperators } from "../../framework/operator/program-state.ts";
import type { CallResult } from "../../framework/record/messages.ts";
import { heldAfter, muchBytes } from "../support/young.ts";

type Order = "ordered" | "unordered";

function request(sequence: number, timestamp?: number): Request {
  return {
    sequence,
    ordinal: 1,
    operator: "ask",
    value: Uint8Array.of(sequence),
    timestamp,
    key: "k",
    result: undefined,
  };
}

function result(sequence: number, ordinal = 1): CallResult {
  return { sequence, ordinal, value: Uint8Array.of(7, 7), code: "", reason: "", stack: "" };
}

function takeAll(requests: PendingRequests): number[] {
  const taken: number[] = [];
  for (let next = requests.take(); next !== undefined; next = requests.take()) taken.push(next.sequence);
  return taken;
}

/** The same by looking at everything that has happened, each time. */
class NaivePending {
  readonly #order: Order;
  readonly #issued: ({ readonly sequence: number } | { readonly watermark: number })[] = [];
  readonly #answered: number[] = [];
  readonly #gone: number[] = [];

  constructor(order: Order) {
    this.#order = order;
  }

  add(sequence: number): void {
    this.#issued.push({ sequence });
  }

  /** One that is not larger says nothing. */
  reach(watermark: number): void {
    const isNews = this.#issued.every((entry) => !("watermark" in entry) || entry.watermark < watermark);
    if (isNews) this.#issued.push({ watermark });
  }

  answer(sequence: number): void {
    const isIssued = this.#issued.some((entry) => "sequence" in entry && entry.sequence === sequence);
    if (isIssued && !this.#answered.includes(sequence)) this.#answered.push(sequence);
  }

  get passed(): number {
    let passed = -Infinity;
    for (const entry of this.#issued) {
      if ("watermark" in entry) passed = Math.max(passed, entry.watermark);
      else if (!this.#gone.includes(entry.sequence)) break;
    }
    return passed;
  }

  take(): number[] {
    const taken: number[] = [];
    for (let next = this.#next(); next !== undefined; next = this.#next()) {
      taken.push(next);
      this.#gone.push(next);
    }
    return taken;
  }

  /** Of those before the first watermark that has not passed, the first that may go; in which order they go besides is tested below. */
  #next(): number | undefined {
    const front: number[] = [];
    for (const entry of this.#issued) {
      if ("sequence" in entry) {
        if (!this.#gone.includes(entry.sequence)) front.push(entry.sequence);
      } else if (front.length > 0) break;
    }
    if (this.#order === "ordered") return front.slice(0, 1).find((sequence) => this.#answered.includes(sequence));
    return front.find((sequence) => this.#answered.includes(sequence));
  }
}

type Step =
  | { readonly kind: "add" }
  | { readonly kind: "reach"; readonly by: number }
  | { readonly kind: "answer"; readonly which: number };

const steps = fc.array(
  fc.oneof(
    fc.record({ kind: fc.constant("add" as const) }),
    fc.record({ kind: fc.constant("reach" as const), by: fc.integer({ min: 0, max: 3 }) }),
    fc.record({ kind: fc.constant("answer" as const), which: fc.nat(12) }),
  ),
  { maxLength: 40 },
);

function run(order: Order, all: readonly Step[], restoreEachStep: boolean): void {
  let requests = new PendingRequests(order);
  const naive = new NaivePending(order);
  let [issued, watermark] = [0, 0];
  for (const step of all) {
    if (step.kind === "add") {
      issued += 1;
      requests.add(request(issued));
      naive.add(issued);
    } else if (step.kind === "reach") {
      watermark += step.by;
      requests.reach(watermark);
      naive.reach(watermark);
    } else {
      requests.answer(result(step.which));
      naive.answer(step.which);
    }
    // What becomes free by one answer or watermark: as a set, and for ordered requests as a list.
    const [taken, expected] = [takeAll(requests), naive.take()];
    expect(order === "ordered" ? taken : taken.toSorted((a, b) => a - b)).toEqual(
      order === "ordered" ? expected : expected.toSorted((a, b) => a - b),
    );
    expect(requests.passed).toBe(naive.passed);
    if (restoreEachStep) requests = restored(requests, order);
  }
}

function restored(requests: PendingRequests, order: Order): PendingRequests {
  const again = new PendingRequests(order);
  const bytes = encodeOperators({ nextTimerNumber: 1, states: [["ask", requests.save()]] });
  again.restore(decodeOperators(bytes).states[0]?.[1], "ask");
  expect(again.save()).toEqual(requests.save());
  expect([again.count, again.bytes]).toEqual([requests.count, requests.bytes]);
  return again;
}

describe.each(["ordered", "unordered"] as const)("%s", (order) => {
  test("Q1 to Q3: goes what the whole history lets go, whatever the order of answers", () => {
    fc.assert(
      fc.property(steps, (all) => run(order, all, false)),
      { numRuns: 1_000 },
    );
  });

  test("Q4: the same with a restore after each step", () => {
    fc.assert(fc.property(steps, (all) => run(order, all, true)));
  });
});

test("Q2: unordered requests go in the order of their results; those that waited for a watermark in the order of issue", () => {
  const requests = new PendingRequests("unordered");
  for (const sequence of [1, 2, 3]) requests.add(request(sequence));
  requests.reach(10);
  for (const sequence of [4, 5]) requests.add(request(sequence));
  for (const sequence of [5, 3, 4, 1]) requests.answer(result(sequence));
  expect(takeAll(requests)).toEqual([3, 1]);
  requests.answer(result(2));
  expect(takeAll(requests)).toEqual([2, 4, 5]);
  expect(requests.passed).toBe(10);
});

test("Q1: the first result counts, and one for no pending request is told apart", () => {
  const requests = new PendingRequests("ordered");
  requests.add(request(1));
  expect(requests.answer(result(1, 2))).toBe(false);
  expect(requests.answer(result(1))).toBe(true);
  expect(requests.answer({ ...result(1), reason: "second" })).toBe(false);
  expect(requests.take()?.result?.reason).toBe("");
  expect(requests.answer(result(1))).toBe(false);
});

test("what an undone step has issued was never there", () => {
  const requests = new PendingRequests("ordered");
  requests.add(request(1));
  const second = request(2);
  requests.add(second);
  requests.drop(second);
  expect([requests.count, requests.bytes]).toEqual([1, 1]);
  expect(requests.answer(result(2))).toBe(false);
  requests.answer(result(1));
  expect(requests.bytes).toBe(3);
  expect(takeAll(requests)).toEqual([1]);
  expect([requests.count, requests.bytes]).toEqual([0, 0]);
});

const numbers = (...of: number[]) => new Uint8Array(Float64Array.of(...of).buffer);

test.each([
  ["x", 0, [], [], [], numbers()],
  [0, 1, [], [], [], numbers(1, 1, 0)],
  [0, 1, [], [], [], numbers(1.5, 1, 0, 0)],
  [0, 1, [], [], [], numbers(1, 1, 0, 5)],
  [0, 1, [], [], [], numbers(1, 1, 0, 0, 7)],
  [0, 0, [], [[3, 0, "", "", ""]], [], numbers()],
  [0, 0, [], [], 7, numbers()],
])("what was not saved like this is corrupt: %j", (...saved) => {
  const attached = new Attached(saved.slice(0, -1), saved.at(-1) as Uint8Array);
  const restoring = () => new PendingRequests("ordered").restore(attached, "ask");
  expect(restoring).toThrow(expect.objectContaining({ code: "CORRUPT" }));
});

test.each([7, undefined, "text", null])("neither is %j", (saved) => {
  expect(() => new PendingRequests("ordered").restore(saved, "ask")).toThrow(/pending requests of ask/);
});

test("keys, absent ones and timestamps are kept, whatever they are", () => {
  const requests = new PendingRequests("ordered");
  for (const [at, key] of ([1, undefined, ["a", 2n], "", false] as const).entries())
    requests.add({ ...request(at, at % 2 === 0 ? -at : undefined), key });
  const again = restored(requests, "ordered");
  expect(again.unanswered()).toEqual(requests.unanswered());
});

test("there may be more bytes of them than one value of the codec may have", () => {
  const requests = new PendingRequests("ordered");
  const value = new Uint8Array(8 * 1024 * 1024).fill(3);
  for (let sequence = 1; sequence <= 9; sequence += 1) requests.add({ ...request(sequence), value });
  const bytes = encodeOperators({ nextTimerNumber: 1, states: [["ask", requests.save()]] });
  const again = new PendingRequests("ordered");
  again.restore(decodeOperators(bytes).states[0]?.[1], "ask");
  expect(again.bytes).toBe(9 * value.byteLength);
});

test("requests that have gone are not held by those that were issued later", () => {
  const requests = new PendingRequests("ordered");
  let sequence = 1;
  requests.add(request(sequence));
  const held = heldAfter((made) => {
    requests.add(Object.assign(request((sequence += 1)), { made }));
    requests.answer(result(sequence - 1));
    requests.take();
  });
  // Tables of the map by name hold a part of them.
  expect(held).toBeLessThan(2 * muchBytes);
});
