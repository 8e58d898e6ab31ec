/**
 * A cell that lives and dies as a whole: value, reducing and aggregating state with a ttl.
 *
 * Owns the pair of a cell and the time of its last use, and the place that shows a handle the cell alone.
 */
import type { Aging } from "./aging.ts";
import type { AgedCellCodec, CellCodec, CellPlace, Lender } from "./cell-place.ts";
import type { StateLimits } from "./state-limits.ts";
import type { UndoLog } from "./undo-log.ts";

class AgedCell {
  readonly cell: unknown;
  readonly usedMs: number;

  constructor(cell: unknown, usedMs: number) {
    this.cell = cell;
    this.usedMs = usedMs;
  }
}

/** Cells of `codec` with their last use: `[usedMs, cell]`. */
export function agedCellCodec(codec: CellCodec): AgedCellCodec {
  return {
    form: codec.form,
    version: codec.version,
    oldest: codec.oldest,
    encode(cell) {
      const aged = cell as AgedCell;
      return [aged.usedMs, codec.encode(aged.cell)];
    },
    decode(saved, from) {
      if (!Array.isArray(saved) || saved.length !== 2 || typeof saved[0] !== "number") return undefined;
      const cell = codec.decode(saved[1], from);
      return cell === undefined ? undefined : new AgedCell(cell, saved[0]);
    },
    mapped: (saved, change) => (Array.isArray(saved) ? [saved[0], codec.mapped(saved[1], change)] : saved),
    oldestMs: (cell) => (cell as AgedCell).usedMs,
    swept: (cell, isGone) => (isGone((cell as AgedCell).usedMs) ? undefined : cell),
  };
}

/** A place whose cell is `undefined` when it has expired; reading and writing refresh it as its ttl says. */
export class AgedPlace implements CellPlace {
  readonly name: string;
  readonly undoLog: UndoLog;
  readonly limits: StateLimits;
  readonly #inner: CellPlace;
  readonly #aging: Aging;

  /** `inner`: holds cells of an `agedCellCodec`. */
  constructor(inner: CellPlace, aging: Aging) {
    this.name = inner.name;
    this.undoLog = inner.undoLog;
    this.limits = inner.limits;
    this.#inner = inner;
    this.#aging = aging;
  }

  get(): unknown {
    const aged = this.#inner.get() as AgedCell | undefined;
    if (aged === undefined || this.#aging.hides(aged.usedMs)) return undefined;
    if (this.#aging.isRefreshedByReads) this.#refresh(aged);
    return aged.cell;
  }

  touch(): void {
    this.#inner.touch();
  }

  put(cell: unknown): void {
    if (cell === undefined) return this.#inner.put(undefined);
    const usedMs = this.#aging.use();
    const before = this.#inner.get() as AgedCell | undefined;
    // A record that comes out of order does not shorten the life that a later one has given.
    this.#inner.put(new AgedCell(cell, before === undefined ? usedMs : Math.max(usedMs, before.usedMs)));
  }

  lend(lender: Lender): void {
    this.#inner.lend(lender);
  }

  #refresh({ cell, usedMs }: AgedCell): void {
    const nowMs = this.#aging.use();
    if (nowMs > usedMs) this.#inner.put(new AgedCell(cell, nowMs));
  }
}
