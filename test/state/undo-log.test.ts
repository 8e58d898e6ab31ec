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
