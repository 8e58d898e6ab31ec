/**
 * A watchdog's look at a thread: what stands still, and what only takes its time.
 */
import { beforeEach, describe, expect, test } from "vitest";
import { TurnBoard } from "../../framework/threads/turn-board.ts";
import { lookEveryMs, TurnWatch, type WatchFinding } from "../../framework/threads/turn-watch.ts";

const limitMs = 4_000;
const instance = { stage: 2, partition: 3 };
let board: TurnBoard;
let watch: TurnWatch;
let nowMs: number;

beforeEach(() => {
  board = new TurnBoard();
  watch = new TurnWatch(limitMs);
  nowMs = 0;
});

/** Looks for `ms`; answers what was found, without nothing. */
function lookFor(ms: number, between: () => void = () => undefined): WatchFinding["kind"][] {
  const found: WatchFinding["kind"][] = [];
  for (const endMs = nowMs + ms; nowMs < endMs; nowMs += lookEveryMs(limitMs)) {
    between();
    const { kind } = watch.look(board.look(), nowMs);
    if (kind !== "nothing") found.push(kind);
  }
  return found;
}

describe("TW1: a turn", () => {
  test("that does not end is slow after a second, once, and stuck at its limit", () => {
    board.begin(instance, 7, 41);
    expect(lookFor(900)).toEqual([]);
    expect(lookFor(2_900)).toEqual(["slow"]);
    expect(lookFor(700).includes("stuck")).toBe(true);
  });

  test("is named with its instance, epoch and position", () => {
    board.begin(instance, 7, 41);
    lookFor(limitMs);
    const found = watch.look(board.look(), nowMs);
    expect(found).toMatchObject({ kind: "stuck", turn: { instance, epoch: 7, position: 41 } });
  });

  test("that ends after it was called slow is relieved, and the next one begins anew", () => {
    board.begin(instance, 7, 41);
    lookFor(2_000);
    board.begin(instance, 7, 42);
    expect(lookFor(900)).toEqual(["relieved"]);
    board.rest();
    expect(lookFor(500)).toEqual([]);
  });

  test("of which steps are told begins anew with each", () => {
    board.begin(instance, 7, 41);
    let step = 0;
    expect(lookFor(3 * limitMs, () => board.step({ sequence: 42, step: (step += 1) }))).toEqual([]);
    expect(lookFor(limitMs + 500)).toContain("stuck");
  });

  test("one turn after the other is nothing, however long it goes on", () => {
    expect(lookFor(3 * limitMs, () => board.begin(instance, 7, nowMs))).toEqual([]);
  });
});

test("TW2: an event loop without a beat, outside of turns, stands still; with beats it does not", () => {
  board.begin(instance, 7, 41);
  board.rest();
  expect(lookFor(3 * limitMs, () => board.beat())).toEqual([]);
  expect(lookFor(limitMs + 500)).toContain("stalled");
});

test("a process that was stopped and goes on has not stood still for as long", () => {
  board.begin(instance, 7, 41);
  lookFor(500);
  nowMs += 60_000;
  expect(lookFor(limitMs - 1_500)).toEqual(["slow"]);
});

test("what the thread was made to wait does not count", () => {
  board.begin(instance, 7, 41);
  lookFor(limitMs - 500);
  watch.forgive();
  expect(lookFor(limitMs - 500)).not.toContain("stuck");
});

test("a board shows what another thread writes on the same memory", () => {
  const other = new TurnBoard(board.buffer);
  other.begin(instance, 7, 41);
  other.step({ sequence: 42, step: 5 });
  expect(board.look().turn).toEqual({ instance, epoch: 7, position: 41, site: { sequence: 42, step: 5 } });
  other.rest();
  expect(board.look().turn).toBeUndefined();
});

test("who asks stands still until it is given, also by one who is faster", async () => {
  const other = new TurnBoard(board.buffer);
  expect(other.ask(1)).toBe(false);
  await board.asked();
  board.give();
  expect(other.ask(10_000, () => board.give())).toBe(true);
});
