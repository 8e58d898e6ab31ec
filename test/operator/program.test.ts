import { describe, expect, test } from "vitest";
import { InvariantViolation, StreamError } from "../../framework/errors.ts";
import { count } from "../../framework/operator/aggregates.ts";
import { filterOperator } from "../../framework/operator/filter.ts";
import { mapOperator } from "../../framework/operator/map.ts";
import type { DeadLetter, Outlet } from "../../framework/operator/outlet.ts";
import { processOperator, type ProcessSpec } from "../../framework/operator/process.ts";
import { StageProgram, type ProgramOptions } from "../../framework/operator/program.ts";
import { timestampsOperator } from "../../framework/operator/timestamps.ts";
import { windowOperator } from "../../framework/operator/window.ts";
import type { StageOperator, StageShape, StageTarget } from "../../framework/operator/wiring.ts";
import { hashKey } from "../../framework/record/key.ts";
import { value as valueState } from "../../framework/state/descriptors.ts";
import { tumbling } from "../../framework/window/assigner.ts";

/** Writes down every call, in order. */
class Recorder implements Outlet {
  readonly calls: unknown[][] = [];

  emit(edge: number, value: unknown, timestamp: number | undefined): void {
    if (value === "unencodable") throw new StreamError("VALUE_NOT_ENCODABLE", "the value itself");
    if (value === "fenced") throw new StreamError("FENCED", "a newer one");
    if (value === "full") throw new StreamError("LOG_FULL", "no room");
    this.calls.push(["emit", edge, value, timestamp]);
  }

  write(sink: number, value: unknown, timestamp: number | undefined): void {
    this.calls.push(["write", sink, value, timestamp]);
  }

  deadLetter(letter: DeadLetter): void {
    this.calls.push(["deadLetter", letter]);
  }

  mark(): void {
    this.calls.push(["mark"]);
  }

  undo(): void {
    this.calls.push(["undo"]);
  }

  take(): unknown[][] {
    return this.calls.splice(0);
  }
}

const to = (operator: number): StageTarget => ({ kind: "operator", operator });
const edge = (index: number): StageTarget => ({ kind: "edge", edge: index });
const sink = (index: number): StageTarget => ({ kind: "sink", sink: index });

function shape(
  operators: readonly (Omit<StageOperator, "late" | "name" | "sides"> & Partial<StageOperator>)[],
  entry: readonly StageTarget[] = [to(0)],
): StageShape {
  return {
    name: "stage",
    entry,
    lateEdge: 99,
    operators: operators.map((node, index) => ({ name: `op-${index}`, late: [], sides: {}, ...node })),
  };
}

function programOf(
  stage: StageShape,
  options: Partial<ProgramOptions> = {},
): { program: StageProgram; outlet: Recorder } {
  const outlet = new Recorder();
  return { program: new StageProgram(stage, outlet, { onError: "deadLetter", seed: 7, ...options }), outlet };
}

const same = mapOperator((value) => value);
const counting = windowOperator({ assigner: tumbling(10), aggregate: count() });
const throwing = (error: unknown) =>
  mapOperator(() => {
    throw error;
  });

test("outputs go through the tree of operators in program order, to edges and sinks, without a mark of their own", () => {
  const stage = shape(
    [
      { factory: mapOperator((n) => (n as number) + 1), outputs: [edge(3), to(1), sink(0), to(2)] },
      { factory: filterOperator((n) => (n as number) > 5), outputs: [edge(4)] },
      { factory: mapOperator((n) => -(n as number)), outputs: [edge(5), sink(1)] },
    ],
    [to(0), edge(2)],
  );
  const { program, outlet } = programOf(stage);
  program.process(9, 1);
  program.process(1, undefined);
  expect(outlet.take()).toEqual([
    ["mark"],
    ["emit", 3, 10, 1],
    ["emit", 4, 10, 1],
    ["write", 0, 10, 1],
    ["emit", 5, -10, 1],
    ["write", 1, -10, 1],
    ["emit", 2, 9, 1],
    ["mark"],
    ["emit", 3, 2, undefined],
    ["write", 0, 2, undefined],
    ["emit", 5, -2, undefined],
    ["write", 1, -2, undefined],
    ["emit", 2, 1, undefined],
  ]);
  expect(program.counts).toEqual({ recordsIn: 2, recordsOut: 11, late: 0, deadLetters: 0, windowsOut: 0 });
});

test("keys looked up ahead find the state that their records would have found, also where a key loses all its state and gets some again", () => {
  const keys = ["a", "b", "a", "a", "c", "a", "b", "a", "a"];
  const states = { held: valueState<number>() };
  const spec: ProcessSpec<number, unknown, string, typeof states> = {
    state: states,
    process(n, { state, key }) {
      const held = state.held.get();
      if (held === undefined) state.held.set(n);
      else state.held.clear();
      return [[key, held]];
    },
  };
  const toggling = processOperator(spec);
  const run = (select: (program: StageProgram, at: number) => number) => {
    const { program, outlet } = programOf(shape([{ factory: toggling, outputs: [edge(1)] }]));
    const hashes = [];
    for (let round = 0; round < 3; round += 1) {
      program.lookAhead(keys);
      for (let at = 0; at < keys.length; at += 1) {
        hashes.push(select(program, at));
        program.process(10 * round + at, undefined);
      }
    }
    return { hashes, calls: outlet.take() };
  };
  const ahead = run((program, at) => program.selectAhead(keys[at] ?? "", at));
  expect(ahead).toEqual(run((program, at) => program.select(keys[at] ?? "")));
  expect(ahead.hashes.slice(0, keys.length)).toEqual(keys.map(hashKey));
});

describe("late records", () => {
  test("go over the stage's late edge, or to what reads them", () => {
    for (const late of [[], [[to(1), sink(0)]]]) {
      const stage = shape([
        { factory: counting, outputs: [edge(1)], late },
        { factory: mapOperator((value) => ["late", value]), outputs: [edge(2)] },
      ]);
      const { program, outlet } = programOf(stage);
      program.advanceTo(50, 10);
      program.select("k");
      program.process("r", 5);
      const expected =
        late.length === 0
          ? [["emit", 99, "r", 5]]
          : [
              ["emit", 2, ["late", "r"], 5],
              ["write", 0, "r", 5],
            ];
      expect(outlet.take()).toEqual([["mark"], ...expected]);
      expect(program.counts).toMatchObject({ late: 1, recordsOut: late.flat().length });
    }
  });
});

test("a late record that fails where late records are read is a dead letter, and not late", () => {
  const stage = shape([
    { factory: counting, outputs: [], late: [[to(1)]] },
    { factory: throwing(new Error("no")), outputs: [] },
  ]);
  const { program } = programOf(stage);
  program.advanceTo(50, 10);
  program.select("k");
  program.process("r", 5);
  expect(program.counts).toEqual({ recordsIn: 1, recordsOut: 0, late: 0, deadLetters: 1, windowsOut: 0 });
});

describe("P2: failures", () => {
  test("a throw is undone, blamed on the innermost operator, and becomes a dead letter after the undo", () => {
    const stage = shape([
      { factory: same, outputs: [edge(1), to(1)] },
      { factory: throwing(new RangeError("too much")), outputs: [] },
    ]);
    const { program, outlet } = programOf(stage);
    program.process({ n: 1 }, 5);
    const [mark, emit, undo, [kind, letter] = []] = outlet.take();
    expect([mark, emit, undo, kind]).toEqual([["mark"], ["emit", 1, { n: 1 }, 5], ["undo"], "deadLetter"]);
    expect(letter).toMatchObject({
      operator: "op-1",
      code: "USER_FUNCTION",
      message: "too much",
      key: undefined,
      timestamp: 5,
      value: { n: 1 },
    });
    expect(program.counts).toEqual({ recordsIn: 1, recordsOut: 0, late: 0, deadLetters: 1, windowsOut: 0 });
  });

  test("what the outlet refuses is blamed on the operator that emitted it", () => {
    const { program, outlet } = programOf(shape([{ factory: mapOperator(() => "unencodable"), outputs: [edge(1)] }]));
    program.process(1, 5);
    expect(outlet.take().at(-1)).toMatchObject([
      "deadLetter",
      { operator: "op-0", code: "VALUE_NOT_ENCODABLE", message: "the value itself" },
    ]);
  });

  test("the same in a stage without operators is blamed on the stage", () => {
    const { program, outlet } = programOf(shape([], [edge(1)]));
    program.process("unencodable", 5);
    expect(outlet.take().at(-1)).toMatchObject(["deadLetter", { operator: "stage" }]);
  });

  test.each([
    new InvariantViolation("broken"),
    new StreamError("CORRUPT", "bytes"),
    new StreamError("NOT_FOUND", "gone"),
    new StreamError("UNAVAILABLE", "away"),
  ])("%s is no failure of a record: it is thrown on", (error) => {
    const { program, outlet } = programOf(shape([{ factory: throwing(error), outputs: [] }]));
    expect(() => program.process(1, 1)).toThrow(error);
    expect(outlet.take()).toEqual([["mark"], ["undo"]]);
  });

  test.each(["fenced", "full"])("an outlet that cannot take anything (%s) ends the instance", (value) => {
    const { program } = programOf(shape([{ factory: same, outputs: [edge(1)] }]));
    expect(() => program.process(value, 1)).toThrow(StreamError);
  });

  test("with onError fail the first failure is thrown, with operator, message and cause", () => {
    const cause = new Error("no");
    const { program, outlet } = programOf(shape([{ factory: throwing(cause), outputs: [] }]), { onError: "fail" });
    expect(() => program.process(1, 1)).toThrow(
      expect.objectContaining({
        code: "DEAD_LETTERS_EXCEEDED",
        message: 'onError is "fail", and operator op-0 failed with USER_FUNCTION: no',
        cause,
      }),
    );
    expect(outlet.take().map(([call]) => call)).toEqual(["mark", "undo"]);
  });

  test("with onError drop a failure is only counted", () => {
    const { program, outlet } = programOf(shape([{ factory: throwing("no error at all"), outputs: [] }]), {
      onError: "drop",
    });
    program.process(1, 1);
    expect(outlet.take().map(([call]) => call)).toEqual(["mark", "undo"]);
    expect(program.counts.deadLetters).toBe(1);
  });

  test("a dead letter says what its value is, and of a record which edge it came over", () => {
    const said = ({ outlet }: { outlet: Recorder }) =>
      outlet
        .take()
        .flatMap(([call, letter]) => (call === "deadLetter" ? [letter as DeadLetter] : []))
        .map(({ origin, edge: over }) => [origin, over]);
    const late = processOperator({
      process(value: number, { timers: register }) {
        register.onEventTime(value);
        if (value === 2) throw new RangeError("two");
      },
      onTimer() {
        throw new RangeError("late");
      },
    });
    const both = programOf(shape([{ factory: late, outputs: [edge(1)] }]), { onlyInput: 9 });
    both.program.select("k");
    both.program.process(2, 0);
    both.program.input = 4;
    both.program.process(2, 0);
    both.program.process(5, 0);
    both.program.advanceTo(7, 10);
    both.program.refuse(new StreamError("ROW_INVALID", "no"), "row");
    both.program.rejectRow("out", "no", 1, 0);
    expect(said(both)).toEqual([
      ["record", undefined],
      ["record", 4],
      ["step", undefined],
      ["unread", undefined],
      ["sinkRow", undefined],
    ]);
  });

  test("a row of the source that does not parse is a dead letter of the stage", () => {
    const { program, outlet } = programOf(shape([{ factory: same, outputs: [] }]));
    program.refuse(new StreamError("ROW_INVALID", "line 5: no number"), "a,b,c");
    expect(outlet.take().at(-1)).toEqual([
      "deadLetter",
      {
        origin: "unread",
        edge: undefined,
        operator: "stage",
        code: "ROW_INVALID",
        message: "line 5: no number",
        stack: "",
        key: undefined,
        timestamp: undefined,
        value: "a,b,c",
      },
    ]);
    expect(program.counts).toMatchObject({ recordsIn: 1, deadLetters: 1 });
  });
});

describe("event time", () => {
  const timers = processOperator({
    process: (value: number, { timers: register }) => void register.onEventTime(value),
    onTimer: (time: number, { watermark }) => [[time, watermark]],
  });

  test("O3: what is due is fired in slices, and the watermark is applied when all of it has", () => {
    const { program, outlet } = programOf(shape([{ factory: timers, outputs: [edge(1)] }]));
    program.select("k");
    for (const time of [5, 3, 9]) program.process(time, 0);
    outlet.take();
    expect(program.advanceTo(7, 1)).toBe(false);
    expect(program.watermark).toBe(-Infinity);
    expect(program.advanceTo(7, 1)).toBe(true);
    expect(program.watermark).toBe(7);
    expect(outlet.take().filter(([call]) => call === "emit")).toEqual([
      ["emit", 1, [3, 7], 3],
      ["emit", 1, [5, 7], 5],
    ]);
  });

  test("a watermark that is not larger is ignored; one that overtakes another is a defect", () => {
    const { program, outlet } = programOf(shape([{ factory: timers, outputs: [edge(1)] }]));
    program.select("k");
    program.process(5, 0);
    program.process(6, 0);
    program.advanceTo(5, 10);
    outlet.take();
    expect(program.advanceTo(5, 10)).toBe(true);
    expect(program.advanceTo(-Infinity, 10)).toBe(true);
    expect(outlet.take()).toEqual([]);
    expect(program.advanceTo(8, 0)).toBe(false);
    expect(() => program.advanceTo(9, 1)).toThrow(InvariantViolation);
  });

  test("in a source stage the watermark is the smallest of its paths, and that of the last operator on each", () => {
    const of = (value: unknown): number => value as number;
    const stage = shape(
      [
        { factory: timestampsOperator({ of, outOfOrdernessMs: 0 }), outputs: [to(1)] },
        { factory: timestampsOperator({ of, outOfOrdernessMs: 50 }), outputs: [edge(1)] },
        { factory: timestampsOperator({ of, outOfOrdernessMs: 20 }), outputs: [edge(2)] },
      ],
      [to(0), to(2), edge(3)],
    );
    const { program } = programOf(stage);
    expect(program.watermark).toBe(-Infinity);
    program.process(100, undefined);
    expect(program.watermark).toBe(49);
    program.advanceTo(Infinity, 10);
    expect(program.watermark).toBe(Infinity);
  });
});

test("processing time never goes back", () => {
  const { program } = programOf(shape([], []));
  program.setNow(10);
  program.setNow(5);
  expect(program.now).toBe(10);
  program.tick(20, 10);
  expect(program.now).toBe(20);
  expect(program.nextTickAt()).toBeUndefined();
});

test("P4: a stage without keyed operators answers the hash of a key and keeps nothing", () => {
  const { program } = programOf(shape([{ factory: same, outputs: [] }]));
  expect(program.select("k")).toBe(hashKey("k"));
  program.process(1, 1);
  expect(program.cut().encodeSome(1)).toBe(true);
});

test("random numbers are a function of the seed", () => {
  const draws = (seed: number): number[] => {
    const { program } = programOf(shape([], []), { seed });
    return [program.random(), program.random()];
  };
  expect(draws(1)).toEqual(draws(1));
  expect(draws(1)).not.toEqual(draws(2));
});

test("a stage has one keyed operator at most, and it is the entry", () => {
  const two = shape(
    [
      { factory: counting, outputs: [] },
      { factory: counting, outputs: [] },
    ],
    [to(0), to(1)],
  );
  expect(() => programOf(two)).toThrow("stage stage has two keyed operators, op-0 and op-1");
  const behind = shape([
    { factory: same, outputs: [to(1)] },
    { factory: counting, outputs: [] },
  ]);
  expect(() => programOf(behind)).toThrow("op-1 is keyed and not at the entry of stage stage");
});

describe("P3: cuts", () => {
  const stage = shape([{ factory: counting, outputs: [edge(1)] }]);
  const saved = () => {
    const { program } = programOf(stage);
    program.select("k");
    program.process(1, 1);
    const cut = program.cut();
    cut.encodeSome(1);
    const segments = cut.segments().flatMap(({ segment, bytes }) => (bytes === undefined ? [] : [{ segment, bytes }]));
    const { operators, nowMs, random, counts, watermark } = cut;
    return { operators, nowMs, random, counts, watermark, segments };
  };

  test("counts, times and random numbers go on where they were", () => {
    const { program } = programOf(shape([], []));
    program.setNow(77);
    program.process(1, 1);
    program.random();
    program.advanceTo(5, 1);
    const cut = program.cut();
    const next = program.random();
    const { program: copy } = programOf(shape([], []), { seed: 12345 });
    const { operators, nowMs, random, counts, watermark } = cut;
    copy.restore({ operators, nowMs, random, counts, watermark, segments: [] });
    expect([copy.now, copy.watermark, copy.counts, copy.random()]).toEqual([77, 5, program.counts, next]);
  });

  test("state of operators that is not as it was written is CORRUPT", () => {
    const { operators } = saved();
    for (const bytes of [new Uint8Array(), operators.slice(0, -1), operators.slice(1), Uint8Array.of(1)]) {
      expect(() => programOf(stage).program.restore({ ...saved(), operators: bytes })).toThrow(
        expect.objectContaining({ code: "CORRUPT" }),
      );
    }
  });

  test("state of an operator that is not there any more is SNAPSHOT_UNSUITABLE", () => {
    const timestamps = shape([
      { name: "old", factory: timestampsOperator({ of: () => 1, outOfOrdernessMs: 0 }), outputs: [] },
    ]);
    const { program } = programOf(timestamps);
    const { operators } = program.cut();
    expect(() => programOf(stage).program.restore({ ...saved(), operators })).toThrow(
      expect.objectContaining({ code: "SNAPSHOT_UNSUITABLE" }),
    );
  });
});
