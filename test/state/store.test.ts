import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Key } from "../../framework/record/key.ts";
import { map, value, type StateOf } from "../../framework/state/descriptors.ts";
import { KeyedStore } from "../../framework/state/store.ts";
import { segmentCount } from "../../framework/state/row.ts";
import { hashKey } from "../../framework/record/key.ts";

const declared = { n: value<number>(), entries: map<string, number>() };

interface Opened {
  readonly store: KeyedStore;
  readonly state: StateOf<typeof declared>;
}

function open(): Opened {
  const store = new KeyedStore();
  return { store, state: store.namespace("op").states(declared) };
}

/** Sets the key's number as one step; undefined clears it. */
function put({ store, state }: Opened, key: Key, n: number | undefined): void {
  store.select(key);
  store.begin();
  state.n.set(n);
  store.commit();
}

function read({ store, state }: Opened, key: Key): number | undefined {
  store.select(key);
  store.begin();
  const n = state.n.get();
  store.commit();
  return n;
}

type Segments = Map<number, Uint8Array>;

/** Brings what a snapshot holds up to date with a cut, in slices of `bytesMax`. */
function take(store: KeyedStore, into: Segments, bytesMax = 1): Segments {
  const cut = store.cut();
  while (!cut.encodeSome(bytesMax)) continue;
  for (const { segment, bytes } of cut.segments()) {
    if (bytes === undefined) into.delete(segment);
    else into.set(segment, bytes);
  }
  return into;
}

function restored(segments: Segments): Opened {
  const opened = open();
  opened.store.restore(
    [...segments].map(([segment, bytes]) => ({ segment, bytes })),
    1,
  );
  return opened;
}

describe("rows", () => {
  test("select answers the key's hash, for a new key and a known one", () => {
    const opened = open();
    for (const key of ["a", "é", 5, -0, true, 12n, ["a", 1]] as Key[]) {
      expect(opened.store.select(key)).toBe(hashKey(key));
      put(opened, key, 1);
      expect(opened.store.select(key)).toBe(hashKey(key));
    }
  });

  test("keys that differ have rows that differ, and equal ones the same", () => {
    const opened = open();
    const keys: Key[] = [
      "1",
      1,
      1n,
      true,
      "true",
      ["1"],
      [1],
      ["1", "1"],
      "__proto__",
      "constructor",
      "",
      "\0",
      "\ud800",
    ];
    for (const [at, key] of keys.entries()) put(opened, key, at);
    expect(keys.map((key) => read(opened, key))).toEqual(keys.map((_, at) => at));
    put(opened, -0, 50);
    expect(read(opened, 0)).toBe(50);
    expect(opened.store.size).toBe(keys.length + 1);
  });

  test("K3: a row without state does not outlive its step", () => {
    const opened = open();
    expect(read(opened, "a")).toBeUndefined();
    put(opened, "a", 1);
    expect(opened.store.size).toBe(1);
    put(opened, "a", undefined);
    expect(opened.store.size).toBe(0);
  });

  test("K2: a step that is undone leaves no row behind, and takes none away", () => {
    const opened = open();
    put(opened, "kept", 1);
    for (const [key, n] of [
      ["new", 1],
      ["kept", undefined],
    ] as const) {
      opened.store.select(key);
      opened.store.begin();
      opened.state.n.set(n);
      opened.state.entries.set("x", 1);
      opened.store.undo();
    }
    expect(opened.store.size).toBe(1);
    expect(read(opened, "kept")).toBe(1);
  });

  test("a tuple handed to user code cannot be changed", () => {
    const { store } = open();
    const key: [string, number] = ["a", 1];
    store.select(key);
    key[1] = 2;
    expect(store.current.key).toEqual(["a", 1]);
    expect(Object.isFrozen(store.current.key)).toBe(true);
  });

  test("state is there only while a key is being processed", () => {
    expect(() => open().state.n.get()).toThrow("state is there only while");
  });

  test("state is declared before the first record, under names of its own", () => {
    const opened = open();
    expect(() => opened.store.namespace("op").states(declared)).toThrow("state op/state/n is declared twice");
    put(opened, "a", 1);
    expect(() => opened.store.namespace("other").states(declared)).toThrow("declared before the first record");
  });
});

/** The segments, restored, hold exactly these numbers. */
function checkHolds(segments: Segments, numbers: ReadonlyMap<string, number>): void {
  const copy = restored(segments);
  expect(copy.store.size).toBe(numbers.size);
  for (const [key, n] of numbers) expect(read(copy, key)).toBe(n);
}

describe("cuts", () => {
  const anyKey = fc.integer({ min: 0, max: 30 }).map((n) => `key-${n}`);
  type Action = readonly ["put", string, number | undefined] | readonly ["cut"] | readonly ["encode"];
  const anyAction: fc.Arbitrary<Action> = fc.oneof(
    {
      weight: 6,
      arbitrary: fc.tuple(fc.constant("put" as const), anyKey, fc.option(fc.nat({ max: 9 }), { nil: undefined })),
    },
    { weight: 1, arbitrary: fc.constant(["cut"] as const) },
    { weight: 2, arbitrary: fc.constant(["encode"] as const) },
  );

  test("F1, F2: the segments of the cuts hold what was there at the last one, whatever is written in between", () => {
    fc.assert(
      fc.property(fc.array(anyAction, { maxLength: 60 }), (actions) => {
        const opened = open();
        const segments: Segments = new Map();
        const live = new Map<string, number>();
        let cut: ReturnType<KeyedStore["cut"]> | undefined;
        let atCut = new Map<string, number>();
        for (const action of [...actions, ["encode"] as const]) {
          if (action[0] === "put") {
            const [, key, n] = action;
            put(opened, key, n);
            if (n === undefined) live.delete(key);
            else live.set(key, n);
          } else if (action[0] === "cut" && cut === undefined) {
            cut = opened.store.cut();
            atCut = new Map(live);
          } else if (action[0] === "encode" && cut?.encodeSome(1) === true) {
            for (const { segment, bytes } of cut.segments()) {
              if (bytes === undefined) segments.delete(segment);
              else segments.set(segment, bytes);
            }
            cut = undefined;
            checkHolds(segments, atCut);
          }
        }
      }),
      { numRuns: 300 },
    );
  });

  test("a cut holds only segments that changed since the last one, in slices of the size asked for", () => {
    const opened = open();
    for (let at = 0; at < 1000; at++) put(opened, at, at);
    const segments = take(opened.store, new Map());
    expect(segments.size).toBe(segmentCount);
    put(opened, 5, 6);
    const cut = opened.store.cut();
    expect(cut.encodeSome(1)).toBe(true);
    expect(cut.segments()).toHaveLength(1);
    const all = opened.store.cut();
    expect(all.encodeSome(1)).toBe(true);
    expect(all.segments()).toEqual([]);
  });

  test("F2: the segments of a cut that was discarded are in the next one", () => {
    const opened = open();
    put(opened, "a", 1);
    put(opened, "b", 1);
    const lost = opened.store.cut();
    lost.encodeSome(1);
    put(opened, "a", 2);
    lost.discard();
    const copy = restored(take(opened.store, new Map()));
    expect([read(copy, "a"), read(copy, "b")]).toEqual([2, 1]);
  });

  test("a cut waits for the previous one", () => {
    const opened = open();
    put(opened, "a", 1);
    const cut = opened.store.cut();
    expect(() => opened.store.cut()).toThrow("still waits for the previous cut");
    expect(() => cut.segments()).toThrow("the cut is not encoded yet");
  });
});

describe("segment bytes", () => {
  const full = (): Segments => {
    const opened = open();
    for (let at = 0; at < 40; at++) put(opened, `key-${at}`, at);
    return take(opened.store, new Map());
  };

  test("B2: whatever byte is changed, cut off or added, restoring says CORRUPT", () => {
    const [[segment, bytes] = [0, new Uint8Array()]] = [...full()];
    const damaged = [
      ...Array.from(bytes, (_, at) => bytes.with(at, (bytes[at] ?? 0) ^ 0x41)),
      ...Array.from(bytes, (_, at) => bytes.slice(0, at)),
      Uint8Array.of(...bytes, 0),
    ];
    for (const one of damaged)
      expect(() => restored(new Map([[segment, one]]))).toThrow(expect.objectContaining({ code: "CORRUPT" }));
  });

  test("B2: rows in a segment that is not theirs are CORRUPT", () => {
    const [[segment, bytes] = [0, new Uint8Array()]] = [...full()];
    expect(() => restored(new Map([[(segment + 1) % segmentCount, bytes]]))).toThrow(
      expect.objectContaining({ code: "CORRUPT" }),
    );
  });

  test("B2: state of a program that declares other state is refused with both named", () => {
    const store = new KeyedStore();
    store.namespace("op").states({ other: value<number>() });
    const segments = [...full()].map(([segment, bytes]) => ({ segment, bytes }));
    expect(() => store.restore(segments, 1)).toThrow(
      expect.objectContaining({
        code: "SNAPSHOT_UNSUITABLE",
        message: expect.stringContaining("[op/state/n, op/state/entries], the program declares [op/state/other]"),
      }),
    );
  });

  test("what was put into state behind its back fails the encoding, and the error names operator, state and key", () => {
    const store = new KeyedStore();
    const column = store.addColumn({
      name: "op/odd",
      form: "odd",
      version: 1,
      encode: (cell) => cell,
      decode: (saved) => saved,
    });
    store.select("k");
    store.begin();
    store.write().put(column, () => 1);
    store.commit();
    const cut = store.cut();
    const message = 'state op/odd of key "k" cannot be stored';
    expect(() => cut.encodeSome(1)).toThrow(
      expect.objectContaining({ code: "VALUE_NOT_ENCODABLE", message: expect.stringContaining(message) }),
    );
  });
});

test("K4: map state keeps its insertion order through deletions, undo and restore", () => {
  const opened = open();
  const step = (run: () => void, fails = false): void => {
    opened.store.select("k");
    opened.store.begin();
    run();
    if (fails) opened.store.undo();
    else opened.store.commit();
  };
  const { entries } = opened.state;
  step(() => ["b", "10", "2", "a"].forEach((key, at) => entries.set(key, at)));
  step(() => {
    entries.delete("b");
    entries.delete("2");
    entries.set("b", 9);
    entries.clear();
    entries.set("z", 1);
  }, true);
  step(() => entries.delete("10"));
  step(() => entries.set("10", 7));
  const copy = restored(take(opened.store, new Map()));
  copy.store.select("k");
  expect([...copy.state.entries.keys()]).toEqual(["b", "2", "a", "10"]);
  expect([...copy.state.entries.values()]).toEqual([0, 2, 3, 7]);
});
