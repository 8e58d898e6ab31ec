/**
 * What a key holds for windows that are more than an aggregate on a grid: the windows, and of each its contents, its trigger's memory, its state and timers.
 *
 * Owns the order of the windows and their form in a snapshot. What the contents are is said by `WindowContents`.
 *
 * K1. Windows of a key are sorted by start; starts are unique.
 * K2. Whatever a step changes of a window is in the undo log.
 * K3. A restored window has the same timers, with their numbers.
 */
import type { Row } from "../state/row.ts";
import { renderKey } from "../record/key.ts";
import { assertSaved, type ColumnPart, type SavedColumn } from "../state/segment-codec.ts";
import { Timer } from "../state/timer-queue.ts";
import type { UndoLog } from "../state/undo-log.ts";
import type { WindowTime } from "../window/assigner.ts";

/** A timer of a window. */
export class WindowTimer extends Timer {
  readonly window: KeyWindow;
  readonly domain: WindowTime;
  /** The slots of the trigger that wait for it, as bits; none: it is for the window's end alone. */
  owners: number;

  constructor(time: number, number: number, row: Row, of: { window: KeyWindow; domain: WindowTime; owners: number }) {
    super(time, number, row);
    this.window = of.window;
    this.domain = of.domain;
    this.owners = of.owners;
  }
}

/** One window of one key. */
export class KeyWindow {
  start: number;
  end: number;
  /** What it holds, as its contents say; undefined: nothing, since it was made or purged. */
  held: unknown = undefined;
  /** What its trigger remembers. */
  slots: unknown[];
  /** Results so far. */
  pane = 0;
  /** Of a window without an end: the largest timestamp that it has seen. */
  timestampMax: number | undefined = undefined;
  /** The program's state per window, by declaration; undefined while there is none. */
  cells: unknown[] | undefined = undefined;
  timers: WindowTimer[] = [];

  constructor(start: number, end: number, slots: number) {
    this.start = start;
    this.end = end;
    this.slots = noSlots(slots);
  }
}

/** The memory of a trigger that has none yet. */
export function noSlots(count: number): unknown[] {
  const slots: unknown[] = [];
  for (let slot = 0; slot < count; slot++) slots.push(undefined);
  return slots;
}

/** What the cells of a window were written as. */
export interface CellsFrom {
  /** Absent: as the program has them. */
  readonly parts?: readonly ColumnPart[] | undefined;
  /** Column and key, for errors. */
  whose(): string;
}

/** How parts of a window are written. */
export interface WindowParts {
  /** Slots of the trigger. */
  readonly slots: number;
  /** What a window holds, as a value of the default codec. */
  encodeHeld(held: unknown): unknown;
  /** What `encodeHeld` wrote; undefined when it is something else. */
  decodeHeld(saved: unknown): unknown;
  encodeCells(cells: readonly unknown[]): unknown;
  /** `from`: as what they were written; undefined when they are something else. @throws SNAPSHOT_UNSUITABLE */
  decodeCells(saved: unknown, from: CellsFrom): unknown[] | undefined;
}

/** The windows of one key. */
export class KeyWindows {
  /** K1. To read from. */
  readonly windows: KeyWindow[] = [];

  /** The window that begins at `start`. Looks from the end: that is where records fall. */
  at(start: number): KeyWindow | undefined {
    for (let index = this.windows.length - 1; index >= 0; index--) {
      const window = this.windows[index];
      if (window === undefined || window.start < start) return undefined;
      if (window.start === start) return window;
    }
    return undefined;
  }

  /** Puts in a window, where it belongs. */
  insert(window: KeyWindow, undoLog: UndoLog): void {
    let index = this.windows.length;
    while (index > 0 && (this.windows[index - 1]?.start ?? -Infinity) > window.start) index -= 1;
    undoLog.push(takeOut, this, window, undefined);
    this.windows.splice(index, 0, window);
  }

  remove(window: KeyWindow, undoLog: UndoLog): void {
    const index = this.windows.indexOf(window);
    undoLog.push(putBack, this, window, index);
    this.windows.splice(index, 1);
  }
}

function takeOut(windows: KeyWindows, window: KeyWindow): void {
  windows.windows.splice(windows.windows.indexOf(window), 1);
}

function putBack(windows: KeyWindows, window: KeyWindow, index: number): void {
  windows.windows.splice(index, 0, window);
}

/** Replaces what a window holds. */
export function setHeld(window: KeyWindow, held: unknown, undoLog: UndoLog): void {
  undoLog.push(restoreHeld, window, window.held, undefined);
  window.held = held;
}

function restoreHeld(window: KeyWindow, held: unknown): void {
  window.held = held;
}

/** The windows of a key as a value of the default codec. */
export function encodeWindows({ windows }: KeyWindows, parts: WindowParts): unknown {
  return windows.map(({ start, end, held, slots, pane, timestampMax, cells, timers }) => [
    start,
    end,
    held === undefined ? undefined : parts.encodeHeld(held),
    slots,
    pane,
    timestampMax,
    cells === undefined ? undefined : parts.encodeCells(cells),
    // In order of registration, which is not always the order in the window (undo).
    timers
      .toSorted((a, b) => a.number - b.number)
      .flatMap(({ domain, time, number, owners }) => [domain === "event", time, number, owners]),
  ]);
}

/** The windows that `encodeWindows` wrote. @throws CORRUPT when it is something else */
export function decodeWindows(saved: unknown, row: Row, from: SavedColumn, parts: WindowParts): KeyWindows {
  assertSaved(Array.isArray(saved) && saved.length > 0, row, from.name);
  const all = new KeyWindows();
  for (const one of saved as unknown[]) {
    assertSaved(Array.isArray(one) && one.length === 8, row, from.name);
    all.windows.push(decodeWindow(one, row, from, parts));
  }
  return all;
}

/** What `encodeWindows` answered, with the numbers of its timers replaced. */
export function renumberedWindows(saved: unknown, next: (number: number) => number): unknown {
  if (!Array.isArray(saved)) return saved;
  return saved.map((window: unknown): unknown => {
    const timers: unknown = Array.isArray(window) ? window[7] : undefined;
    if (!Array.isArray(timers)) return window;
    const renumbered = timers.map((part: unknown, at) => (at % 4 === 2 ? next(part as number) : part));
    return (window as unknown[]).with(7, renumbered);
  });
}

function decodeWindow(saved: readonly unknown[], row: Row, from: SavedColumn, parts: WindowParts): KeyWindow {
  const column = from.name;
  const [start, end, held, slots, pane, timestampMax, cells, timers] = saved;
  assertSaved(typeof start === "number" && typeof end === "number" && start < end, row, column);
  assertSaved(Array.isArray(slots) && slots.length === parts.slots && Number.isSafeInteger(pane), row, column);
  const window = new KeyWindow(start, end, 0);
  window.slots = slots;
  window.pane = pane as number;
  assertSaved(timestampMax === undefined || typeof timestampMax === "number", row, column);
  window.timestampMax = timestampMax;
  if (held !== undefined) {
    window.held = parts.decodeHeld(held);
    assertSaved(window.held !== undefined, row, column);
  }
  if (cells !== undefined) {
    const whose = () => `${column} of key ${renderKey(row.key)}`;
    const decoded = parts.decodeCells(cells, { parts: from.parts, whose });
    assertSaved(decoded !== undefined, row, column);
    window.cells = decoded.every((cell) => cell === undefined) ? undefined : decoded;
  }
  assertSaved(Array.isArray(timers) && timers.length % 4 === 0, row, column);
  for (let at = 0; at < timers.length; at += 4) {
    const [isEvent, time, number, owners]: unknown[] = timers.slice(at, at + 4);
    assertSaved(typeof time === "number" && Number.isSafeInteger(number) && Number.isSafeInteger(owners), row, column);
    const domain = isEvent === true ? "event" : "processing";
    window.timers.push(new WindowTimer(time, number as number, row, { window, domain, owners: owners as number }));
  }
  return window;
}
