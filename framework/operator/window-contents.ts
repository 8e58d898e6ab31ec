/**
 * What a window holds: its records, or what they come to so far.
 *
 * Owns the two forms. Records are kept where a function looks at them, an evictor drops some, or an aggregate cannot merge sessions; otherwise they are folded as
 * they come.
 *
 * C1. What is held is never reachable for user code: it gets copies, or what nobody needs any more.
 * C2. `held` is undefined exactly while a window has no records.
 */
import { cloneValue } from "../record/default-codec.ts";
import { needsCopy } from "../state/value-state.ts";
import type { UndoLog } from "../state/undo-log.ts";
import type { Evictor, WindowElement } from "../window/evictor.ts";
import { setHeld, type KeyWindow } from "./key-windows.ts";
import type { WindowFold } from "./window-fold.ts";

/** What windows hold. */
export interface WindowContents {
  /** Records that `window` holds one by one; 0 where they are folded. */
  sizeOf(window: KeyWindow): number;
  /** Takes a record into `window`. A throw of the user's undoes the step. */
  add(window: KeyWindow, element: WindowElement, undoLog: UndoLog): void;
  /** Takes what `others` hold into `window`: all in order of time, `window` first. */
  merge(window: KeyWindow, others: readonly KeyWindow[], undoLog: UndoLog): void;
  /**
   * Calls `use` with what a function of the window is handed: the result of a fold, or the elements; `isKept`: the window needs its contents afterwards (C1).
   */
  fire(window: KeyWindow, isKept: boolean, use: (input: unknown) => void, undoLog: UndoLog): void;
  encodeHeld(held: unknown): unknown;
  decodeHeld(saved: unknown): unknown;
}

/** Drops elements before or after a firing. */
export interface Eviction {
  readonly evictor: Evictor<unknown>;
  readonly after: boolean;
}

/** Windows that hold what their records come to. */
export class FoldedContents implements WindowContents {
  readonly #fold: WindowFold;

  constructor(fold: WindowFold) {
    this.#fold = fold;
  }

  sizeOf(): number {
    return 0;
  }

  add(window: KeyWindow, { value }: WindowElement, undoLog: UndoLog): void {
    const held = window.held as readonly [unknown] | undefined;
    const next = held === undefined ? this.#fold.first(value) : this.#fold.add(held[0], value, undoLog);
    if (held === undefined || next !== held[0]) setHeld(window, [next], undoLog);
  }

  merge(window: KeyWindow, others: readonly KeyWindow[], undoLog: UndoLog): void {
    for (const { held } of others) {
      if (held === undefined) continue;
      const before = window.held as readonly [unknown] | undefined;
      const newer = (held as readonly [unknown])[0];
      setHeld(window, before === undefined ? held : [this.#fold.merge(before[0], newer)], undoLog);
    }
  }

  fire(window: KeyWindow, isKept: boolean, use: (input: unknown) => void): void {
    use(this.#fold.result((window.held as readonly [unknown])[0], isKept));
  }

  encodeHeld(held: unknown): unknown {
    return held;
  }

  decodeHeld(saved: unknown): unknown {
    return Array.isArray(saved) && saved.length === 1 ? saved : undefined;
  }
}

/** Windows that hold their records. */
export class ListedContents implements WindowContents {
  readonly #fold: WindowFold | undefined;
  readonly #eviction: Eviction | undefined;

  /** `fold`: what a firing computes of the records; undefined: it takes them as they are. */
  constructor(fold: WindowFold | undefined, eviction: Eviction | undefined) {
    this.#fold = fold;
    this.#eviction = eviction;
  }

  sizeOf({ held }: KeyWindow): number {
    return held === undefined ? 0 : (held as readonly WindowElement[]).length;
  }

  add(window: KeyWindow, { value, time, port }: WindowElement, undoLog: UndoLog): void {
    const element = { value: own(value), time, port };
    const elements = window.held as WindowElement[] | undefined;
    if (elements === undefined) return setHeld(window, [element], undoLog);
    undoLog.push(dropLast, elements, undefined, undefined);
    elements.push(element);
  }

  merge(window: KeyWindow, others: readonly KeyWindow[], undoLog: UndoLog): void {
    const lists = [window, ...others].flatMap(({ held }) => (held === undefined ? [] : [held as WindowElement[]]));
    if (lists.length > 0) setHeld(window, lists.length === 1 ? lists[0] : lists.flat(), undoLog);
  }

  fire(window: KeyWindow, isKept: boolean, use: (input: unknown) => void, undoLog: UndoLog): void {
    const held = window.held as readonly WindowElement[];
    const before = this.#eviction?.after === false ? this.#eviction.evictor.keep(held) : held;
    use(this.#input(before, isKept));
    const after = this.#eviction?.after === true ? this.#eviction.evictor.keep(before) : before;
    if (after !== held) setHeld(window, after.length === 0 ? undefined : [...after], undoLog);
  }

  encodeHeld(held: unknown): unknown {
    const flat: unknown[] = [];
    for (const { value, time, port } of held as readonly WindowElement[]) flat.push(value, time, port);
    return flat;
  }

  decodeHeld(saved: unknown): unknown {
    if (!Array.isArray(saved) || saved.length === 0 || saved.length % 3 !== 0) return undefined;
    const elements: WindowElement[] = [];
    for (let at = 0; at < saved.length; at += 3) {
      const [value, time, port]: unknown[] = saved.slice(at, at + 3);
      if (typeof time !== "number" || typeof port !== "number") return undefined;
      elements.push({ value, time, port });
    }
    return elements;
  }

  #input(elements: readonly WindowElement[], isKept: boolean): unknown {
    const fold = this.#fold;
    if (fold !== undefined) return fold.resultOf(elements.map(({ value }) => own(value)));
    return isKept ? elements.map((element) => ({ ...element, value: own(element.value) })) : elements;
  }
}

function own(value: unknown): unknown {
  return needsCopy(value) ? cloneValue(value) : value;
}

function dropLast(elements: WindowElement[]): void {
  elements.pop();
}
