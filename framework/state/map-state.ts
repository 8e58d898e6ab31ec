/**
 * Map state: a map per key, as declared with `map()`.
 *
 * Owns the cell (entries in insertion order) and what is lent out of it, as `value-state.ts` does for one value (descriptors S1 to S3).
 *
 * M1. Entries keep their insertion order through undo and restore; deleting and setting again moves to the end, like in a `Map`.
 * M2. An empty map is no cell.
 */
import { StreamError } from "../errors.ts";
import { cloneValue } from "../record/default-codec.ts";
import type { KeyPart } from "../record/key.ts";
import type { MapState } from "./descriptors.ts";
import { OrderedEntries, type Entry } from "./ordered-entries.ts";
import { restoreCell, type Row } from "./row.ts";
import { isSameValue } from "./same-value.ts";
import { assertSaved, type Column } from "./segment-codec.ts";
import type { KeyedStore, Lender } from "./store.ts";
import { isObject, needsCopy } from "./value-state.ts";

type Cell = OrderedEntries<KeyPart, unknown>;

/** The handle to a map of the current key. */
export class MapCells<K extends KeyPart, V> implements MapState<K, V>, Column, Lender {
  readonly name: string;
  readonly #store: KeyedStore;
  readonly #column: number;
  /** What user code has in this step, by key. */
  readonly #lent = new Map<KeyPart, unknown>();

  constructor(store: KeyedStore, name: string) {
    this.name = name;
    this.#store = store;
    this.#column = store.addColumn(this);
  }

  get(key: K): V | undefined {
    const entry = this.#cell?.get(key);
    return entry === undefined ? undefined : this.#read(key, entry);
  }

  set(key: K, value: V): void {
    this.#checkKey(key);
    this.#replace(key, value);
    this.#lent.delete(key);
    if (needsCopy(value)) this.#lend(key, value);
  }

  has(key: K): boolean {
    return this.#cell?.get(key) !== undefined;
  }

  delete(key: K): boolean {
    const entry = this.#cell?.get(key);
    if (entry === undefined) return false;
    const row = this.#store.write();
    const cell = this.#cellOf(row);
    this.#store.undoLog.push(putBack, cell, key, entry);
    cell.delete(key);
    this.#lent.delete(key);
    if (cell.size === 0) this.#dropCell(row);
    return true;
  }

  *entries(): IterableIterator<[K, V]> {
    for (const [key, entry] of this.#inOrder()) yield [key as K, this.#read(key, entry)];
  }

  *keys(): IterableIterator<K> {
    for (const key of this.#inOrder().keys()) yield key as K;
  }

  *values(): IterableIterator<V> {
    for (const [key, entry] of this.#inOrder()) yield this.#read(key, entry);
  }

  get size(): number {
    return this.#cell?.size ?? 0;
  }

  clear(): void {
    if (this.#cell === undefined) return;
    this.#lent.clear();
    this.#dropCell(this.#store.write());
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
    this.#lent.clear();
  }

  encode(cell: unknown): unknown {
    const flat: unknown[] = [];
    for (const [key, entry] of (cell as Cell).inOrder()) flat.push(key, entry.value);
    return flat;
  }

  decode(saved: unknown, row: Row): unknown {
    assertSaved(Array.isArray(saved) && saved.length % 2 === 0 && saved.length > 0, row, this.name);
    const cell: Cell = new OrderedEntries();
    for (let at = 0; at < saved.length; at += 2) cell.append(saved[at] as KeyPart, saved[at + 1]);
    return cell;
  }

  get #cell(): Cell | undefined {
    return this.#store.current.cells[this.#column] as Cell | undefined;
  }

  #inOrder(): Map<KeyPart, Entry<unknown>> {
    return this.#cell?.inOrder() ?? new Map<KeyPart, Entry<unknown>>();
  }

  #read(key: KeyPart, entry: Entry<unknown>): V {
    if (!isObject(entry.value)) return entry.value as V;
    if (!this.#lent.has(key)) this.#lend(key, cloneValue(entry.value));
    return this.#lent.get(key) as V;
  }

  #lend(key: KeyPart, value: unknown): void {
    if (this.#lent.size === 0) this.#store.lend(this);
    this.#lent.set(key, value);
  }

  #replace(key: KeyPart, value: unknown): void {
    const row = this.#store.write();
    const cell = this.#cellOf(row);
    const entry = cell.get(key);
    if (entry === undefined) {
      this.#store.undoLog.push(takeOut, cell, key, undefined);
      cell.append(key, value);
    } else {
      this.#store.undoLog.push(restoreEntry, entry, entry.value, undefined);
      entry.value = value;
    }
  }

  /** The row's cell, a new one if it has none. */
  #cellOf(row: Row): Cell {
    const cell = row.cells[this.#column] as Cell | undefined;
    if (cell !== undefined) return cell;
    const fresh: Cell = new OrderedEntries();
    this.#store.undoLog.push(restoreCell, row, this.#column, undefined);
    row.put(this.#column, fresh);
    return fresh;
  }

  #dropCell(row: Row): void {
    this.#store.undoLog.push(restoreCell, row, this.#column, row.cells[this.#column]);
    row.put(this.#column, undefined);
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
      `${what} cannot be a key of map state ${this.name}: use a string, number, boolean or bigint`,
    );
  }
}

function takeOut(cell: Cell, key: KeyPart): void {
  cell.delete(key);
}

function putBack(cell: Cell, key: KeyPart, entry: Entry<unknown>): void {
  cell.putBack(key, entry);
}

function restoreEntry(entry: Entry<unknown>, value: unknown): void {
  entry.value = value;
}
