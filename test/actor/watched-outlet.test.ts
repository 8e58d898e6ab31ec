/**
 * Steps that are counted, watched and skipped (R15).
 */
import { expect, test } from "vitest";
import { WatchedOutlet } from "../../framework/actor/watched-outlet.ts";
import type { Outlet } from "../../framework/operator/outlet.ts";
import type { CrashSite, Skip } from "../../framework/record/poison.ts";

function rig(skips: readonly Skip[]) {
  const said: string[] = [];
  const told: CrashSite[] = [];
  const at = { sequence: 1 };
  const inner: Outlet = {
    emit: (edge, value) => void said.push(`emit ${edge} ${String(value)}`),
    write: (sink, value) => void said.push(`write ${sink} ${String(value)}`),
    deadLetter: ({ code }) => void said.push(`letter ${code}`),
    mark: () => void said.push("mark"),
    undo: () => void said.push("undo"),
  };
  const outlet = new WatchedOutlet(inner, {
    stage: "sums",
    position: () => at.sequence,
    skips,
    watch: (site) => void told.push(site),
  });
  return { outlet, said, told, at };
}

test("WO1: steps are numbered from 1 within a message, and told before they are taken", () => {
  const { outlet, told, at } = rig([]);
  outlet.mark();
  outlet.mark();
  at.sequence = 2;
  outlet.mark();
  expect(told).toEqual([
    { sequence: 1, step: 1 },
    { sequence: 1, step: 2 },
    { sequence: 2, step: 1 },
  ]);
});

test("WO2: a step that is to be skipped fails as it begins, is not told, and the next one keeps its number", () => {
  const { outlet, told } = rig([{ sequence: 1, step: 2, reason: "it never ends" }]);
  outlet.mark();
  expect(() => outlet.mark()).toThrow("it never ends");
  outlet.undo();
  outlet.mark();
  expect(told).toEqual([
    { sequence: 1, step: 1 },
    { sequence: 1, step: 3 },
  ]);
});

test("everything that is said goes through", () => {
  const { outlet, said } = rig([]);
  outlet.mark();
  outlet.emit(3, "a", undefined);
  outlet.write(1, "b", undefined);
  outlet.undo();
  expect(said).toEqual(["mark", "emit 3 a", "write 1 b", "undo"]);
});
