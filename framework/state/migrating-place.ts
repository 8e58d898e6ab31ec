/**
 * A place whose cells may still be as an older version left them.
 *
 * Owns nothing but the look: whoever reads a cell through it gets the migrated one, whoever writes a snapshot does, too (`schema.ts`).
 */
import type { CellPlace, Lender } from "./cell-place.ts";
import { Unmigrated } from "./schema.ts";
import type { StateLimits } from "./state-limits.ts";
import type { UndoLog } from "./undo-log.ts";

/** Shows a handle cells of the newest version alone. @throws SNAPSHOT_UNSUITABLE where one cannot be migrated */
export class MigratingPlace implements CellPlace {
  readonly name: string;
  readonly undoLog: UndoLog;
  readonly limits: StateLimits;
  readonly #inner: CellPlace;

  constructor(inner: CellPlace) {
    this.name = inner.name;
    this.undoLog = inner.undoLog;
    this.limits = inner.limits;
    this.#inner = inner;
  }

  get(): unknown {
    const cell = this.#inner.get();
    return cell instanceof Unmigrated ? cell.cell : cell;
  }

  touch(): void {
    this.#inner.touch();
  }

  put(cell: unknown): void {
    this.#inner.put(cell);
  }

  lend(lender: Lender): void {
    this.#inner.lend(lender);
  }
}
