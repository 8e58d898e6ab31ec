/**
 * Results of windows that have many panes, without going through all of them at each firing.
 *
 * Owns the blocks: stretches of time of as many slides each, whose panes are put together once. A window is what is before its first whole block, its whole blocks,
 * and what is behind them.
 *
 * B1. What a result is made of, and in which order, depends on the panes and on the window alone: blocks lie on a grid of their own, so a restored operator
 *     gives the same numbers to the last bit.
 * B2. What is remembered of a block is dropped when one of its panes changes, or is undone. It is no state.
 */
import type { SliceTable } from "../window/slice-table.ts";
import type { Slices } from "../window/slices.ts";
import type { Accumulation } from "./accumulation.ts";

const slidesPerBlock = 64;
/** Windows of fewer slides have no use for blocks. */
const slidesMin = 3 * slidesPerBlock;
/** Blocks remembered of a key beyond those of one window: there are always some that are over. */
const spareBlocks = 64;

/** Panes in one, and how many they are. */
interface Block {
  readonly merged: unknown;
  readonly panes: number;
}

/** The blocks of one operator. */
export class PaneBlocks {
  readonly #accumulation: Accumulation;
  readonly #table: SliceTable;
  readonly #spanMs: number;
  readonly #blocksMax: number;
  readonly #shiftMs: number;
  readonly #known = new WeakMap<Slices, Map<number, Block>>();

  constructor(
    accumulation: Accumulation,
    table: SliceTable,
    { sizeMs, slideMs, offsetMs }: { readonly sizeMs: number; readonly slideMs: number; readonly offsetMs: number },
  ) {
    this.#accumulation = accumulation;
    this.#table = table;
    this.#spanMs = slideMs * slidesPerBlock;
    this.#blocksMax = Math.ceil(sizeMs / this.#spanMs) + spareBlocks;
    this.#shiftMs = offsetMs;
  }

  /** Whether windows of this shape have use for blocks. */
  static areUseful({ sizeMs, slideMs }: { readonly sizeMs: number; readonly slideMs: number }): boolean {
    return sizeMs >= slidesMin * slideMs;
  }

  /** The result of the window [start, end), which has panes (B1). */
  resultOf(slices: Slices, start: number, end: number): unknown {
    const known = this.#of(slices);
    const to = slices.firstFrom(end);
    let index = slices.firstFrom(start);
    let merged: unknown;
    while (index < to) {
      // By division, which is faster than `%`, and exact for safe integers.
      const number = Math.floor((slices.startOf(index) - this.#shiftMs) / this.#spanMs);
      const from = this.#shiftMs + number * this.#spanMs;
      const isWhole = from >= start && from + this.#spanMs <= end;
      const block =
        (isWhole ? known.get(number) : undefined) ??
        this.#merge(slices, index, Math.min(from + this.#spanMs, end), isWhole ? number : undefined);
      merged = this.#accumulation.join(merged, block.merged);
      index += block.panes;
    }
    return this.#accumulation.mergedResult(merged);
  }

  /** A pane of the key has changed (B2). */
  forget(slices: Slices): void {
    this.#known.delete(slices);
  }

  #of(slices: Slices): Map<number, Block> {
    const known = this.#known.get(slices);
    if (known !== undefined && known.size <= this.#blocksMax) return known;
    const fresh = new Map<number, Block>();
    this.#known.set(slices, fresh);
    return fresh;
  }

  /** The panes from number `index` on that begin before `end`, in one; remembered as those of block `number`. */
  #merge(slices: Slices, index: number, end: number, number: number | undefined): Block {
    const to = slices.firstFrom(end);
    const block = { merged: this.#accumulation.merged(this.#table, slices.places, index, to), panes: to - index };
    if (number !== undefined) this.#known.get(slices)?.set(number, block);
    return block;
  }
}
