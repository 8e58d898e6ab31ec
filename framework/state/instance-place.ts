/**
 * A cell of the instance as the place of a state: broadcast state.
 *
 * Owns the cells, who may change them, and when what they lend out is settled: at the end of the step, never in between, however many keys the step
 * looks at.
 *
 * I1. Cells are changed only while the owner has opened them: the same changes reach every instance, so nobody else may make any.
 * I2. What a snapshot holds of them is what `restore` takes; only what a savepoint holds may be of an older version.
 */
import { StreamError } from "../errors.ts";
import { Lendings, type CellCodec, type CellPlace, type Lender } from "./cell-place.ts";
import type { KeyedStore } from "./store.ts";
import type { StateLimits } from "./state-limits.ts";
import type { UndoLog } from "./undo-log.ts";

/** Cells of one instance, by name. */
export class InstanceCells implements Lender {
  readonly store: KeyedStore;
  /** I1. */
  isOpen = false;
  readonly #places: InstancePlace[] = [];
  readonly #lendings = new Lendings();
  #isVisiting = false;
  /** What a visit failed with: the step must not go well, whoever catches it. */
  #failure: { readonly error: unknown } | undefined;

  constructor(store: KeyedStore) {
    this.store = store;
  }

  /** The place of the cell `name`, called `title` in errors; called while the program is built. */
  place(name: string, title: string, codec: CellCodec): CellPlace {
    const place = new InstancePlace(this, name, title, codec);
    this.#places.push(place);
    return place;
  }

  /** Runs `each` with every row of the store that has a cell as the current one; none is current afterwards. What the cells have lent stays lent. */
  visitRows(each: () => void): void {
    if (this.#isVisiting) throw new TypeError("forEachKey is called within forEachKey");
    this.#isVisiting = true;
    try {
      this.store.visit(each);
    } catch (error) {
      this.#failure = { error };
      throw error;
    } finally {
      this.#isVisiting = false;
      // The visit has settled, and forgotten, whoever had lent something out; this one still has.
      this.store.lend(this);
    }
  }

  /** An object of a cell has been given to user code. */
  lend(lender: Lender): void {
    if (this.#lendings.isEmpty) this.store.lend(this);
    this.#lendings.lend(lender);
  }

  settle(): void {
    if (this.#isVisiting) return;
    if (this.#failure !== undefined) throw this.#failure.error;
    this.#lendings.settle();
  }

  forget(): void {
    if (this.#isVisiting) return;
    this.#failure = undefined;
    this.#lendings.forget();
  }

  /** I2: the cells that are there, by name. */
  snapshot(): unknown {
    return this.#places.flatMap((place) => (place.get() === undefined ? [] : [place.saved()]));
  }

  /** Takes what `snapshot` answered, of a snapshot or a savepoint (I2). @throws CORRUPT, SNAPSHOT_UNSUITABLE */
  restore(saved: unknown, of: "snapshot" | "savepoint"): void {
    if (!Array.isArray(saved)) throw new StreamError("CORRUPT", "the state of an instance is no list of cells");
    for (const entry of saved as unknown[]) {
      const [name, cell, version = 1]: unknown[] = Array.isArray(entry) ? entry : [];
      const place = this.#places.find(({ key }) => key === name);
      if (place === undefined)
        throw new StreamError(
          "SNAPSHOT_UNSUITABLE",
          `the snapshot has broadcast state ${String(name)}, the program has none`,
        );
      place.load(cell, version as number, of === "savepoint");
    }
  }
}

class InstancePlace implements CellPlace {
  readonly name: string;
  readonly key: string;
  readonly #cells: InstanceCells;
  readonly #codec: CellCodec;
  #cell: unknown;

  constructor(cells: InstanceCells, key: string, name: string, codec: CellCodec) {
    this.#cells = cells;
    this.key = key;
    this.name = name;
    this.#codec = codec;
  }

  get undoLog(): UndoLog {
    return this.#cells.store.undoLog;
  }

  get limits(): StateLimits {
    return this.#cells.store.limits;
  }

  get(): unknown {
    return this.#cell;
  }

  touch(): void {
    if (!this.#cells.isOpen)
      throw new TypeError(`${this.name} is changed outside of onBroadcast: other partitions would not change it`);
  }

  put(cell: unknown): void {
    this.touch();
    this.undoLog.push(putBack, this, this.#cell, undefined);
    this.#cell = cell;
  }

  lend(lender: Lender): void {
    this.#cells.lend(lender);
  }

  /** Name and cell; its version where that is not 1. */
  saved(): unknown {
    const { version } = this.#codec;
    const cell = this.#codec.encode(this.#cell);
    return version === 1 ? [this.key, cell] : [this.key, cell, version];
  }

  load(saved: unknown, version: number, mayMigrate: boolean): void {
    const { version: known } = this.#codec;
    if (version !== known && !mayMigrate)
      throw new StreamError(
        "SNAPSHOT_UNSUITABLE",
        `${this.name} has version ${version}, and the program ${known}: take a savepoint with the program that wrote it and upgrade`,
      );
    const whose = () => this.name;
    const from = version === known ? undefined : { version, whose };
    const cell = this.#codec.decode(saved, from);
    if (cell === undefined) throw new StreamError("CORRUPT", `${this.name} has another shape`);
    this.#cell = cell;
  }

  /** Undoes `put`. */
  takeBack(cell: unknown): void {
    this.#cell = cell;
  }
}

function putBack(place: InstancePlace, cell: unknown): void {
  place.takeBack(cell);
}
