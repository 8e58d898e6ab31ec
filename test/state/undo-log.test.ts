import { expect, test } from "vitest";
import { UndoLog } from "../../framework/state/undo-log.ts";

test("U1: changes are taken back in reverse order, once", () => {
  const log = new UndoLog();
  const taken: string[] = [];
  const note = (a: string, b: number, c: undefined): void => void taken.push(`${a}${b}${c}`);
  log.push(note, "x", 1, undefined);
  log.push(note, "y", 2, undefined);
  log.undo();
  log.undo();
  expect(taken).toEqual(["y2undefined", "x1undefined"]);
});

test("what has been cleared stays, also after a very long step", () => {
  const log = new UndoLog();
  let undone = 0;
  const count = (): void => void (undone += 1);
  for (let at = 0; at < 5000; at++) log.push(count, undefined, undefined, undefined);
  log.clear();
  log.push(count, undefined, undefined, undefined);
  log.undo();
  expect(undone).toBe(1);
});

test("U1: numbers are put back in their order among the others, however many there are", () => {
  const log = new UndoLog();
  const numbers = new Float64Array(200);
  const restore = (held: Float64Array, at: number, was: number): void => void (held[at] = was);
  const negate = (held: Float64Array): void => void (held[0] = -(held[0] ?? 0));
  for (const [at, was] of numbers.entries()) {
    log.pushNumber(restore, numbers, at, was);
    numbers[at] = at + 0.5;
  }
  log.pushNumber(restore, numbers, 0, 0.5);
  numbers[0] = 7.25;
  log.push(negate, numbers, undefined, undefined);
  numbers[0] = -7.25;
  log.undo();
  expect(numbers).toEqual(new Float64Array(200));
});
