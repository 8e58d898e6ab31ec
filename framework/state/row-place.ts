/**
 * A column of the current row as the place of a cell: keyed state.
 *
 * Owns the way from a handle to the row; which row is current is the store's business.
 */
import { RowAging } from "./aging.ts";
import type { AgedCellCodec, CellCodec, CellPlace, Lender } from "./cell-place.ts";
import { restoreCell, type Row } from "./row.ts";
import { renderKey } from "../record/key.ts";
import { assertSaved, type Column, type SavedColumn } from "./segment-codec.ts";
import type { StateLimits } from "./state-limits.ts";
import type { KeyedStore } from "./store.ts";
import { agedForm, type ResolvedTtl } from "./ttl.ts";
import type { UndoLog } from "./undo-log.ts";

/** The current row's cell of one column. */
export class RowPlace implements CellPlace, Column {
  readonly name: string;
  readonly form: string;
  readonly version: number;
  readonly oldest: number | undefined;
  readonly undoLog: UndoLog;
  readonly limits: StateLimits;
  readonly #store: KeyedStore;
  readonly #codec: CellCodec;
  /** Its index in `Row.cells`. */
  readonly column: number;

  /** Adds the column; called while the program is built. */
  constructor(store: KeyedStore, name: string, codec: CellCodec, form?: string) {
    this.name = name;
    this.form = form ?? codec.form;
    this.version = codec.version;
    this.oldest = codec.oldest;
    this.undoLog = store.undoLog;
    this.limits = store.limits;
    this.#store = store;
    this.#codec = codec;
    this.column = store.addColumn(this);
  }

  get(): unknown {
    return this.#store.current.cells[this.column];
  }

  touch(): void {
    this.#store.write();
  }

  put(cell: unknown): void {
    const row = this.#store.write();
    this.undoLog.push(restoreCell, row, this.column, row.cells[this.column]);
    row.put(this.column, cell);
  }

  lend(lender: Lender): void {
    this.#store.lend(lender);
  }

  encode(cell: unknown): unknown {
    return this.#codec.encode(cell);
  }

  decode(saved: unknown, row: Row, { version }: SavedColumn): unknown {
    const whose = () => `state ${this.name} of key ${renderKey(row.key)}`;
    const cell = this.#codec.decode(saved, version === this.version ? undefined : { version, whose });
    assertSaved(cell !== undefined, row, this.name);
    return cell;
  }
}

/** The current row's cell of one column, of which what was last used too long ago is cleaned up. */
export class AgedRowPlace extends RowPlace {
  readonly aging: RowAging;

  constructor(store: KeyedStore, name: string, codec: AgedCellCodec, ttl: ResolvedTtl) {
    super(store, name, codec, agedForm(codec.form, ttl.time));
    this.aging = new RowAging(name, ttl, codec, store);
    store.addAging(this.column, this.aging);
  }

  override decode(saved: unknown, row: Row, from: SavedColumn): unknown {
    const cell = super.decode(saved, row, from);
    this.aging.restored(row, cell);
    return cell;
  }
}
