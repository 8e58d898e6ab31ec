/** The program of a stage whose operator has several inputs, or side outputs. */
import { expect, test } from "vitest";
import type { OperatorFactory } from "../../framework/operator/contract.ts";
import { mapOperator } from "../../framework/operator/map.ts";
import type { DeadLetter, Outlet } from "../../framework/operator/outlet.ts";
import { StageProgram } from "../../framework/operator/program.ts";
import type { StageOperator, StageTarget } from "../../framework/operator/wiring.ts";

const edge = (index: number): StageTarget => ({ kind: "edge", edge: index });
const lateEdge = 99;

/** Writes down what is said, and forgets what is undone. */
class Recorder implements Outlet {
  said: unknown[][] = [];
  readonly letters: DeadLetter[] = [];
  #marked = 0;
  emit(to: number, value: unknown): void {
    this.said.push([to, value]);
  }
  write(): void {
    throw new Error("there is no sink");
  }
  deadLetter(letter: DeadLetter): void {
    this.letters.push(letter);
  }
  mark(): void {
    this.#marked = this.said.length;
  }
  undo(): void {
    this.said.length = this.#marked;
  }
}

/** Says over which port a record has come: as output, late, to the side of its name; and throws at `poison`. */
const telling: OperatorFactory = {
  kind: "telling",
  description: "",
  keyed: true,
  eventTime: false,
  outputTimestamps: "same",
  sides: ["even", "unread"],
  create: (context) => ({
    process(value, timestamp) {
      context.emit(`${String(value)} over ${context.port()}, key ${String(context.keyed.key)}`, timestamp);
      if (value === "late") context.emitLate(value, timestamp);
      context.emitSide(String(value), value, timestamp);
      if (value === "poison") throw new Error("no");
    },
  }),
};

function begin(operator: Partial<StageOperator> = {}): { program: StageProgram; outlet: Recorder } {
  const outlet = new Recorder();
  const first = { name: "first", factory: telling, outputs: [edge(0)], late: [], sides: {}, ...operator };
  const second = { name: "second", factory: mapOperator((v) => [v]), outputs: [edge(1)], late: [], sides: {} };
  const entry: readonly StageTarget[] = [{ kind: "operator", operator: 0 }];
  const stage = { name: "stage", entry, operators: [first, second], lateEdge };
  // Edges 4 and 5 lead into the ports 0 and 1, edge 6 into port 2.
  const portOf = (index: number) => index - 4;
  return { program: new StageProgram(stage, outlet, { onError: "deadLetter", seed: 1, portOf }), outlet };
}

test("an operator is told the port of each record; a record without a key has no row", () => {
  const { program, outlet } = begin();
  program.input = 4;
  program.select("k");
  program.process("a", 1);
  program.input = 6;
  program.selectNone();
  program.process("b", 2);
  program.input = 5;
  program.select("l");
  program.process("c", 3);
  expect(outlet.said).toEqual([
    [0, "a over 0, key k"],
    [0, "b over 2, key undefined"],
    [0, "c over 1, key l"],
  ]);
});

test("late records go where those of their port are read; else to the job", () => {
  const { program, outlet } = begin({ outputs: [], late: [[], [edge(7), edge(8)]] });
  const late = (over: number) => {
    program.input = over;
    program.select("k");
    program.process("late", 1);
    return outlet.said.splice(0);
  };
  expect([late(4), late(5), late(6)]).toEqual([
    [[lateEdge, "late"]],
    [
      [7, "late"],
      [8, "late"],
    ],
    [[lateEdge, "late"]],
  ]);
  expect(program.counts.late).toBe(3);
});

test("side outputs go to what reads them, and are undone with their step", () => {
  const { program, outlet } = begin({
    outputs: [],
    sides: { even: [{ kind: "operator", operator: 1 }], poison: [edge(9)] },
  });
  program.select("k");
  for (const value of ["even", "unread", "poison"]) program.process(value, 1);
  expect(outlet.said).toEqual([[1, ["even"]]]);
  expect(outlet.letters).toHaveLength(1);
});

test("the dead letter of a record without a key has none, whatever key came before it", () => {
  const { program, outlet } = begin();
  program.input = 4;
  program.select("k");
  program.process("poison", 1);
  program.input = 6;
  program.selectNone();
  program.process("poison", 1);
  expect(outlet.letters.map(({ key, edge: over }) => [key, over])).toEqual([
    ['"k"', 4],
    [undefined, 6],
  ]);
});
