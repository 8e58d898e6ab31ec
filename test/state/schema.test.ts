/**
 * Versions of state: what an older version of a program has left, migrated when a newer one goes on from its savepoint.
 */
import { describe, expect, test } from "vitest";
import { StreamError } from "../../framework/errors.ts";
import { broadcastProcessOperator } from "../../framework/operator/broadcast-process.ts";
import { aggregating } from "../../framework/operator/aggregating.ts";
import { processOperator, type ProcessSpec } from "../../framework/operator/process.ts";
import { windowOperator } from "../../framework/operator/window.ts";
import { list, map, reducing, value, type States } from "../../framework/state/descriptors.ts";
import { schema, type Schema, type SchemaOptions } from "../../framework/state/schema.ts";
import { OperatorHarness, operatorHarness } from "../../framework/testing/operator-harness.ts";
import { tumbling } from "../../framework/window/assigner.ts";

interface Item {
  readonly key: string;
  readonly n: number;
}

const key = (item: unknown): string => (item as Item).key;

/** An operator of any state. */
function operator<S extends States>(spec: ProcessSpec<Item, unknown, string, S>) {
  return processOperator(spec);
}

const modes: readonly NonNullable<SchemaOptions["migrates"]>[] = ["atRestore", "whenTouched"];

describe.each(modes)("state migrated %s", (migrates) => {
  test("every kind of state becomes what the new version works with: values, elements, entries, sums and accumulators", () => {
    const before = operatorHarness(
      operator({
        state: {
          last: value<number>(),
          all: list<number>(),
          byN: map<number, number>(),
          total: reducing((a: number, b: number) => a + b),
          mean: aggregating({ create: () => [0], add: ([sum = 0], n: number) => [sum + n], result: ([sum]) => sum }),
        },
        process({ n }, { state }) {
          state.last.set(n);
          state.all.append(n);
          state.byN.set(n, n * 10);
          state.total.add(n);
          state.mean.add(n);
          return [];
        },
      }),
      { key },
    );
    for (const n of [1, 2, 3]) before.process({ key: "a", n });
    const boxed = schema<number>({ migrates }).migrate((n) => ({ n }));
    const accumulator = schema<number[]>({ migrates }).migrate(([sum = 0]) => ({ sum }));
    const [after] = OperatorHarness.fromSavepoint(
      [before],
      operator({
        state: {
          last: value({ schema: boxed }),
          all: list({ schema: boxed }),
          byN: map<number, { n: number }>({ schema: boxed }),
          total: reducing((a: { n: number }, b: { n: number }) => ({ n: a.n + b.n }), { schema: boxed }),
          mean: aggregating(
            {
              create: () => ({ sum: 0 }),
              add: ({ sum }, n: number) => ({ sum: sum + n }),
              result: ({ sum }) => `sum ${sum}`,
            },
            { schema: accumulator },
          ),
        },
        process({ n }, { state }) {
          state.mean.add(n);
          return [
            [state.last.get(), [...state.all.values()], [...state.byN.entries()], state.total.get(), state.mean.get()],
          ];
        },
      }),
    );
    after?.process({ key: "a", n: 4 });
    expect(after?.take().main.map(({ value: said }) => said)).toEqual([
      [
        { n: 3 },
        [{ n: 1 }, { n: 2 }, { n: 3 }],
        [
          [1, { n: 10 }],
          [2, { n: 20 }],
          [3, { n: 30 }],
        ],
        { n: 6 },
        "sum 10",
      ],
    ]);
  });

  test("versions follow each other, also those that a snapshot of the new generation holds", () => {
    const at = (chain: Schema<unknown> | undefined) =>
      operator({
        state: { last: value<unknown>({ schema: chain }) },
        process({ n }, { state }) {
          const before = state.last.get();
          if (before === undefined) state.last.set(n);
          return [before];
        },
      });
    const second = schema<number>({ migrates }).migrate((n) => `second ${n}`);
    const third = second.migrate((text) => `third after ${text}`);
    const first = operatorHarness(at(undefined), { key }).process({ key: "a", n: 7 });
    const [both] = OperatorHarness.fromSavepoint([first], at(third));
    both?.process({ key: "a", n: 0 });
    expect(both?.take().main[0]?.value).toBe("third after second 7");
    const [one] = OperatorHarness.fromSavepoint([first], at(second));
    // A snapshot of the second generation holds its version, touched or not; so does its savepoint.
    one?.restore();
    const [other] = OperatorHarness.fromSavepoint([one as OperatorHarness], at(third));
    other?.restore().process({ key: "a", n: 0 });
    expect(other?.take().main[0]?.value).toBe("third after second 7");
  });

  test("state with a ttl is migrated, and keeps its age", () => {
    const at = (chain: Schema<unknown> | undefined) =>
      operator({
        state: {
          last: value<unknown>({ ttl: "10ms", schema: chain }),
          seen: map<string, unknown>({ ttl: "10ms", schema: chain }),
          all: list<unknown>({ ttl: "10ms", schema: chain }),
        },
        process({ n }, { state }) {
          const said = [state.last.get(), [...state.seen.entries()], [...state.all.values()]];
          if (n > 0) {
            state.last.set(n);
            state.seen.set(`k${n}`, n);
            state.all.append(n);
          }
          return [said];
        },
      });
    const before = operatorHarness(at(undefined), { key })
      .process({ key: "a", n: 1 }, 100)
      .process({ key: "a", n: 2 }, 108);
    const [after] = OperatorHarness.fromSavepoint([before], at(schema<number>({ migrates }).migrate((n) => -n)));
    after?.watermark(110).process({ key: "a", n: 0 }, 111);
    expect(after?.take().main[0]?.value).toEqual([-2, [["k2", -2]], [-2]]);
  });

  test("state of windows is migrated, by the names of what is declared", () => {
    const at = (windowState: States) =>
      windowOperator({
        assigner: tumbling("10ms"),
        allowedLatenessMs: 1_000,
        process: {
          windowState,
          process: (_values: unknown, { windowState: held }: { windowState: unknown }) => {
            const of = held as Record<string, { get(): unknown; set(to: unknown): void }>;
            const before = Object.values(of).map((state) => state.get());
            of["fired"]?.set(1);
            return [before];
          },
        },
      });
    const before = operatorHarness(at({ fired: value<number>() }), { key })
      .process({ key: "a", n: 1 }, 5)
      .watermark(20);
    before.take();
    const fired = value({ schema: schema<number>({ migrates }).migrate((n) => `fired ${n}`) });
    const [after] = OperatorHarness.fromSavepoint([before], at({ added: value<number>(), fired }));
    after?.process({ key: "a", n: 2 }, 6);
    expect(after?.take().main[0]?.value).toEqual([undefined, "fired 1"]);
  });

  test("rules are migrated", () => {
    const at = (chain: Schema<unknown> | undefined) =>
      broadcastProcessOperator({
        rules: map<string, unknown>({ schema: chain }),
        process: (_item: Item, { rules }: { rules: { get(name: string): unknown } }) => [rules.get("limit")],
        onBroadcast(rule: Item, { rules }: { rules: { set(name: string, to: unknown): void } }) {
          rules.set(rule.key, rule.n);
          return [];
        },
      } as never);
    const before = operatorHarness(at(undefined), { key: [key, undefined] }).process({ key: "limit", n: 5 }, 0, 1);
    const [after] = OperatorHarness.fromSavepoint(
      [before],
      at(schema<number>({ migrates }).migrate((n) => ({ above: n }))),
    );
    after?.restore().process({ key: "a", n: 1 }, 0, 0);
    expect(after?.take().main[0]?.value).toEqual({ above: 5 });
  });

  test("V2: what a migration answers may be changed afterwards: state is a copy of its own", () => {
    const shared = { n: 0 };
    const at = (chain: Schema<{ n: number }> | undefined) =>
      operator({
        state: { last: value<{ n: number }>({ schema: chain }) },
        process({ n }, { state }) {
          shared.n = 1_000;
          const held = state.last.get();
          state.last.set(held ?? { n });
          return [held?.n];
        },
      });
    const before = operatorHarness(at(undefined), { key }).process({ key: "a", n: 1 });
    shared.n = 5;
    const [after] = OperatorHarness.fromSavepoint(
      [before],
      at(schema<{ n: number }>({ migrates }).migrate(() => shared)),
    );
    if (migrates === "whenTouched") after?.restore();
    after?.process({ key: "a", n: 2 });
    expect(after?.take().main[0]?.value).toBe(5);
  });
});

describe("what cannot be migrated is refused, with state, key and versions", () => {
  const at = (chain: Schema<unknown> | undefined) =>
    operator({
      state: { last: value<unknown>({ schema: chain }) },
      process({ n }, { state }) {
        const before = state.last.get();
        state.last.set(n);
        return [before];
      },
    });
  const open = (chain?: Schema<unknown>) => operatorHarness(at(chain), { key }).process({ key: "a", n: 7 });
  const failing = (options: SchemaOptions) =>
    schema<number>(options).migrate(() => {
      throw new Error("no unit");
    });

  test("V3: a migration that throws at the restore", () => {
    expect(() => OperatorHarness.fromSavepoint([open()], at(failing({})))).toThrow(
      'state tested/state/last of key "a" cannot be migrated from version 1 to 2: no unit',
    );
  });

  test("V3: a migration that throws when it is touched: by a record, and by a snapshot", () => {
    const reason = 'state tested/state/last of key "a" cannot be migrated from version 1 to 2: no unit';
    const touched = () => OperatorHarness.fromSavepoint([open()], at(failing({ migrates: "whenTouched" })))[0];
    expect(() => touched()?.process({ key: "a", n: 1 })).toThrow(reason);
    expect(() => touched()?.restore()).toThrow(reason);
    expect(() => touched()?.process({ key: "b", n: 1 })).not.toThrow();
  });

  test("a migration that answers undefined, or what no codec takes", () => {
    const chain = (answer: () => unknown) => at(schema<number>().migrate(answer));
    expect(() =>
      OperatorHarness.fromSavepoint(
        [open()],
        chain(() => undefined),
      ),
    ).toThrow("it answered undefined");
    expect(() =>
      OperatorHarness.fromSavepoint(
        [open()],
        chain(() => () => 1),
      ),
    ).toThrow(/version 1 to 2: .*function/);
  });

  test("a newer version, and one that there is no way from", () => {
    const second = schema<number>().migrate((n) => n);
    expect(() => OperatorHarness.fromSavepoint([open(second)], at(undefined))).toThrow(
      'state tested/state/last of key "a" holds version 2, and the program knows versions up to 1',
    );
    expect(() => OperatorHarness.fromSavepoint([open()], at(schema<number>({ version: 3 })))).toThrow(
      'state tested/state/last of key "a" holds version 1, and the program has migrations from version 3 on',
    );
  });

  test("R12: a snapshot of the same generation is never of another version", () => {
    const second = schema<number>().migrate((n) => n);
    expect(() => open().restoreInto(at(second))).toThrow(
      /holds the state \[tested\/state\/last, .*\], the program declares \[tested\/state\/last version 2, .*\]: take a savepoint/,
    );
    const rules = (chain: Schema<unknown> | undefined) =>
      broadcastProcessOperator({
        rules: value<unknown>({ schema: chain }),
        process: () => [],
        onBroadcast(rule: Item, { rules: held }: { rules: { set(to: unknown): void } }) {
          held.set(rule.n);
          return [];
        },
      } as never);
    const ruled = operatorHarness(rules(undefined), { key: [key, undefined] }).process({ key: "", n: 5 }, 0, 1);
    expect(() => ruled.restoreInto(rules(second))).toThrow("tested/rules has version 1, and the program 2");
  });

  test("a schema that makes no sense", () => {
    for (const wrong of [
      () => schema({ version: 0 }),
      () => schema({ migrates: "later" as never }),
      () => at({ version: 2 } as never),
    ])
      expect(StreamError.is(thrownBy(wrong), "OPTION_INVALID")).toBe(true);
    expect(() => schema({ versoin: 2 } as never)).toThrow('did you mean "version"?');
  });
});

function thrownBy(action: () => unknown): unknown {
  try {
    action();
    return undefined;
  } catch (error) {
    return error;
  }
}
