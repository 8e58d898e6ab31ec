/**
 * Map state: a map per key, as declared with `map()`.
 *
 * Owns the cell (entries in insertion order) and what is lent out of it, as `value-state.ts` does for one value (descriptors S1 to S3).
 *
 * M1. Entries keep their insertion order through undo and restore; deleting and setting again moves to the end, like in a `Map`.
 * M2. An empty map is no cell.
 * M3. With a ttl each entry has a life of its own. A hidden one is as if it were not there: setting its key again puts it at the end.
 */
import { StreamError } from "../errors.ts";
import { cloneValue } from "../record/default-codec.ts";
import type { KeyPart } from "../record/key.ts";
import type { Aging } from "./aging.ts";
import type { AgedCellCodec, CellCodec, CellPlace, Lender } from "./cell-place.ts";
import type { MapState } from "./descriptors.ts";
import { OrderedEntries, type Entry } from "./ordered-entries.ts";
import { isSameValue } from "./same-value.ts";
import { checkEntries } from "./state-limits.ts";
import { isObject, needsCopy } from "./value-state.ts";

type Cell = OrderedEntries<KeyPart, unknown>;

/** The entries one behind the other, each as key and value. */
export const mapCellCodec: CellCodec = {
  form: "map",
  version: 1,
  encode(cell) {
    const flat: unknown[] = [];
    for (const [key, entry] of (cell as Cell).inOrder()) flat.push(key, entry.value);
    return flat;
  },
  decode(saved) {
    if (!Array.isArray(saved) || saved.length === 0 || saved.length % 2 !== 0) return undefined;
    const cell: Cell = new OrderedEntries();
    for (let at = 0; at < saved.length; at += 2) cell.append(saved[at] as KeyPart, saved[at + 1]);
    return cell;
  },
  mapped: (saved, change) => mappedEvery(2, saved, change),
};

/** The entries one behind the other, each as key, value and the time of its last use. */
export const agedMapCellCodec: AgedCellCodec = {
  form: "map",
  version: 1,
  encode(cell) {
    const flat: unknown[] = [];
    for (const [key, { value, usedMs }] of (cell as Cell).inOrder()) flat.push(key, value, usedMs);
    return flat;
  },
  decode(saved) {
    if (!Array.isArray(saved) || saved.length === 0 || saved.length % 3 !== 0) return undefined;
    const cell: Cell = new OrderedEntries();
    for (let at = 0; at < saved.length; at += 3) {
      const usedMs: unknown = saved[at + 2];
      if (typeof usedMs !== "number") return undefined;
      cell.append(saved[at] as KeyPart, saved[at + 1], usedMs);
    }
    return cell;
  },
  mapped: (saved, change) => mappedEvery(3, saved, change),
  oldestMs(cell) {
    let oldest = Infinity;
    for (const { usedMs } of (cell as Cell).inOrder().values()) oldest = Math.min(oldest, usedMs);
    return oldest;
  },
  swept(cell, isGone) {
    const entries = cell as Cell;
    for (const [key, { usedMs }] of entries.inOrder()) if (isGone(usedMs)) entries.delete(key);
    return entries.size === 0 ? undefined : entries;
  },
};

/** The handle to a map. */
export class MapCells<K extends KeyPart, V> implements MapState<K, V>, Lender {
  readonly #place: CellPlace;
  readonly #aging: Aging | undefined;
  /** What user code has in this step, by key; made anew for the next one. */
  #lent = new Map<KeyPart, unknown>();

  constructor(place: CellPlace, aging?: Aging) {
    this.#place = place;
    this.#aging = aging;
  }

  get(key: K): V | undefined {
    const entry = this.#find(key);
    return entry === undefined ? undefined : this.#read(key, entry);
  }

  set(key: K, value: V): void {
    this.#checkKey(key);
    this.#replace(key, value);
    this.#lent.delete(key);
    if (needsCopy(value)) this.#lend(key, value);
  }

  has(key: K): boolean {
    return this.#find(key) !== undefined;
  }

  delete(key: K): boolean {
    const cell = this.#cell;
    const entry = cell?.get(key);
    if (cell === undefined || entry === undefined) return false;
    const wasThere = this.#aging?.hides(entry.usedMs) !== true;
    this.#place.touch();
    this.#place.undoLog.push(putBack, cell, key, entry);
    cell.delete(key);
    this.#lent.delete(key);
    if (cell.size === 0) this.#place.put(undefined);
    return wasThere;
  }

  *entries(): IterableIterator<[K, V]> {
    for (const [key, entry] of this.#inOrder()) if (this.#isSeen(entry)) yield [key as K, this.#read(key, entry)];
  }

  *keys(): IterableIterator<K> {
    for (const [key, entry] of this.#inOrder()) if (this.#isSeen(entry)) yield key as K;
  }

  *values(): IterableIterator<V> {
    for (const [key, entry] of this.#inOrder()) if (this.#isSeen(entry)) yield this.#read(key, entry);
  }

  get size(): number {
    const aging = this.#aging;
    if (aging === undefined) return this.#cell?.size ?? 0;
    let size = 0;
    for (const { usedMs } of this.#inOrder().values()) if (!aging.hides(usedMs)) size += 1;
    return size;
  }

  clear(): void {
    if (this.#cell === undefined) return;
    if (this.#lent.size > 0) this.#lent = new Map();
    this.#place.put(undefined);
  }

  settle(): void {
    for (const [key, value] of this.#lent) {
      const entry = this.#cell?.get(key);
      // A set value is its own entry until here; a got one is compared, so that reading does not soil the segment.
      if (entry !== undefined && (entry.value === value || !isSameValue(entry.value, value))) {
        this.#replace(key, cloneValue(value));
      }
    }
  }

  forget(): void {
    if (this.#lent.size > 0) this.#lent = new Map();
  }

  get #cell(): Cell | undefined {
    return this.#place.get() as Cell | undefined;
  }

  #inOrder(): Map<KeyPart, Entry<unknown>> {
    return this.#cell?.inOrder() ?? new Map<KeyPart, Entry<unknown>>();
  }

  /** The entry of `key` that is not hidden; being asked for is a use. */
  #find(key: K): Entry<unknown> | undefined {
    const entry = this.#cell?.get(key);
    return entry !== undefined && this.#isSeen(entry) ? entry : undefined;
  }

  /** Whether the entry is there for user code; if so, and if reading is one, this is a use of it. */
  #isSeen(entry: Entry<unknown>): boolean {
    const aging = this.#aging;
    if (aging === undefined) return true;
    if (aging.hides(entry.usedMs)) return false;
    if (aging.isRefreshedByReads) this.#use(entry, aging.use());
    return true;
  }

  /** A use that is not later than the last one changes nothing. */
  #use(entry: Entry<unknown>, nowMs: number): void {
    if (nowMs <= entry.usedMs) return;
    this.#place.touch();
    this.#place.undoLog.push(restoreUsed, entry, entry.usedMs, undefined);
    entry.usedMs = nowMs;
  }

  #read(key: KeyPart, entry: Entry<unknown>): V {
    if (!isObject(entry.value)) return entry.value as V;
    if (!this.#lent.has(key)) this.#lend(key, cloneValue(entry.value));
    return this.#lent.get(key) as V;
  }

  #lend(key: KeyPart, value: unknown): void {
    if (this.#lent.size === 0) this.#place.lend(this);
    this.#lent.set(key, value);
  }

  #replace(key: KeyPart, value: unknown): void {
    const aging = this.#aging;
    const usedMs = aging?.use();
    const cell = this.#writableCell();
    let entry = cell.get(key);
    if (entry !== undefined && aging?.hides(entry.usedMs) === true) {
      this.#place.undoLog.push(putBack, cell, key, entry);
      cell.delete(key);
      entry = undefined;
    }
    if (entry === undefined) {
      checkEntries(cell.size, this.#place.limits, this.#place.name);
      this.#place.undoLog.push(takeOut, cell, key, undefined);
      cell.append(key, value, usedMs);
    } else {
      this.#place.undoLog.push(restoreEntry, entry, entry.value, undefined);
      entry.value = value;
      if (usedMs !== undefined) this.#use(entry, usedMs);
    }
  }

  /** The cell, about to be changed; a new one if there is none. */
  #writableCell(): Cell {
    const cell = this.#cell;
    if (cell !== undefined) {
      this.#place.touch();
      return cell;
    }
    const fresh: Cell = new OrderedEntries();
    this.#place.put(fresh);
    return fresh;
  }

  #checkKey(key: unknown): void {
    if (typeof key === "string" || typeof key === "boolean" || typeof key === "bigint") return;
    if (typeof key === "number" && !Number.isNaN(key)) return;
    const what =
      typeof key === "number"
        ? "NaN"
        : key === null || key === undefined
          ? String(key)
          : `a value of type ${typeof key}`;
    throw new StreamError(
      "KEY_INVALID",
      `${what} cannot be a key of map state ${this.#place.name}: use a string, number, boolean or bigint`,
    );
  }
}

/** Of `count` values each, the second one is the program's. */
function mappedEvery(count: number, saved: unknown, change: (value: unknown) => unknown): unknown {
  if (!Array.isArray(saved)) return saved;
  return saved.map((part: unknown, at) => (at % count === 1 ? change(part) : part));
}

function takeOut(cell: Cell, key: KeyPart): void {
  cell.delete(key);
}

function putBack(cell: Cell, key: KeyPart, entry: Entry<unknown>): void {
  cell.putBack(key, entry);
}

function restoreUsed(entry: Entry<unknown>, usedMs: number): void {
  entry.usedMs = usedMs;
}

function restoreEntry(entry: Entry<unknown>, value: unknown): void {
  entry.value = value;
}
