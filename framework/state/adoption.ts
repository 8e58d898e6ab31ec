/**
 * Keyed state of a savepoint in a store of another generation: which rows, in which order, and what of them.
 *
 * Owns the way from columns to columns by name, and the order of rows and timers where instances are divided anew. Whether the states fit each other as a whole has
 * been decided before (`protocol/restore.ts`); migrations are the columns' own business.
 *
 * A1. Of one instance everything stays as it was: rows in their order, timers with their numbers.
 * A2. Of several, rows come in the order of the instances, then in their own. Timers fire in the order of their old numbers, then of the instances: a total order, the
 *     same in every restore, in which those of one instance keep theirs.
 * A3. Nothing of a state that the program does not know is left out in silence.
 */
import { StreamError } from "../errors.ts";
import { hashKey, renderKey, type Key } from "../record/key.ts";
import { readSegment, type Column, type SavedSegment } from "./segment-codec.ts";
import type { AdoptedCell, AdoptedRow, KeyedStore, StoredSegment } from "./store.ts";

/** Keyed state of one instance of a savepoint. */
export interface AdoptedInstance {
  readonly segments: Iterable<StoredSegment>;
  readonly nextTimerNumber: number;
}

/** What a store goes on from. */
export interface Adoption {
  /** In the order of their partitions: one, or all that rows may come from. */
  readonly instances: readonly AdoptedInstance[];
  /** Whether the key with this hash is the store's. */
  isOwn(hash: number): boolean;
  /** What becomes of the state of that column, or operator: the program has it, may do without it, or knows nothing of it (A3). */
  fateOf(name: string): StateFate;
}

/** `taken`: by the state of that name. `dropped`: it is left out. `unknown`: there must be none of it. */
export type StateFate = "taken" | "dropped" | "unknown";

/** Gives `store` the state of a savepoint; called once, when all state is declared, before the first step. @throws CORRUPT, SNAPSHOT_UNSUITABLE */
export function adoptState(store: KeyedStore, adoption: Adoption): void {
  const { instances } = adoption;
  const rows = instances.map((instance) => ownRows(store.columns, instance, adoption));
  const [only] = instances;
  if (only !== undefined && instances.length === 1) return store.adopt(rows.flat(), only.nextTimerNumber);
  const ranks = ranksOf(store.columns, rows);
  const renumbered = rows.flatMap((theirs, instance) =>
    theirs.map((row) => withNumbers(store.columns, row, (number) => ranks.of(instance, number))),
  );
  store.adopt(renumbered, ranks.next);
}

function ownRows(columns: readonly Column[], { segments }: AdoptedInstance, adoption: Adoption): AdoptedRow[] {
  const rows: AdoptedRow[] = [];
  for (const { segment, bytes } of segments) {
    const saved = readSegment(segment, bytes);
    const places = saved.columns.map(({ name }) => columns.findIndex((column) => column.name === name));
    for (const { key, cells } of saved.rows)
      if (adoption.isOwn(hashKey(key)))
        rows.push({ key, cells: placed({ key, cells, places, saved, adoption, count: columns.length }) });
  }
  return rows;
}

/** The cells of a row in the order of the program's columns. */
function placed(row: {
  readonly key: Key;
  readonly cells: readonly unknown[];
  readonly places: readonly number[];
  readonly saved: SavedSegment;
  readonly adoption: Adoption;
  readonly count: number;
}): readonly (AdoptedCell | undefined)[] {
  const placedCells = Array.from<AdoptedCell | undefined>({ length: row.count });
  for (const [at, cell] of row.cells.entries()) {
    const from = row.saved.columns[at];
    const place = row.places[at] ?? -1;
    if (cell === undefined || from === undefined) continue;
    const fate = row.adoption.fateOf(from.name);
    if (fate === "dropped") continue;
    if (fate === "taken" && place >= 0) placedCells[place] = { saved: cell, from };
    else
      throw new StreamError(
        "SNAPSHOT_UNSUITABLE",
        `the savepoint has state ${from.name} of key ${renderKey(row.key)}, and the program has none like it`,
      );
  }
  return placedCells;
}

/** The row with other numbers of timers. */
function withNumbers(columns: readonly Column[], row: AdoptedRow, next: (number: number) => number): AdoptedRow {
  const cells = row.cells.map((cell, at) => {
    const renumbered = cell && columns[at]?.renumbered?.(cell.saved, next);
    return cell === undefined || renumbered === undefined ? cell : { ...cell, saved: renumbered };
  });
  return { ...row, cells };
}

interface Ranks {
  /** The new number of a timer of an instance. */
  of(instance: number, number: number): number;
  /** The number behind the last one. */
  readonly next: number;
}

/** A2. */
function ranksOf(columns: readonly Column[], rows: readonly (readonly AdoptedRow[])[]): Ranks {
  const timers: { readonly instance: number; readonly number: number }[] = [];
  for (const [instance, theirs] of rows.entries()) {
    const note = (number: number): number => {
      timers.push({ instance, number });
      return number;
    };
    for (const row of theirs) withNumbers(columns, row, note);
  }
  timers.sort((a, b) => a.number - b.number || a.instance - b.instance);
  const ranks = rows.map(() => new Map<number, number>());
  for (const [at, { instance, number }] of timers.entries()) ranks[instance]?.set(number, at + 1);
  return { of: (instance, number) => ranks[instance]?.get(number) ?? number, next: timers.length + 1 };
}
