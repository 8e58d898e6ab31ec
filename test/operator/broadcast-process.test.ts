import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  broadcastProcessOperator,
  type BroadcastProcessSpec,
  type ReadRules,
  type RulesOf,
} from "../../framework/operator/broadcast-process.ts";
import { map, value, type MapDescriptor, type States } from "../../framework/state/descriptors.ts";
import {
  operatorHarness,
  type HarnessOptions,
  type OperatorHarness,
} from "../../framework/testing/operator-harness.ts";
import { anyMode } from "./join-model.ts";

interface Reading {
  readonly key: string;
  readonly n: number;
}

type Limits = MapDescriptor<string, { max: number }>;

const rulesPort = 1;

function begin<S extends States, B>(
  spec: BroadcastProcessSpec<Reading, B, unknown, string, S, Limits>,
  options: HarnessOptions = {},
): OperatorHarness {
  return operatorHarness(broadcastProcessOperator(spec), { key: [(r) => (r as Reading).key, undefined], ...options });
}

const values = (harness: OperatorHarness): readonly unknown[] => harness.take().main.map((emitted) => emitted.value);

describe("B1: rules", () => {
  const limited = {
    rules: map<string, { max: number }>(),
    process({ key, n }: Reading, { rules }: { rules: ReadRules<Limits> }) {
      const limit = rules.get(key);
      if (n === 99 && limit !== undefined) limit.max = n;
      return [limit?.max];
    },
    onBroadcast({ key, n }: Reading, { rules }: { rules: RulesOf<Limits> }) {
      if (n === 0) throw new Error("no");
      const limit = rules.get(key);
      if (limit === undefined) rules.set(key, { max: n });
      else limit.max = n;
    },
  };

  test("are what onBroadcast made them, for every key, also changed in place and after a restore", () => {
    const harness = begin(limited, { restoreEachStep: true });
    harness.process({ key: "a", n: 1 }, 0);
    harness.process({ key: "a", n: 5 }, 0, rulesPort);
    harness.process({ key: "a", n: 1 }, 0);
    harness.process({ key: "a", n: 7 }, 0, rulesPort);
    harness.process({ key: "a", n: 1 }, 0);
    harness.process({ key: "b", n: 1 }, 0);
    expect(values(harness)).toEqual([undefined, 5, 7, undefined]);
  });

  test("a record that changes one is a dead letter, and the rule stays", () => {
    const harness = begin(limited);
    harness.process({ key: "a", n: 5 }, 0, rulesPort);
    harness.process({ key: "a", n: 99 }, 0);
    const { main, deadLetters } = harness.process({ key: "a", n: 1 }, 0).take();
    expect(deadLetters).toMatchObject([
      { key: '"a"', message: expect.stringContaining("outside of onBroadcast") as string },
    ]);
    expect(main.map((emitted) => emitted.value)).toEqual([5]);
  });

  test("one that fails is a dead letter without a key, and leaves the others as they were", () => {
    const harness = begin(limited);
    harness.process({ key: "a", n: 5 }, 0, rulesPort);
    harness.process({ key: "a", n: 0 }, 7, rulesPort);
    const { deadLetters } = harness.take();
    expect(deadLetters).toMatchObject([{ key: undefined, edge: rulesPort, timestamp: 7, origin: "record" }]);
    expect(values(harness.process({ key: "a", n: 1 }, 0))).toEqual([5]);
  });

  test("state of a key is not there for a rule, and asking for it fails the rule alone", () => {
    const harness = begin({
      state: { n: value<number>() },
      rules: map<string, { max: number }>(),
      process: ({ n }: Reading, { state }) => state.n.set(n),
      onBroadcast(_rule: Reading, { forEachKey }) {
        let leaked: { n: { get(): unknown } } | undefined;
        forEachKey((_key, { state }) => (leaked = state));
        leaked?.n.get();
      },
    });
    harness.process({ key: "a", n: 1 }, 0);
    harness.process({ key: "a", n: 1 }, 0, rulesPort);
    const message = expect.stringContaining("state is there only while") as string;
    expect(harness.take().deadLetters).toMatchObject([{ message, key: undefined }]);
  });

  test("forEachKey within forEachKey fails the rule", () => {
    const harness = begin({
      rules: map<string, { max: number }>(),
      state: { n: value<number>() },
      process: ({ n }: Reading, { state }) => state.n.set(n),
      onBroadcast: (_rule: Reading, { forEachKey }) => forEachKey(() => forEachKey(() => undefined)),
    });
    harness.process({ key: "a", n: 1 }, 0);
    harness.process({ key: "a", n: 1 }, 0, rulesPort);
    expect(harness.take().deadLetters).toMatchObject([{ message: "forEachKey is called within forEachKey" }]);
  });

  test("what cannot be stored of a key fails the rule, also when that is caught", () => {
    const harness = begin({
      rules: map<string, { max: number }>(),
      state: { n: value<unknown>() },
      process: ({ n }: Reading, { state }) => state.n.set(n),
      onBroadcast(_rule: Reading, { forEachKey, rules }) {
        rules.set("any", { max: 1 });
        try {
          forEachKey((_key, { state }) => state.n.set(() => 0));
        } catch {
          return;
        }
      },
    });
    harness.process({ key: "a", n: 1 }, 0);
    const before = harness.state;
    harness.process({ key: "a", n: 1 }, 0, rulesPort);
    expect(harness.take().deadLetters).toMatchObject([{ code: "VALUE_NOT_ENCODABLE" }]);
    expect(harness.state).toEqual(before);
  });
});

/** A model in plain maps of a program that counts per key, and whose rules go through all keys. */
interface Command extends Reading {
  readonly kind: "count" | "double" | "drop odd" | "list" | "fail half-way" | "not encodable" | "timer";
}

const counting = broadcastProcessOperator({
  state: { box: value<{ n: number }>(), seen: map<string, { n: number }>() },
  rules: map<string, { n: number }>(),
  process({ key, n }, { state, rules }) {
    const box = state.box.get() ?? { n: 0 };
    box.n += n;
    state.box.set(box);
    state.seen.set("last", { n });
    return [[key, box.n, rules.get("doubled")?.n ?? 0]];
  },
  onBroadcast({ kind }, { rules, forEachKey }) {
    const doubled = rules.get("doubled") ?? { n: 0 };
    rules.set("doubled", doubled);
    const listed: unknown[] = [];
    let visited = 0;
    forEachKey((key, { state, timers }) => {
      visited += 1;
      const box = state.box.get();
      if (kind === "double" && box !== undefined) box.n *= 2;
      if (kind === "drop odd" && box !== undefined && box.n % 2 === 1) {
        state.box.clear();
        state.seen.clear();
      }
      if (kind === "list") listed.push([key, box?.n, state.seen.get("last")?.n]);
      if (kind === "timer") timers.onEventTime(100);
      if (kind === "fail half-way") {
        state.box.clear();
        state.seen.clear();
        if (visited === 2) throw new Error("half-way");
      }
      if (kind === "not encodable") state.box.set({ n: (() => 0) as never });
    });
    doubled.n += 1;
    return listed;
  },
  onTimer: (time, { key, state }) => [[key, "timer", time, state.box.get()?.n]],
} satisfies BroadcastProcessSpec<
  Reading,
  Command,
  unknown,
  string,
  { box: ReturnType<typeof value<{ n: number }>>; seen: MapDescriptor<string, { n: number }> },
  MapDescriptor<string, { n: number }>
>);

function modelOf(commands: readonly Command[]): readonly unknown[] {
  const boxes = new Map<string, { n: number; last: number }>();
  const timers = new Set<string>();
  const said: unknown[] = [];
  let rules = 0;
  for (const { kind, key, n } of commands) {
    if (kind === "count") {
      const box = { n: (boxes.get(key)?.n ?? 0) + n, last: n };
      boxes.set(key, box);
      said.push([key, box.n, rules]);
      continue;
    }
    const known = new Set([...boxes.keys(), ...timers]);
    if ((kind === "fail half-way" && known.size >= 2) || (kind === "not encodable" && known.size > 0)) continue;
    rules += 1;
    for (const name of known) {
      const box = boxes.get(name);
      if (kind === "double" && box !== undefined) box.n *= 2;
      if (kind === "drop odd" && box !== undefined && Math.abs(box.n % 2) === 1) boxes.delete(name);
      if (kind === "list") said.push([name, box?.n, box?.last]);
      if (kind === "timer") timers.add(name);
      if (kind === "fail half-way") boxes.delete(name);
    }
  }
  return [...said, ...[...timers].map((name) => [name, "timer", 100, boxes.get(name)?.n])];
}

const command: fc.Arbitrary<Command> = fc.record({
  kind: fc.constantFrom<Command["kind"][]>(
    "count",
    "count",
    "count",
    "double",
    "drop odd",
    "list",
    "fail half-way",
    "not encodable",
    "timer",
  ),
  key: fc.constantFrom("a", "b", "c", "__proto__"),
  n: fc.nat({ max: 5 }),
});

const sorted = (all: readonly unknown[]): readonly string[] => all.map((each) => JSON.stringify(each)).toSorted();

describe("B2: forEachKey changes every key, and the rules, or nothing", () => {
  test("as plain maps would, also restored after each step and with every record as poison", () => {
    const property = fc.property(fc.array(command, { maxLength: 25 }), anyMode, (commands, mode) => {
      const harness = operatorHarness(counting, {
        key: [(r) => (r as Reading).key, undefined],
        manualWatermarks: true,
        ...mode,
      });

      for (const each of commands) harness.process(each, 0, each.kind === "count" ? 0 : rulesPort);
      harness.watermark(Infinity);
      expect(sorted(values(harness))).toEqual(sorted(modelOf(commands)));
    });
    fc.assert(property, { numRuns: 1000 });
  });

  test("the keys come in an order that is the same after a restore", () => {
    const order = (restoreEachStep: boolean): readonly unknown[] => {
      const harness = operatorHarness(counting, { key: [(r) => (r as Reading).key, undefined], restoreEachStep });
      for (const key of ["d", "a", "c", "b", "e"]) harness.process({ kind: "count", key, n: 1 }, 0);
      harness.process({ kind: "drop odd" }, 0, rulesPort);
      for (const key of ["b", "d", "a"]) harness.process({ kind: "count", key, n: 1 }, 0);
      harness.take();
      return values(harness.process({ kind: "list" }, 0, rulesPort));
    };
    expect(order(true)).toEqual(order(false));
    expect(order(false)).toHaveLength(3);
  });
});
