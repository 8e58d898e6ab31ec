import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { ProcessContext, Timers } from "../../framework/operator/process-context.ts";
import { processOperator, type ProcessSpec } from "../../framework/operator/process.ts";
import {
  map,
  value,
  type MapState,
  type StateOf,
  type States,
  type ValueState,
} from "../../framework/state/descriptors.ts";
import {
  operatorHarness,
  type HarnessOptions,
  type OperatorHarness,
} from "../../framework/testing/operator-harness.ts";

/** One thing that a callback does. */
type Action =
  | readonly ["setNumber", number | undefined]
  | readonly ["setList", readonly number[]]
  | readonly ["pushToList", number]
  | readonly ["put", string, number]
  | readonly ["putObject", string, number]
  | readonly ["changeObject", string]
  | readonly ["delete", string]
  | readonly ["clearMap"]
  | readonly ["register", number]
  | readonly ["cancel", number]
  | readonly ["registerProcessing", number]
  | readonly ["cancelProcessing", number]
  | readonly ["emit"]
  | readonly ["throw"];

interface Command {
  readonly key: string;
  readonly actions: readonly Action[];
}

const declared = {
  number: value<number>(),
  list: value<{ items: number[] }>(),
  entries: map<string, number | { n: number }>(),
};
type Declared = typeof declared;
type Handles = StateOf<Declared>;

/** What callbacks use of their context: the operator's, or the naive one. */
interface Machine {
  readonly key: string;
  readonly state: Handles;
  readonly timers: Timers;
}

function act(machine: Machine, actions: readonly Action[]): object[] {
  const outputs: object[] = [];
  for (const action of actions) {
    const seen = actOnce(machine, action);
    if (seen !== undefined) outputs.push(seen);
  }
  return outputs;
}

function actOnce({ key, state, timers }: Machine, action: Action): object | undefined {
  switch (action[0]) {
    case "setNumber":
      state.number.set(action[1]);
      break;
    case "setList":
      state.list.set({ items: [...action[1]] });
      break;
    case "pushToList":
      state.list.get()?.items.push(action[1]);
      break;
    case "put":
      state.entries.set(action[1], action[2]);
      break;
    case "putObject":
      state.entries.set(action[1], { n: action[2] });
      break;
    case "changeObject": {
      const entry = state.entries.get(action[1]);
      if (typeof entry === "object") entry.n += 1;
      break;
    }
    case "delete":
      return { deleted: state.entries.delete(action[1]) };
    case "clearMap":
      state.entries.clear();
      break;
    case "register":
      timers.onEventTime(action[1]);
      break;
    case "cancel":
      timers.cancelEventTime(action[1]);
      break;
    case "registerProcessing":
      timers.onProcessingTime(action[1]);
      break;
    case "cancelProcessing":
      timers.cancelProcessingTime(action[1]);
      break;
    case "emit":
      return snapshotOf(key, state);
    case "throw":
      throw new Error("on purpose");
  }
  return undefined;
}

function snapshotOf(key: string, { number, list, entries }: Handles): object {
  const items = list.get()?.items ?? null;
  return { key, number: number.get() ?? null, list: items, size: entries.size, entries: [...entries.entries()] };
}

/** What a timer does is a function of its time. */
function actionsOf(time: number): Action[] {
  const actions: Action[] = [["pushToList", time], ["put", "timer", time], ["emit"]];
  if (time % 3 === 0) actions.push(["delete", "a"], ["register", time + 2]);
  if (time % 4 === 0) actions.push(["registerProcessing", time + 5], ["putObject", "a", time]);
  if (time % 5 === 0) actions.push(["clearMap"], ["throw"]);
  return actions;
}

interface NaiveTimer {
  readonly time: number;
  readonly key: string;
  readonly number: number;
}

interface NaiveKey {
  number: number | undefined;
  list: { items: number[] } | undefined;
  entries: Map<string, number | { n: number }>;
}

/** Copies everything before each step, and sorts all timers to find the next. */
class NaiveProcess {
  #watermark = -Infinity;
  #now = 0;
  #state = {
    keys: new Map<string, NaiveKey>(),
    event: [] as NaiveTimer[],
    processing: [] as NaiveTimer[],
    registered: 0,
  };

  run(step: Step): object[] {
    switch (step[0]) {
      case "command":
        return this.step(step[1].key, step[1].actions);
      case "watermark":
        if (step[1] <= this.#watermark) return [];
        this.#watermark = step[1];
        return this.fireDue("event", step[1]);
      case "clock":
        this.#now = Math.max(this.#now, step[1]);
        return this.fireDue("processing", this.#now);
    }
  }

  step(key: string, actions: readonly Action[]): object[] {
    const before = structuredClone(this.#state);
    try {
      return structuredClone(act(this.#machine(key), actions));
    } catch {
      this.#state = before;
      return [];
    }
  }

  fireDue(domain: "event" | "processing", until: number): object[] {
    const outputs: object[] = [];
    for (;;) {
      const due = this.#state[domain]
        .filter(({ time }) => time <= until)
        .toSorted((a, b) => a.time - b.time || a.number - b.number);
      const [first] = due;
      if (first === undefined) return outputs;
      this.#state[domain] = this.#state[domain].filter((timer) => timer !== first);
      outputs.push(...this.step(first.key, actionsOf(first.time)));
    }
  }

  #machine(key: string): Machine {
    const keys = this.#state.keys;
    const cell = keys.get(key) ?? { number: undefined, list: undefined, entries: new Map() };
    keys.set(key, cell);
    const entries = cell.entries as unknown as MapState<string, number | { n: number }>;
    return {
      key,
      timers: this.#timers(key),
      state: { number: field(cell, "number"), list: field(cell, "list"), entries },
    };
  }

  #timers(key: string): Timers {
    const register = (domain: "event" | "processing", time: number): number => {
      if (!this.#state[domain].some((timer) => timer.key === key && timer.time === time)) {
        this.#state[domain].push({ time, key, number: this.#state.registered++ });
      }
      return time;
    };
    const cancel = (domain: "event" | "processing", time: number | undefined): void => {
      this.#state[domain] = this.#state[domain].filter((timer) => timer.key !== key || timer.time !== time);
    };
    return {
      onEventTime: (at) => register("event", at),
      cancelEventTime: (at) => cancel("event", at),
      onProcessingTime: (at) => register("processing", at),
      cancelProcessingTime: (at) => cancel("processing", at),
    };
  }
}

function field<P extends "number" | "list">(cell: NaiveKey, name: P): ValueState<NonNullable<NaiveKey[P]>> {
  return {
    get: () => cell[name] as NonNullable<NaiveKey[P]> | undefined,
    set: (to) => void (cell[name] = to as NaiveKey[P]),
    clear: () => void (cell[name] = undefined as NaiveKey[P]),
  };
}

const scripted = processOperator({
  state: declared,
  process: ({ actions }: Command, context: ProcessContext<string, Declared>) => act(context, actions),
  onTimer: (time: number, context: ProcessContext<string, Declared>) => act(context, actionsOf(time)),
} satisfies ProcessSpec<Command, object, string, Declared>);

const time = fc.integer({ min: -5, max: 40 });
const name = fc.constantFrom("a", "b", "2", "1", "__proto__");
const anyAction: fc.Arbitrary<Action> = fc.oneof(
  fc.tuple(fc.constant("setNumber" as const), fc.option(fc.nat(), { nil: undefined })),
  fc.tuple(fc.constant("setList" as const), fc.array(fc.nat({ max: 9 }), { maxLength: 3 })),
  fc.tuple(fc.constant("pushToList" as const), fc.nat({ max: 9 })),
  fc.tuple(fc.constant("put" as const), name, fc.nat({ max: 9 })),
  fc.tuple(fc.constant("putObject" as const), name, fc.nat({ max: 9 })),
  fc.tuple(fc.constant("changeObject" as const), name),
  fc.tuple(fc.constant("delete" as const), name),
  fc.constant(["clearMap"] as const),
  fc.tuple(fc.constant("register" as const), time),
  fc.tuple(fc.constant("cancel" as const), time),
  fc.tuple(fc.constant("registerProcessing" as const), time),
  fc.tuple(fc.constant("cancelProcessing" as const), time),
  fc.constant(["emit"] as const),
);
const anyCommand = fc
  .record({
    key: fc.constantFrom("a", "b", "c"),
    actions: fc.array(anyAction, { maxLength: 8 }),
    throws: fc.integer({ min: 0, max: 5 }),
  })
  .map(({ key, actions, throws }): Command => ({
    key,
    actions: throws === 0 ? [...actions, ["throw"]] : [...actions, ["emit"]],
  }));
type Step = readonly ["command", Command] | readonly ["watermark", number] | readonly ["clock", number];
const anyScript: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    { weight: 4, arbitrary: fc.tuple(fc.constant("command" as const), anyCommand) },
    { weight: 1, arbitrary: fc.tuple(fc.constant("watermark" as const), time) },
    { weight: 1, arbitrary: fc.tuple(fc.constant("clock" as const), time) },
  ),
  { maxLength: 25 },
);

const modes: Readonly<Record<string, HarnessOptions>> = {
  "item by item": {},
  "restored after every step": { restoreEachStep: true },
  "every record once as poison": { poisonEachRecord: true },
  both: { restoreEachStep: true, poisonEachRecord: true },
};
const keyed = { key: (command: unknown) => (command as Command).key };

function runStep(harness: OperatorHarness, step: Step): void {
  if (step[0] === "command") harness.process(step[1], 0);
  else if (step[0] === "watermark") harness.watermark(step[1]);
  else harness.clock(step[1]);
}

test.each(Object.entries(modes))("P1, P3, P4: state and timers are the naive ones, %s", (_name, options) => {
  fc.assert(
    fc.property(anyScript, (script) => {
      const harness = operatorHarness(scripted, { ...keyed, ...options });
      const naive = new NaiveProcess();
      for (const step of script) {
        runStep(harness, step);
        expect(harness.take().main.map((emitted) => emitted.value)).toEqual(naive.run(step));
      }
    }),
    { numRuns: 100 },
  );
});

test("O1, O2: the bytes are the same with and without restores, poison, and records that failed", () => {
  fc.assert(
    fc.property(anyScript, (script) => {
      const succeeding = script.filter(
        (step) => step[0] !== "command" || step[1].actions.every(([kind]) => kind !== "throw"),
      );
      const states = Object.values(modes).flatMap((options) =>
        [script, succeeding].map((steps) => {
          const harness = operatorHarness(scripted, { ...keyed, ...options });
          for (const step of steps) runStep(harness, step);
          return harness.state;
        }),
      );
      for (const state of states) expect(state).toEqual(states[0]);
    }),
    { numRuns: 100 },
  );
});

function harnessOf<S extends States>(
  spec: ProcessSpec<number, unknown, string, S>,
  options: HarnessOptions = {},
): OperatorHarness {
  return operatorHarness(processOperator(spec), { key: () => "k", ...options });
}

describe("the context", () => {
  test("P2: outputs have the record's time, the timer's time, or none", () => {
    const harness = harnessOf({
      process(at, { timers }) {
        timers.onEventTime(at);
        timers.onProcessingTime(at);
        return ["record"];
      },
      onTimer: (at, { domain }) => [`${domain} ${at}`],
    });
    harness.process(7, 3).watermark(10).clock(10);
    expect(harness.take().main).toEqual([
      { value: "record", timestamp: 3 },
      { value: "event 7", timestamp: 7 },
      { value: "processing 7", timestamp: undefined },
    ]);
  });

  test("timestamp is the record's or the timer's; where there is none, reading it is the record's failure", () => {
    const harness = harnessOf({
      process(at, { timestamp, timers }) {
        timers.onEventTime(timestamp + at);
        timers.onProcessingTime(at);
        return [timestamp];
      },
      onTimer: (_at, context) => [context.timestamp],
    });
    harness.process(5, 1).process(5, undefined).watermark(6).clock(5);
    const { main, deadLetters } = harness.take();
    expect(main.map((emitted) => emitted.value)).toEqual([1, 6]);
    expect(deadLetters.map(({ code, value: failed }) => [code, failed])).toEqual([
      ["TIMESTAMP_INVALID", 5],
      ["TIMESTAMP_INVALID", { timer: 5 }],
    ]);
  });

  test("watermark, now and random answer the instance's, and an undone draw is drawn again", () => {
    const draws: number[] = [];
    const harness = harnessOf({
      process(_at, { watermark, now, random }) {
        draws.push(random());
        if (draws.length === 1) throw new Error("first");
        return [[watermark, now()]];
      },
    });
    harness.clock(50).process(0, 0).process(0, 0).watermark(9).clock(40).process(0, 0);
    expect(harness.take().main.map((emitted) => emitted.value)).toEqual([
      [-Infinity, 50],
      [9, 50],
    ]);
    expect(draws[0]).toBe(draws[1]);
    expect(draws[1]).not.toBe(draws[2]);
    expect(draws.every((draw) => draw >= 0 && draw < 1)).toBe(true);
  });

  test("S2: objects in state cannot be changed from outside of their step, or through each other", () => {
    let kept: { n: number } | undefined;
    const harness = harnessOf({
      state: { one: value<{ n: number }>(), other: value<{ n: number }>() },
      process(at, { state }) {
        if (at === 0) {
          const shared = { n: 0 };
          state.one.set(shared);
          state.other.set(shared);
          shared.n = 1;
          kept = shared;
        }
        if (at === 1 && kept !== undefined) kept.n = 98;
        if (at === 1) kept = Object.assign(state.one.get() ?? { n: 0 }, { n: 1, more: true });
        if (at === 2 && kept !== undefined) kept.n = 99;
        if (at === 3) Object.assign(state.one.get() ?? {}, { n: 5 });
        return [[state.one.get()?.n, state.other.get()?.n]];
      },
    });
    for (const at of [0, 1, 2, 3, 4]) harness.process(at, 0);
    expect(harness.take().main.map((emitted) => emitted.value)).toEqual([
      [1, 1],
      [1, 1],
      [1, 1],
      [5, 1],
      [5, 1],
    ]);
  });

  test("what no snapshot can hold is refused with the record that brings it, also when it comes in through an object that was got", () => {
    const harness = harnessOf({
      state: { any: value<Record<string, unknown>>(), entries: map<string, unknown>() },
      process(at, { state }) {
        if (at === 0) state.any.set({ n: 1 });
        if (at === 1) state.any.set({ f: () => 1 });
        if (at === 2) Object.assign(state.any.get() ?? {}, { f: () => 1 });
        if (at === 3) state.entries.set("x", Symbol("no"));
        return [Object.keys(state.any.get() ?? {}).length + state.entries.size];
      },
    });
    for (const at of [0, 1, 2, 3, 4]) harness.process(at, 0);
    const { main, deadLetters } = harness.take();
    expect(main.map((emitted) => emitted.value)).toEqual([1, 1]);
    expect(deadLetters.map(({ code, operator, key, value: failed }) => [code, operator, key, failed])).toEqual(
      [1, 2, 3].map((at) => ["VALUE_NOT_ENCODABLE", "tested", '"k"', at]),
    );
  });

  test("reading state leaves its segment clean", () => {
    const harness = harnessOf({
      state: { list: value<number[]>(), entries: map<string, { n: number }>() },
      process(at, { state }) {
        if (at === 0) {
          state.list.set([1, 2]);
          state.entries.set("x", { n: 1 });
        }
        return [[state.list.get(), ...state.entries.values()]];
      },
    });
    harness.process(0, 0);
    const before = harness.state;
    expect(harness.process(1, 0).state).toEqual(before);
  });
});

describe("misuse", () => {
  const answers: readonly (readonly [string, unknown, string])[] = [
    [
      "a string",
      "text",
      'process answered the string "text"; it may answer nothing, or an iterable object such as an array',
    ],
    [
      "a promise",
      Promise.resolve([1]),
      "process answered a promise, which nothing waits for; it may answer nothing, or an iterable object such as an array",
    ],
    ["a number", 5, "process answered 5; it may answer nothing, or an iterable object such as an array"],
    [
      "an object",
      {},
      "process answered an object that is not iterable; it may answer nothing, or an iterable object such as an array",
    ],
  ];
  test.each(answers)("%s is no list of outputs", (_name, answer, message) => {
    const { main, deadLetters } = harnessOf({ process: () => answer as never })
      .process(1, 0)
      .take();
    expect(main).toEqual([]);
    expect(deadLetters).toMatchObject([{ code: "USER_FUNCTION", message }]);
  });

  test("a timer at a time that is none is refused", () => {
    const harness = harnessOf({ process: (at, { timers }) => void timers.onEventTime(at), onTimer: () => undefined });
    harness.process(Number.NaN, 0).process(1.5, 0).process(Infinity, 0);
    expect(harness.take().deadLetters.map(({ code, message }) => [code, message])).toEqual(
      ["NaN", "1.5", "Infinity"].map((shown) => [
        "TIMESTAMP_INVALID",
        `the time of a timer is ${shown}: a timestamp is a whole number of milliseconds since the epoch`,
      ]),
    );
  });

  test("a timer without onTimer is refused", () => {
    const harness = harnessOf({ process: (at, { timers }) => void timers.onProcessingTime(at) });
    expect(harness.process(1, 0).take().deadLetters).toMatchObject([
      { message: "tested registers a timer and has no onTimer" },
    ]);
  });

  test("state that is not declared with value() or map() is refused when the operator is made", () => {
    expect(() => harnessOf({ state: { n: 5 as never }, process: () => undefined })).toThrow(
      expect.objectContaining({ code: "OPTION_INVALID" }),
    );
  });

  test("keys of map state are primitives", () => {
    const harness = harnessOf({
      state: { entries: map<string, number>() },
      process: (_at, { state }) => state.entries.set({} as never, 1),
    });
    expect(harness.process(1, 0).take().deadLetters).toMatchObject([{ code: "KEY_INVALID" }]);
  });
});

test("a key whose state and timers are gone leaves nothing behind", () => {
  const harness = harnessOf({
    state: { n: value<number>(), entries: map<string, number>() },
    process(at, { state, timers }) {
      state.n.set(at);
      state.entries.set("x", at);
      timers.onEventTime(at);
      timers.cancelEventTime(at);
      timers.onEventTime(at + 1);
    },
    onTimer(_at, { state }) {
      state.n.clear();
      state.entries.delete("x");
    },
  });
  harness.process(1, 0);
  expect(Object.keys(harness.state.segments)).toHaveLength(1);
  expect(harness.watermark(2).state.segments).toEqual({});
});

test("processing-time timers that are overdue after a restore fire with the next tick, and not at the end of the input", () => {
  const harness = harnessOf({ process: (at, { timers }) => void timers.onProcessingTime(at), onTimer: (at) => [at] });
  harness.process(5, 0).restore();
  expect(harness.nextTickAt).toBe(5);
  expect(harness.watermark(Infinity).take().main).toEqual([]);
  expect(harness.clock(100).take().main).toEqual([{ value: 5, timestamp: undefined }]);
});
