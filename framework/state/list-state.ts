/**
 * List state: values in the order in which they were appended, as declared with `list()`.
 *
 * Owns the cell (an array, changed in place) and what is lent out of it, as `value-state.ts` does for one value (descriptors S1 to S3).
 *
 * L1. Appending costs the same however long the list is; undoing it, too.
 * L2. An empty list is no cell.
 * L3. With a ttl each element has a life of its own; what is hidden is skipped as if it were not there.
 */
import { cloneValue } from "../record/default-codec.ts";
import type { Aging } from "./aging.ts";
import type { AgedCellCodec, CellCodec, CellPlace, Lender } from "./cell-place.ts";
import type { ListState } from "./descriptors.ts";
import { isSameValue } from "./same-value.ts";
import { checkEntries } from "./state-limits.ts";
import { isObject, needsCopy } from "./value-state.ts";

/** The elements; with a ttl, when each was last used. */
interface Cell {
  readonly items: unknown[];
  readonly usedMs: number[] | undefined;
}

/** The elements one behind the other. */
export const listCellCodec: CellCodec = {
  form: "list",
  version: 1,
  encode: (cell) => (cell as Cell).items,
  decode: (saved) => (Array.isArray(saved) && saved.length > 0 ? { items: saved, usedMs: undefined } : undefined),
  mapped: (saved, change) => (Array.isArray(saved) ? saved.map((item: unknown) => change(item)) : saved),
};

/** The elements, and the times of their last use. */
export const agedListCellCodec: AgedCellCodec = {
  form: "list",
  version: 1,
  encode({ items, usedMs }: Cell) {
    return [items, usedMs];
  },
  decode(saved) {
    if (!Array.isArray(saved) || saved.length !== 2) return undefined;
    const [items, usedMs]: unknown[] = saved;
    if (!Array.isArray(items) || !Array.isArray(usedMs) || items.length === 0) return undefined;
    if (items.length !== usedMs.length || !usedMs.every((used) => typeof used === "number")) return undefined;
    return { items, usedMs };
  },
  mapped(saved, change) {
    if (!Array.isArray(saved)) return saved;
    const [items, usedMs]: unknown[] = saved;
    return [listCellCodec.mapped(items, change), usedMs];
  },
  oldestMs({ usedMs = [] }: Cell) {
    return usedMs.reduce((oldest, used) => Math.min(oldest, used), Infinity);
  },
  swept({ items, usedMs = [] }: Cell, isGone) {
    const stays = usedMs.map((used) => !isGone(used));
    const kept = { items: items.filter((_, at) => stays[at]), usedMs: usedMs.filter((_, at) => stays[at]) };
    return kept.items.length === 0 ? undefined : kept;
  },
};

/** The handle to a list. */
export class ListCells<V> implements ListState<V>, Lender {
  readonly #place: CellPlace;
  readonly #aging: Aging | undefined;
  /** What user code has in this step, by place in the list; made anew for the next one. */
  #lent = new Map<number, unknown>();
  /** Known to the place, which has `settle` and `forget` called. */
  #isLender = false;

  constructor(place: CellPlace, aging?: Aging) {
    this.#place = place;
    this.#aging = aging;
  }

  append(value: V): void {
    const cell = this.#writableCell();
    const at = cell.items.length;
    checkEntries(at, this.#place.limits, this.#place.name);
    this.#place.undoLog.push(shorten, cell, at, undefined);
    cell.items.push(value);
    if (this.#aging !== undefined) cell.usedMs?.push(this.#aging.use());
    if (needsCopy(value)) this.#lend(at, value);
  }

  replace(values: Iterable<V>): void {
    const items = [...values];
    if (items.length > 0) checkEntries(items.length - 1, this.#place.limits, this.#place.name);
    if (this.#lent.size > 0) this.#lent = new Map();
    const usedMs = this.#aging?.use();
    this.#place.put(
      items.length === 0 ? undefined : { items, usedMs: usedMs === undefined ? undefined : items.map(() => usedMs) },
    );
    for (const [at, value] of items.entries()) if (needsCopy(value)) this.#lend(at, value);
  }

  *values(): IterableIterator<V> {
    for (let at = 0; at < (this.#cell?.items.length ?? 0); at++) {
      const cell = this.#cell;
      if (cell === undefined || this.#isHidden(cell, at)) continue;
      this.#refresh(cell, at);
      yield this.#read(cell.items[at], at);
    }
  }

  get size(): number {
    const cell = this.#cell;
    if (cell === undefined) return 0;
    if (cell.usedMs === undefined) return cell.items.length;
    return cell.items.filter((_, at) => !this.#isHidden(cell, at)).length;
  }

  clear(): void {
    if (this.#lent.size > 0) this.#lent = new Map();
    if (this.#cell !== undefined) this.#place.put(undefined);
  }

  settle(): void {
    for (const [at, value] of this.#lent) {
      const item = this.#cell?.items[at];
      // An appended value is its own element until here; a read one is compared, so that reading does not soil the segment.
      if (item === value || !isSameValue(item, value)) this.#replaceAt(at, cloneValue(value));
    }
  }

  forget(): void {
    if (this.#lent.size > 0) this.#lent = new Map();
    this.#isLender = false;
  }

  get #cell(): Cell | undefined {
    return this.#place.get() as Cell | undefined;
  }

  #isHidden({ usedMs }: Cell, at: number): boolean {
    return usedMs !== undefined && this.#aging?.hides(usedMs[at] ?? 0) === true;
  }

  #read(item: unknown, at: number): V {
    if (!isObject(item)) return item as V;
    if (!this.#lent.has(at)) this.#lend(at, cloneValue(item));
    return this.#lent.get(at) as V;
  }

  #refresh(cell: Cell, at: number): void {
    if (this.#aging?.isRefreshedByReads === true) this.#use(cell, at);
  }

  #replaceAt(at: number, value: unknown): void {
    const cell = this.#writableCell();
    this.#place.undoLog.push(restoreItem, cell, at, cell.items[at]);
    cell.items[at] = value;
    this.#use(cell, at);
  }

  /** The element is used in this step; a time that is not later changes nothing. */
  #use({ usedMs }: Cell, at: number): void {
    if (this.#aging === undefined || usedMs === undefined) return;
    const was = usedMs[at] ?? -Infinity;
    const nowMs = this.#aging.use();
    if (nowMs <= was) return;
    this.#place.touch();
    this.#place.undoLog.pushNumber(restoreUsed, usedMs, at, was);
    usedMs[at] = nowMs;
  }

  #lend(at: number, value: unknown): void {
    this.#lent.set(at, value);
    if (this.#isLender) return;
    this.#isLender = true;
    this.#place.lend(this);
  }

  /** The cell, about to be changed; a new one if there is none. */
  #writableCell(): Cell {
    const cell = this.#cell;
    if (cell !== undefined) {
      this.#place.touch();
      return cell;
    }
    const fresh: Cell = { items: [], usedMs: this.#aging === undefined ? undefined : [] };
    this.#place.put(fresh);
    return fresh;
  }
}

function shorten({ items, usedMs }: Cell, length: number): void {
  items.length = length;
  if (usedMs !== undefined) usedMs.length = length;
}

function restoreItem({ items }: Cell, at: number, item: unknown): void {
  items[at] = item;
}

function restoreUsed(usedMs: number[], at: number, was: number): void {
  usedMs[at] = was;
}
