import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { OperatorFactory } from "../../framework/operator/contract.ts";
import { job, type Job } from "../../framework/api/job.ts";
import { discard } from "../../framework/connectors/callback.ts";
import { fromArray } from "../../framework/connectors/memory.ts";
import { windowOperator } from "../../framework/operator/window.ts";
import { compile } from "../../framework/plan/compile.ts";
import { tumbling } from "../../framework/window/assigner.ts";
import { processOperator, type ProcessSpec } from "../../framework/operator/process.ts";
import { list, map, reducing, value, type StateOf, type States } from "../../framework/state/descriptors.ts";
import { KeyedStore } from "../../framework/state/store.ts";
import type { Ttl, TtlOptions } from "../../framework/state/ttl.ts";
import {
  operatorHarness,
  type HarnessOptions,
  type OperatorHarness,
} from "../../framework/testing/operator-harness.ts";

function keyed<T, S extends States>(spec: ProcessSpec<T, unknown, string, S>): OperatorFactory {
  return processOperator(spec);
}

type Action =
  | readonly ["set", number]
  | readonly ["add", number]
  | readonly ["append", number]
  | readonly ["put" | "get" | "has" | "delete", string]
  | readonly ["readAll"]
  | readonly ["clear"]
  | readonly ["throw"];

interface Command {
  readonly key: string;
  readonly actions: readonly Action[];
}

type Step =
  | readonly ["command", Command, number]
  | readonly ["watermark", number]
  | readonly ["clock", number]
  | readonly ["restore"];

function declaredWith(ttl: Ttl) {
  return {
    one: value<{ n: number }>({ ttl }),
    total: reducing((a: number, b: number) => a + b, { ttl }),
    items: list<number>({ ttl }),
    entries: map<string, number>({ ttl }),
  };
}
type Declared = ReturnType<typeof declaredWith>;

function actOn({ one, total, items, entries }: StateOf<Declared>, action: Action): unknown {
  switch (action[0]) {
    case "set":
      return one.set({ n: action[1] });
    case "add":
      return total.add(action[1]);
    case "append":
      return items.append(action[1]);
    case "put":
      return entries.set(action[1], 1);
    case "get":
      return entries.get(action[1]) ?? null;
    case "has":
      return entries.has(action[1]);
    case "delete":
      return entries.delete(action[1]);
    case "readAll":
      return {
        sizes: [items.size, entries.size],
        one: one.get()?.n ?? null,
        total: total.get() ?? null,
        items: [...items.values()],
        entries: [...entries.entries()],
      };
    case "clear":
      one.clear();
      items.clear();
      return entries.clear();
    case "throw":
      throw new Error("on purpose");
  }
}

interface Aged {
  v: number;
  used: number;
}

/** Goes through everything that it holds whenever time moves or anything is asked. */
class Naive {
  readonly #ttl: TtlOptions & { after: number };
  #watermark = -Infinity;
  #clock = 0;
  #keys = new Map<string, { one: Aged[]; total: Aged[]; items: Aged[]; entries: Map<string, Aged> }>();

  constructor(ttl: TtlOptions & { after: number }) {
    this.#ttl = ttl;
  }

  get nowMs(): number {
    return this.#ttl.time === "processing" ? this.#clock : this.#watermark;
  }

  isThere = ({ used }: Aged): boolean => this.#ttl.expired === "visible" || used + this.#ttl.after > this.nowMs;

  /** Time has moved: what expired at a sixteenth that has come is gone. */
  moved(what: "watermark" | "clock", ms: number): void {
    if (what === "watermark") this.#watermark = Math.max(this.#watermark, ms);
    else this.#clock = Math.max(this.#clock, ms);
    const round = Math.max(1, Math.floor(this.#ttl.after / 16));
    const stays = ({ used }: Aged): boolean => Math.ceil((used + this.#ttl.after) / round) * round > this.nowMs;
    for (const held of this.#keys.values()) {
      held.one = held.one.filter(stays);
      held.total = held.total.filter(stays);
      held.items = held.items.filter(stays);
      held.entries = new Map([...held.entries].filter(([, entry]) => stays(entry)));
    }
  }

  run({ key, actions }: Command, timestamp: number): unknown[] {
    const held = this.#keys.get(key) ?? { one: [], total: [], items: [], entries: new Map() };
    const before = structuredClone(held);
    this.#keys.set(key, held);
    const used = this.#ttl.time === "processing" ? this.#clock : Math.max(timestamp, this.#watermark);
    if (actions.some(([kind]) => kind === "throw")) {
      this.#keys.set(key, before);
      return [];
    }
    return actions.map((action) => this.#act(held, action, used));
  }

  #act(
    held: { one: Aged[]; total: Aged[]; items: Aged[]; entries: Map<string, Aged> },
    action: Action,
    used: number,
  ): unknown {
    const later = (aged: Aged | undefined): number => Math.max(used, aged?.used ?? -Infinity);
    const read = (all: Iterable<Aged>): Aged[] => {
      const there = [...all].filter(this.isThere);
      if (this.#ttl.refresh === "onReadAndWrite") for (const aged of there) aged.used = later(aged);
      return there;
    };
    switch (action[0]) {
      case "set":
        held.one = [{ v: action[1], used: later(held.one[0]) }];
        return undefined;
      case "add": {
        const v = held.total.filter(this.isThere)[0]?.v ?? 0;
        held.total = [{ v: v + action[1], used: later(held.total[0]) }];
        return undefined;
      }
      case "append":
        held.items.push({ v: action[1], used });
        return undefined;
      case "put": {
        const before = held.entries.get(action[1]);
        if (before !== undefined && !this.isThere(before)) held.entries.delete(action[1]);
        held.entries.set(action[1], { v: 1, used: later(held.entries.get(action[1])) });
        return undefined;
      }
      case "get":
      case "has": {
        const entry = held.entries.get(action[1]);
        const [there] = read(entry === undefined ? [] : [entry]);
        return action[0] === "has" ? there !== undefined : (there?.v ?? null);
      }
      case "delete": {
        const entry = held.entries.get(action[1]);
        held.entries.delete(action[1]);
        return entry !== undefined && this.isThere(entry);
      }
      case "readAll":
        return {
          sizes: [held.items.filter(this.isThere).length, [...held.entries.values()].filter(this.isThere).length],
          one: read(held.one)[0]?.v ?? null,
          total: read(held.total)[0]?.v ?? null,
          items: read(held.items).map(({ v }) => v),
          entries: (read(held.entries.values()), [...held.entries].filter(([, entry]) => this.isThere(entry))).map(
            ([key, { v }]) => [key, v],
          ),
        };
      case "clear":
        held.one = [];
        held.items = [];
        held.entries = new Map();
        return undefined;
      case "throw":
        return undefined;
    }
  }
}

const time = fc.integer({ min: 0, max: 120 });
const name = fc.constantFrom("x", "y", "z");
const anyAction: fc.Arbitrary<Action> = fc.oneof(
  { weight: 4, arbitrary: fc.tuple(fc.constantFrom("set", "add", "append"), fc.nat({ max: 9 })) },
  { weight: 4, arbitrary: fc.tuple(fc.constantFrom("put", "put", "get", "has", "delete"), name) },
  { weight: 3, arbitrary: fc.constant<Action>(["readAll"]) },
  { weight: 1, arbitrary: fc.constantFrom<Action>(["clear"], ["throw"]) },
);
const anyCommand = fc.record({ key: fc.constantFrom("a", "b"), actions: fc.array(anyAction, { maxLength: 4 }) });
const anyStep: fc.Arbitrary<Step> = fc.oneof(
  { weight: 5, arbitrary: fc.tuple(fc.constant("command" as const), anyCommand, time) },
  { weight: 2, arbitrary: fc.tuple(fc.constantFrom("watermark" as const, "clock" as const), time) },
  { weight: 1, arbitrary: fc.constant<Step>(["restore"]) },
);
const anyTtl = fc.record({
  after: fc.constantFrom(1, 7, 20, 50),
  time: fc.constantFrom("event" as const, "processing" as const),
  refresh: fc.constantFrom("onWrite" as const, "onReadAndWrite" as const),
  expired: fc.constantFrom("hidden" as const, "visible" as const),
});
const modes: Readonly<Record<string, HarnessOptions>> = {
  "item by item": {},
  "restored after every step": { restoreEachStep: true },
  "every record once as poison": { poisonEachRecord: true },
};
const key = (command: unknown): string => (command as Command).key;

function tested(ttl: Ttl): OperatorFactory {
  return keyed({
    state: declaredWith(ttl),
    // The answers are copied: an object of the state goes on changing in the step.
    process: ({ actions }: Command, { state }) => [actions.map((action) => structuredClone(actOn(state, action)))],
  });
}

function drive(harness: OperatorHarness, step: Step): void {
  if (step[0] === "command") harness.process(step[1], step[2]);
  if (step[0] === "watermark") harness.watermark(step[1]);
  if (step[0] === "clock") harness.clock(step[1]);
  if (step[0] === "restore") harness.restore();
}

test.each(Object.keys(modes))("A1, A2: state with a ttl is the naive one on shuffled input, %s", (mode) => {
  fc.assert(
    fc.property(anyTtl, fc.array(anyStep, { maxLength: 25 }), (ttl, steps) => {
      const harness = operatorHarness(tested(ttl), { key, ...modes[mode] });
      const naive = new Naive(ttl);
      for (const step of steps) {
        drive(harness, step);
        if (step[0] === "watermark" || step[0] === "clock") naive.moved(step[0], step[1]);
        if (step[0] !== "command") continue;
        const expected = naive.run(step[1], step[2]);
        const isThrown = step[1].actions.some(([kind]) => kind === "throw");
        expect(harness.take().main.map((output) => output.value)).toEqual(isThrown ? [] : [expected]);
      }
    }),
    { numRuns: 1000 },
  );
});

test("K4: the bytes of state with a ttl are the same with and without restores, and failures on the way", () => {
  fc.assert(
    fc.property(anyTtl, fc.array(anyStep, { maxLength: 20 }), (ttl, steps) => {
      const states = Object.values(modes).map((mode) => {
        const harness = operatorHarness(tested(ttl), { key, ...mode });
        for (const step of steps) drive(harness, step);
        return JSON.stringify(harness.state.segments);
      });
      expect(new Set(states).size).toBe(1);
    }),
    { numRuns: 300 },
  );
});

test("what has expired is cleaned up without being asked for: by the watermark, or by a tick", () => {
  for (const domain of ["event", "processing"] as const) {
    const harness = operatorHarness(tested({ after: 16, time: domain }), { key });
    harness.clock(100).process(
      {
        key: "a",
        actions: [
          ["set", 1],
          ["append", 1],
          ["put", "x"],
        ],
      },
      100,
    );
    expect(harness.nextTickAt).toBe(domain === "processing" ? 116 : undefined);
    const later = (ms: number): unknown => (domain === "event" ? harness.watermark(ms) : harness.clock(ms));
    later(115);
    expect(Object.keys(harness.state.segments)).toHaveLength(1);
    later(116);
    expect(harness.state.segments).toEqual({});
    expect(harness.nextTickAt).toBeUndefined();
  }
});

test("C3: a timer sees state as of its own time, however far the watermark has jumped; the end of the input ends no lives", () => {
  const silent = keyed({
    state: { last: value<number>({ ttl: 10 }) },
    process(at: number, { state, timers }) {
      state.last.set(at);
      timers.onEventTime(at + 9);
      timers.onEventTime(at + 10);
    },
    onTimer: (at, { state }) => [[at, state.last.get() ?? null]],
  });
  for (const watermark of [1000, Infinity]) {
    const harness = operatorHarness(silent, { key: () => "k" });
    harness.process(5, 5).watermark(watermark);
    expect(harness.take().main.map((output) => output.value)).toEqual([
      [14, 5],
      [15, null],
    ]);
    expect(Object.keys(harness.state.segments)).toHaveLength(watermark === Infinity ? 1 : 0);
  }
});

test("a record that comes out of order, or late, does not shorten a life, and has one itself", () => {
  const harness = operatorHarness(tested({ after: 10 }), { key });
  const put: Command = {
    key: "a",
    actions: [
      ["put", "x"],
      ["set", 1],
    ],
  };
  const read: Command = { key: "a", actions: [["has", "x"], ["readAll"]] };
  harness.process(put, 100).process(put, 50).watermark(105).process(read, 105);
  expect(harness.take().main.at(-1)?.value).toMatchObject([true, { one: 1 }]);
  harness.watermark(200).process(put, 1).watermark(209).process(read, 209);
  expect(harness.take().main.at(-1)?.value).toMatchObject([true, { one: 1 }]);
});

test("a ttl in event time without a timestamp or a watermark makes the record a dead letter that says what to do", () => {
  const harness = operatorHarness(tested("1d"), { key });
  harness.process({ key: "a", actions: [["set", 1]] });
  expect(harness.take().deadLetters).toMatchObject([
    {
      code: "TIMESTAMP_INVALID",
      message: expect.stringContaining('say .timestamps(…) at the source, or time: "processing"'),
    },
  ]);
});

test("a step of a clean-up is bounded: many rows take many calls", () => {
  const store = new KeyedStore(undefined, { eventMs: 0, eventUseMs: 0, processingMs: 0 });
  const state = store.namespace("op").states({ n: value<number>({ ttl: 5 }) });
  for (let at = 0; at < 1000; at++) {
    store.select(at);
    store.begin();
    state.n.set(at);
    store.commit();
  }
  expect(store.sweep("event", 4, 10)).toBe(true);
  let calls = 1;
  while (!store.sweep("event", 5, 10)) calls += 1;
  expect([calls, store.size]).toEqual([100, 0]);
});

describe("between two runs", () => {
  const use: Command = {
    key: "a",
    actions: [
      ["set", 1],
      ["append", 1],
      ["put", "x"],
    ],
  };
  const saved = (ttl: Ttl): OperatorHarness => operatorHarness(tested(ttl), { key }).process(use, 100);

  function goneAt(harness: OperatorHarness): number {
    for (let ms = 100; ms < 200; ms++) {
      harness.watermark(ms);
      if (Object.keys(harness.state.segments).length === 0) return ms;
    }
    throw new Error("it is still there");
  }

  test("a ttl may be another one: what was used then lives as long as is said now", () => {
    for (const [before, after] of [
      [10, 16],
      [16, 10],
    ] as const) {
      expect(goneAt(saved(before).restoreInto(tested(after)))).toBe(100 + after);
    }
  });

  test("another time, or a ttl where there was none, is another state", () => {
    const refused = expect.objectContaining({ code: "SNAPSHOT_UNSUITABLE" });
    expect(() => saved(10).restoreInto(tested({ after: 10, time: "processing" }))).toThrow(refused);
  });
});

describe("where it is declared", () => {
  const windows = (process: object): OperatorFactory =>
    windowOperator({ assigner: tumbling(10), process: { process: () => [], ...process } });

  test("a ttl that makes no sense is refused with the place when the plan is made", () => {
    const plant = job("plant");
    plant
      .source("readings", fromArray<{ readonly at: number }>([]))
      .timestamps((r) => r.at)
      .keyBy(() => "k")
      .process({ state: { seen: map<string, number>({ ttl: 0 }) }, process: () => [] })
      .to(discard());
    expect(() => compile(plant)).toThrow(
      expect.objectContaining({
        code: "PLAN_INVALID",
        message: expect.stringMatching(
          /plant.*behind operator timestamps.*state seen: ttl is 0, and must be at least 1ms/,
        ),
      }),
    );
  });

  test("a ttl in event time needs timestamps, one in processing time does not", () => {
    const withTtl = (ttl: Ttl): Job => {
      const plant = job("plant");
      plant
        .source("readings", fromArray<number>([]))
        .keyBy(() => "k")
        .process({ state: { n: value<number>({ ttl }) }, process: () => [] })
        .to(discard());
      return plant;
    };
    expect(() => compile(withTtl("1d"))).toThrow("have no timestamps");
    expect(() => compile(withTtl({ after: "1d", time: "processing" }))).not.toThrow();
  });

  test("functions of windows have it in state per key, not in that of a window", () => {
    expect(() => windows({ state: { n: value({ ttl: 0 }) } })).toThrow("state n: ttl is 0");
    expect(() => windows({ windowState: { n: value({ ttl: "1s" }) } })).toThrow("only keyed state can have");
    const counting = windows({
      state: { fired: value<number>({ ttl: 15 }) },
      process(_values: unknown, { state }: { state: StateOf<{ fired: ReturnType<typeof value<number>> }> }) {
        const fired = (state.fired.get() ?? 0) + 1;
        state.fired.set(fired);
        return [fired];
      },
    });
    const harness = operatorHarness(counting, { key: () => "k" });
    harness.process(1, 0).process(1, 10).process(1, 40).watermark(100);
    expect(harness.take().main.map((output) => (output.value as { value?: unknown }).value ?? output.value)).toEqual([
      1, 2, 1,
    ]);
  });
});
