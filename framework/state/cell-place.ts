/**
 * Where the cell of a declared state lies: what a handle needs to know of it, and no more.
 *
 * Owns the contract. Places are made by those who own what contains the cell: a column of the current row (`row-place.ts`), the current window of a key, the
 * instance. A handle reads and writes one place; what its cell looks like does not depend on the place.
 *
 * C1. `get` changes nothing, but for the time of the last use where there is a ttl. A cell is changed in place only after `touch` of the same step.
 * C2. Undoing the step brings back the cell that `put` replaced; what a handle changes inside a cell it pushes to `undoLog` itself.
 * C3. A place that moves to another cell within a step (another window, another row) has what was lent out settled before.
 */
import type { StateLimits } from "./state-limits.ts";
import type { UndoLog } from "./undo-log.ts";

/** One cell, read and written through a handle. */
export interface CellPlace {
  /** Names the state in errors. */
  readonly name: string;
  /** Where a handle writes how to take back what it changes inside the cell. */
  readonly undoLog: UndoLog;
  /** What may be in one cell. */
  readonly limits: StateLimits;
  /** The cell; undefined: none. */
  get(): unknown;
  /** The cell is about to be changed: marks what contains it as changed. @throws VALUE_NOT_ENCODABLE when a cut could not encode what there was */
  touch(): void;
  /** Touches, and puts `cell` in the place of the one there is; undefined: takes it out. Undone with the step. */
  put(cell: unknown): void;
  /** An object of the cell has been given to user code: `lender` settles before the step ends, or the place moves. */
  lend(lender: Lender): void;
}

/** What a saved cell was written as. */
export interface SavedFrom {
  /** Version of the schema of its values. */
  readonly version: number;
  /** State and key, for errors. */
  whose(): string;
}

/** What a kind of cell looks like in a snapshot; the same at every place. */
export interface CellCodec {
  /** The kind, for people and to be compared: `value`, `map (ttl in event time)`. */
  readonly form: string;
  /** Version of the schema of the values that `encode` writes; 1 where there is none. */
  readonly version: number;
  /** The oldest version that `decode` takes. @default 1 */
  readonly oldest?: number | undefined;
  /** The cell as a value of the default codec. */
  encode(cell: unknown): unknown;
  /** The cell of a value that `encode` answered, now or (`from`) of another version; undefined when it is something else. @throws SNAPSHOT_UNSUITABLE */
  decode(saved: unknown, from?: SavedFrom): unknown;
  /** What `encode` answered, with `change` in the place of each of the program's values in it; anything else as it is. */
  mapped(saved: unknown, change: (value: unknown) => unknown): unknown;
}

/** A kind of cell that knows when what it holds was last used: of state with a ttl. */
export interface AgedCellCodec extends CellCodec {
  /** The earliest of the times of last use. */
  oldestMs(cell: unknown): number;
  /** The cell without what was last used at a time that `isGone`, changed in place or another one; undefined when nothing remains. Not undone. */
  swept(cell: unknown, isGone: (usedMs: number) => boolean): unknown;
}

/** State that lent objects out and takes their changes in. */
export interface Lender {
  /** What was lent becomes state. @throws VALUE_NOT_ENCODABLE */
  settle(): void;
  /** What was lent is not state any more. */
  forget(): void;
}

/** Who has lent objects out, of one place or many. Itself a lender, so that one place can be settled before another. */
export class Lendings implements Lender {
  readonly #lenders: Lender[] = [];

  get isEmpty(): boolean {
    return this.#lenders.length === 0;
  }

  lend(lender: Lender): void {
    this.#lenders.push(lender);
  }

  settle(): void {
    const lenders = this.#lenders;
    for (let at = 0; at < lenders.length; at++) lenders[at]?.settle();
  }

  forget(): void {
    const lenders = this.#lenders;
    for (let at = 0; at < lenders.length; at++) lenders[at]?.forget();
    lenders.length = 0;
  }
}
