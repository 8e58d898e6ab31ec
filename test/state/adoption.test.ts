/**
 * Keys divided anew: the instances of a savepoint become another number of instances, which together do what one would have done.
 */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { average } from "../../framework/operator/aggregates.ts";
import type { OperatorFactory } from "../../framework/operator/contract.ts";
import { intervalJoinOperator } from "../../framework/operator/interval-join.ts";
import { processOperator, type ProcessSpec } from "../../framework/operator/process.ts";
import { windowOperator } from "../../framework/operator/window.ts";
import { hashKey, partitionOf } from "../../framework/record/key.ts";
import { list, map, value, type States } from "../../framework/state/descriptors.ts";
import { OperatorHarness, operatorHarness, type Emitted } from "../../framework/testing/operator-harness.ts";
import { session } from "../../framework/window/session.ts";
import { sliding } from "../../framework/window/assigner.ts";

interface Item {
  readonly key: number;
  readonly at: number;
  readonly n: number;
}

const key = (item: unknown): number => (item as Item).key;

function operator<S extends States>(spec: ProcessSpec<Item, unknown, number, S>): OperatorFactory {
  return processOperator(spec);
}

const operators: Readonly<Record<string, () => OperatorFactory>> = {
  "state and timers": () =>
    operator({
      state: { last: value<Item>(), all: list<number>(), byN: map<number, number>({ ttl: "40ms" }) },
      process({ n, at, key: of }, { state, timers }) {
        state.last.set({ n, at, key: of });
        state.all.append(n);
        state.byN.set(n % 3, n);
        timers.onEventTime(at + 10 + (n % 4));
        if (n % 5 === 0) timers.cancelEventTime(at + 10);
        return [];
      },
      onTimer: (time, { key: of, state }) => [
        [of, time, state.last.get(), [...state.all.values()], [...state.byN.entries()]],
      ],
    }),
  "sliding averages": () =>
    windowOperator({ assigner: sliding("20ms", "5ms"), aggregate: average((item: Item) => item.n) }),
  sessions: () =>
    windowOperator({
      assigner: session("7ms"),
      process: {
        process: (values: readonly Item[], { key: of }: { key: unknown }) => [[of, values.map(({ n }) => n)]],
      },
    }),
  "interval joins": () =>
    intervalJoinOperator({
      lowerMs: -5,
      upperMs: 5,
      bounds: "[]",
      type: "full",
      select: (a: unknown, b: unknown) => [a, b],
    }),
};

/** Instances of one stage: a record goes to the one of its key. */
class Instances {
  readonly #factory: () => OperatorFactory;
  #all: readonly OperatorHarness[];
  readonly said: Emitted[] = [];

  constructor(factory: () => OperatorFactory, count: number) {
    this.#factory = factory;
    this.#all = Array.from({ length: count }, () => operatorHarness(factory(), { key: [key, key] }));
  }

  process(item: Item): void {
    this.#all[partitionOf(hashKey(item.key), this.#all.length)]?.process(item, item.at, item.n % 2);
  }

  watermark(at: number): void {
    for (const each of this.#all) each.watermark(at);
  }

  redivide(count: number): void {
    this.take();
    const [first, ...others] = this.#all;
    if (first !== undefined) this.#all = OperatorHarness.fromSavepoint([first, ...others], this.#factory(), count);
  }

  take(): readonly Emitted[] {
    for (const each of this.#all) {
      const { main, deadLetters } = each.take();
      if (deadLetters.length > 0) throw new Error(`a dead letter: ${deadLetters[0]?.message}`);
      this.said.push(...main);
    }
    return this.said;
  }

  get states(): readonly unknown[] {
    return this.#all.map((each) => each.state.segments);
  }
}

const item = fc.record({ key: fc.nat(12), n: fc.nat(30), ms: fc.nat(4) });
const action = fc.oneof(
  { weight: 6, arbitrary: item.map((of) => ({ kind: "item" as const, ...of })) },
  { weight: 1, arbitrary: fc.nat(12).map((ms) => ({ kind: "watermark" as const, ms })) },
  { weight: 1, arbitrary: fc.integer({ min: 1, max: 7 }).map((count) => ({ kind: "redivide" as const, count })) },
);

describe.each(Object.entries(operators))("%s", (_name, factory) => {
  test("divided anew now and then, all instances together say what one says", () => {
    fc.assert(
      fc.property(fc.array(action, { maxLength: 60 }), (actions) => {
        const [one, several] = [new Instances(factory, 1), new Instances(factory, 3)];
        let [now, watermark] = [0, -1];
        for (const each of actions) {
          if (each.kind === "redivide") several.redivide(each.count);
          else if (each.kind === "item") {
            now += each.ms;
            for (const of of [one, several]) of.process({ key: each.key, n: each.n, at: now });
          } else {
            watermark = Math.max(watermark, now - each.ms);
            for (const of of [one, several]) of.watermark(watermark);
          }
        }
        for (const of of [one, several]) of.watermark(Infinity);
        expect(byKey(several.take())).toEqual(byKey(one.take()));
      }),
      { numRuns: 150 },
    );
  });

  test("A1: as many instances go on as there were, with the same bytes", () => {
    const instances = new Instances(factory, 3);
    for (let n = 0; n < 40; n++) instances.process({ key: n % 11, n, at: n });
    instances.watermark(25);
    const before = instances.states;
    instances.redivide(3);
    expect(instances.states).toEqual(before);
  });
});

test("A2: timers of one time fire in the order of their registration within each old instance, and the same in every restore", () => {
  const factory = () =>
    operator({
      process: (_, { timers }) => {
        timers.onEventTime(100);
        return [];
      },
      onTimer: (_time, { key: of }) => [of],
    });
  const fired = (): unknown[] => {
    const instances = new Instances(factory, 3);
    const keys = Array.from({ length: 30 }, (_, at) => (at * 7) % 30);
    for (const of of keys) instances.process({ key: of, n: 0, at: 1 });
    instances.redivide(1);
    instances.watermark(100);
    const said = instances.take().map(({ value: of }) => of as number);
    for (const old of [0, 1, 2]) {
      const isOld = (of: number) => partitionOf(hashKey(of), 3) === old;
      expect(said.filter(isOld)).toEqual(keys.filter(isOld));
    }
    return said;
  };
  expect(fired()).toEqual(fired());
});

test("A2: a timer that is registered behind a restore fires behind those of its time that were registered before", () => {
  const factory = () =>
    operator({
      process: ({ n }, { timers }) => {
        for (let at = 0; at < n; at++) timers.cancelEventTime(timers.onEventTime(1_000 + at));
        timers.onEventTime(100);
        return [];
      },
      onTimer: (_time, { key: of }) => [of],
    });
  const instances = new Instances(factory, 3);
  for (const of of [1, 2, 3, 4]) instances.process({ key: of, n: 20, at: 1 });
  instances.redivide(1);
  instances.process({ key: 5, n: 0, at: 2 });
  instances.watermark(100);
  expect(instances.take().at(-1)?.value).toBe(5);
});

test("A3: state that the program does not know is refused, unless there is none of it", () => {
  const factory = (name: string) =>
    operator({
      state: { [name]: value<number>() },
      process: ({ n }, { state }) => {
        if (n > 0) state[name]?.set(n);
        return [];
      },
    });
  const [empty, full] = [0, 1].map((n) => operatorHarness(factory("old"), { key }).process({ key: 5, n, at: 0 }));
  expect(() => OperatorHarness.fromSavepoint([empty as OperatorHarness], factory("new"))).not.toThrow();
  expect(() => OperatorHarness.fromSavepoint([full as OperatorHarness], factory("new"))).toThrow(
    "the savepoint has state tested/state/old of key 5, and the program has none like it",
  );
});

/** What has been said of each key, in order; keys are not compared with each other. */
function byKey(said: readonly Emitted[]): Readonly<Record<string, readonly Emitted[]>> {
  return Object.groupBy(said, ({ value: of }) => keyIn(of)) as Readonly<Record<string, readonly Emitted[]>>;
}

function keyIn(said: unknown): string {
  if (!Array.isArray(said)) return String((said as { key: number }).key);
  const [first, second] = said as readonly unknown[];
  const one = first ?? second;
  return JSON.stringify(typeof one === "object" ? (one as Item).key : one);
}
