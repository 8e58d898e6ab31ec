/**
 * The program's state per window: declared like keyed state, it lives and ends with a window of a key.
 *
 * Owns where its cells lie, and that handles speak of the window that is firing.
 *
 * S1. Before another window fires in the same step, what was lent out of the last one is taken in.
 */
import { invariant } from "../errors.ts";
import { Lendings, type CellCodec, type CellPlace, type Lender } from "../state/cell-place.ts";
import { statesOf } from "../state/declared-states.ts";
import type { States, StateOf } from "../state/descriptors.ts";
import type { Column } from "../state/segment-codec.ts";
import type { StateLimits } from "../state/state-limits.ts";
import type { KeyedStore } from "../state/store.ts";
import type { UndoLog } from "../state/undo-log.ts";
import type { CellsFrom, KeyWindow } from "./key-windows.ts";

/** State per window of one operator. */
export class WindowState {
  /** The handles, by name. */
  readonly states: StateOf<States>;
  readonly #store: KeyedStore;
  /** What is declared, in the order of the cells. */
  readonly parts: NonNullable<Column["parts"]>;
  readonly #codecs: CellCodec[] = [];
  readonly #lendings = new Lendings();
  #window: KeyWindow | undefined;

  /** @throws OPTION_INVALID when a declaration is none */
  constructor(store: KeyedStore, prefix: string, declared: States) {
    this.#store = store;
    this.states = statesOf(declared, (name, codec) => {
      const index = this.#codecs.push(codec) - 1;
      return new WindowPlace(this, store, `${prefix}${name}`, index);
    });
    this.parts = Object.keys(declared).map((name, index) => {
      const { form = "", version = 1, oldest } = this.#codecs[index] ?? {};
      return { name, form, version, oldest };
    });
  }

  /** The handles speak of `window` (S1). */
  enter(window: KeyWindow): void {
    if (this.#window !== window && !this.#lendings.isEmpty) {
      this.#lendings.settle();
      this.#lendings.forget();
    }
    this.#window = window;
  }

  /** The window of which the handles speak. */
  get window(): KeyWindow {
    invariant(this.#window !== undefined, "state per window is there only while a window fires");
    return this.#window;
  }

  lend(lender: Lender): void {
    if (this.#lendings.isEmpty) this.#store.lend(this.#lendings);
    this.#lendings.lend(lender);
  }

  /** The cells of a window as a value of the default codec. */
  encode(cells: readonly unknown[]): unknown {
    return cells.map((cell, index) => (cell === undefined ? undefined : [this.#codecs[index]?.encode(cell)]));
  }

  /** The cells that `encode` wrote, of states that are still declared; undefined when they are something else. @throws SNAPSHOT_UNSUITABLE */
  decode(saved: unknown, written: CellsFrom): unknown[] | undefined {
    const { parts = this.parts } = written;
    if (!Array.isArray(saved) || saved.length !== parts.length) return undefined;
    const cells: unknown[] = [];
    for (const [index, codec] of this.#codecs.entries()) {
      const name = this.parts[index]?.name ?? "";
      const at = parts.findIndex((part) => part.name === name);
      const one: unknown = saved[at];
      const { version = 1 } = parts[at] ?? {};
      const from =
        version === codec.version ? undefined : { version, whose: () => `state ${name} in ${written.whose()}` };
      const cell = Array.isArray(one) ? codec.decode(one[0], from) : undefined;
      if (one !== undefined && cell === undefined) return undefined;
      cells.push(cell);
    }
    return cells;
  }

  /** An empty list of cells. */
  noCells(): unknown[] {
    return this.#codecs.map(() => undefined);
  }
}

/** One declared state of the window that fires. */
class WindowPlace implements CellPlace {
  readonly name: string;
  readonly undoLog: UndoLog;
  readonly limits: StateLimits;
  readonly #state: WindowState;
  readonly #store: KeyedStore;
  readonly #index: number;

  constructor(state: WindowState, store: KeyedStore, name: string, index: number) {
    this.name = name;
    this.undoLog = store.undoLog;
    this.limits = store.limits;
    this.#state = state;
    this.#store = store;
    this.#index = index;
  }

  get(): unknown {
    return this.#state.window.cells?.[this.#index];
  }

  touch(): void {
    this.#store.write();
  }

  put(cell: unknown): void {
    this.touch();
    const { window } = this.#state;
    const cells = window.cells?.slice() ?? this.#state.noCells();
    cells[this.#index] = cell;
    this.undoLog.push(restoreCells, window, window.cells, undefined);
    window.cells = cells.every((each) => each === undefined) ? undefined : cells;
  }

  lend(lender: Lender): void {
    this.#state.lend(lender);
  }
}

function restoreCells(window: KeyWindow, cells: unknown[] | undefined): void {
  window.cells = cells;
}
