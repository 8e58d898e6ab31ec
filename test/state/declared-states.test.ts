import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { aggregating } from "../../framework/operator/aggregating.ts";
import { average, count, max, min, sum, type NumericAggregate } from "../../framework/operator/aggregates.ts";
import type { OperatorFactory } from "../../framework/operator/contract.ts";
import { processOperator, type ProcessSpec } from "../../framework/operator/process.ts";
import { statesOf } from "../../framework/state/declared-states.ts";
import { list, map, reducing, value, type StateOf, type States } from "../../framework/state/descriptors.ts";
import { operatorHarness, type HarnessOptions } from "../../framework/testing/operator-harness.ts";

interface Item {
  n: number;
}

const declared = {
  items: list<number | Item>(),
  total: reducing((a: Item, b: Item) => {
    a.n += b.n;
    return a;
  }),
  mean: aggregating(average((item: Item) => item.n)),
  all: aggregating({
    create: (): number[] => [],
    add(seen, item: Item) {
      seen.push(item.n);
      return seen;
    },
    result: (seen) => seen.join(),
  }),
};

type Action =
  | readonly ["append", number]
  | readonly ["appendItem", number]
  | readonly ["change"]
  | readonly ["replace", readonly number[]]
  | readonly ["clear"]
  | readonly ["add", number]
  | readonly ["clearFolds"]
  | readonly ["read"]
  | readonly ["throw"];

interface Command {
  readonly key: string;
  readonly actions: readonly Action[];
}

function act(state: StateOf<typeof declared>, actions: readonly Action[]): object[] {
  const seen: object[] = [];
  for (const action of actions) {
    switch (action[0]) {
      case "append":
        state.items.append(action[1]);
        break;
      case "appendItem": {
        const item = { n: action[1] };
        state.items.append(item);
        // S1: what was appended may be changed in place.
        item.n += 100;
        break;
      }
      case "change":
        for (const item of state.items.values()) if (typeof item === "object") item.n += 1;
        break;
      case "replace":
        state.items.replace(action[1].map((n, at) => (at % 2 === 0 ? n : { n })));
        break;
      case "clear":
        state.items.clear();
        break;
      case "add":
        state.total.add({ n: action[1] });
        state.mean.add({ n: action[1] });
        state.all.add({ n: action[1] });
        break;
      case "clearFolds":
        state.total.clear();
        state.mean.clear();
        state.all.clear();
        break;
      case "read":
        seen.push(readingOf(state));
        break;
      case "throw":
        throw new Error("on purpose");
    }
  }
  return seen;
}

function readingOf({ items, total, mean, all }: StateOf<typeof declared>): object {
  const { n } = total.get() ?? { n: null };
  return structuredClone({
    size: items.size,
    items: [...items.values()],
    n,
    mean: mean.get() ?? null,
    all: all.get() ?? null,
  });
}

/** Copies everything before each step. */
class NaiveKey {
  items: (number | Item)[] = [];
  added: number[] = [];

  run(actions: readonly Action[]): object[] {
    const seen: object[] = [];
    for (const action of actions) {
      if (action[0] === "throw") throw new Error("on purpose");
      if (action[0] === "read") seen.push(this.reading());
      else this.change(action);
    }
    return seen;
  }

  change(action: Action): void {
    if (action[0] === "append") this.items.push(action[1]);
    if (action[0] === "appendItem") this.items.push({ n: action[1] + 100 });
    if (action[0] === "change") for (const item of this.items) if (typeof item === "object") item.n += 1;
    if (action[0] === "replace") this.items = action[1].map((n, at) => (at % 2 === 0 ? n : { n }));
    if (action[0] === "clear") this.items = [];
    if (action[0] === "add") this.added.push(action[1]);
    if (action[0] === "clearFolds") this.added = [];
  }

  reading(): object {
    const { added } = this;
    const n = added.length === 0 ? null : added.reduce((a, b) => a + b);
    const mean = n === null ? null : n / added.length;
    const all = added.length === 0 ? null : added.join();
    return structuredClone({ size: this.items.length, items: this.items, n, mean, all });
  }
}

class Naive {
  #keys = new Map<string, NaiveKey>();

  run({ key, actions }: Command): object[] {
    const cell = this.#keys.get(key) ?? new NaiveKey();
    this.#keys.set(key, cell);
    const before = structuredClone({ items: cell.items, added: cell.added });
    try {
      return cell.run(actions);
    } catch {
      Object.assign(cell, before);
      return [];
    }
  }
}

function keyed<T, S extends States>(spec: ProcessSpec<T, unknown, string, S>): OperatorFactory {
  return processOperator(spec);
}

const tested = keyed({
  state: declared,
  process: ({ actions }: Command, { state }) => act(state, actions),
});

const small = fc.nat({ max: 9 });
const anyAction: fc.Arbitrary<Action> = fc.oneof(
  { weight: 4, arbitrary: fc.tuple(fc.constantFrom("append", "appendItem", "add"), small) },
  { weight: 3, arbitrary: fc.constantFrom<Action>(["read"], ["change"]) },
  { weight: 1, arbitrary: fc.tuple(fc.constant("replace" as const), fc.array(small, { maxLength: 3 })) },
  { weight: 1, arbitrary: fc.constantFrom<Action>(["clear"], ["clearFolds"], ["throw"]) },
);
const anyCommand = fc.record({ key: fc.constantFrom("a", "b"), actions: fc.array(anyAction, { maxLength: 6 }) });
const modes: Readonly<Record<string, HarnessOptions>> = {
  "item by item": {},
  "restored after every step": { restoreEachStep: true },
  "every record once as poison": { poisonEachRecord: true },
};
const key = (command: unknown): string => (command as Command).key;

test.each(Object.keys(modes))("S1, S2, S3: list, reducing and aggregating state are the naive ones, %s", (mode) => {
  fc.assert(
    fc.property(fc.array(anyCommand, { maxLength: 12 }), (commands) => {
      const harness = operatorHarness(tested, { key, ...modes[mode] });
      const naive = new Naive();
      for (const command of commands) {
        harness.process(command);
        expect(harness.take().main.map((output) => output.value)).toEqual(naive.run(command));
      }
    }),
    { numRuns: 1000 },
  );
});

test("K4: the bytes are the same with and without restores, and failures on the way", () => {
  fc.assert(
    fc.property(fc.array(anyCommand, { maxLength: 12 }), (commands) => {
      const states = Object.values(modes).map((mode) => {
        const harness = operatorHarness(tested, { key, ...mode });
        for (const command of commands) harness.process(command);
        return JSON.stringify(harness.state.segments);
      });
      expect(new Set(states).size).toBe(1);
    }),
    { numRuns: 300 },
  );
});

test("S2: what was appended or put in is a copy when the step is over", () => {
  const mine = { n: 1 };
  const tests = keyed({
    state: { items: list<Item>() },
    process(step: string, { state }) {
      if (step === "append") state.items.append(mine);
      if (step === "replace") state.items.replace([mine]);
      return step === "read" ? [[...state.items.values()]] : [];
    },
  });
  for (const step of ["append", "replace"]) {
    const harness = operatorHarness(tests, { key: () => "k" });
    mine.n = 1;
    harness.process(step);
    mine.n = 2;
    harness.process("read");
    expect(harness.take().main.map((output) => output.value)).toEqual([[{ n: 1 }]]);
  }
});

test.each<readonly [string, NumericAggregate<number>, number]>([
  ["count", count(), 3],
  ["sum", sum((n) => n), 6],
  ["average", average((n) => n), 2],
  ["min", min((n) => n), 1],
  ["max", max((n) => n), 3],
])("aggregating(%s) answers what the aggregate does", (_kind, aggregate, expected) => {
  const harness = operatorHarness(
    keyed({
      state: { held: aggregating(aggregate) },
      process(n: number, { state }) {
        state.held.add(n);
        return [state.held.get()];
      },
    }),
    { key: () => "k" },
  );
  for (const n of [2, 1, 3]) harness.process(n);
  expect(harness.take().main.at(-1)?.value).toBe(expected);
});

test.each([
  ["reducing to undefined", { held: reducing(() => undefined as unknown as number) }, "answered undefined"],
  [
    "an accumulator that is undefined",
    { held: aggregating({ create: () => 0, add: () => undefined as unknown as number, result: (n) => n }) },
    "answered undefined",
  ],
  ["a sum of NaN", { held: aggregating(sum(() => NaN)) }, "sum takes numbers, and got NaN"],
])("%s makes the record a dead letter", (_what, state, message) => {
  const harness = operatorHarness(
    keyed({
      state: state as { held: ReturnType<typeof reducing<number>> },
      process(n: number, { state: { held } }) {
        held.add(n);
      },
    }),
    { key: () => "k" },
  );
  harness.process(1).process(2);
  expect(harness.take().deadLetters.at(-1)?.message).toContain(message);
});

describe("declarations", () => {
  test.each([
    ["another kind", { odd: { kind: "odd" } }, "state odd is not declared with one of value(), reducing()"],
    ["an option that is none", { n: value({ tll: "1d" } as object) }, "state n"],
    ["a ttl of 0", { n: value({ ttl: 0 }) }, "state n: ttl is 0, and must be at least 1ms"],
    ["a ttl of 0 said in full", { n: map({ ttl: { after: "0s" } }) }, 'state n: ttl is "0s"'],
    ["a ttl that is no duration", { n: list({ ttl: "soon" as "1s" }) }, 'state n: ttl is "soon", which is no duration'],
    ["an unknown time", { n: value({ ttl: { after: 1, time: "wall" as "event" } }) }, 'state n: ttl: time is "wall"'],
    ["an unknown option of a ttl", { n: value({ ttl: { after: 1, when: 1 } as { after: 1 } }) }, "state n: ttl"],
  ])("%s is refused", (_what, state, message) => {
    const refused = expect.objectContaining({
      code: expect.stringMatching(/^(OPTION|PLAN)_INVALID$/),
      message: expect.stringContaining(message),
    });
    expect(() => processOperator({ state: state as {}, process: () => [] })).toThrow(refused);
  });

  test("a ttl outside of keyed state is refused", () => {
    const place = (): never => {
      throw new Error("no place is asked for");
    };
    expect(() => statesOf({ n: value({ ttl: "1s" }) }, place)).toThrow(
      "state n has a ttl, which only keyed state can have",
    );
  });
});
