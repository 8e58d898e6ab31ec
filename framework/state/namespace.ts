/**
 * The keyed state of one operator: its declared state and its timers, under the operator's name.
 *
 * Owns the names of columns: `operator/state`. Two operators of a stage never meet each other's state or timers.
 */
import { StreamError } from "../errors.ts";
import type { States, StateOf } from "./descriptors.ts";
import { KeyedTimers } from "./keyed-timers.ts";
import { MapCells } from "./map-state.ts";
import type { KeyedStore } from "./store.ts";
import { ValueCells } from "./value-state.ts";

/** Time domain of a timer. */
export type TimeDomain = "event" | "processing";

/** Where one operator declares what it keeps per key. */
export class Namespace {
  readonly store: KeyedStore;
  readonly #operator: string;

  constructor(store: KeyedStore, operator: string) {
    this.store = store;
    this.#operator = operator;
  }

  /** Name of the column of `what`. */
  columnName(what: string): string {
    return `${this.#operator}/${what}`;
  }

  /** The handles to declared state. @throws OPTION_INVALID when a declaration is none */
  states<S extends States>(declared: S): StateOf<S> {
    const handles = Object.entries(declared).map(([name, { kind }]) => {
      const column = this.columnName(`state/${name}`);
      if (kind === "value") return [name, new ValueCells(this.store, column)] as const;
      if (kind === "map") return [name, new MapCells(this.store, column)] as const;
      throw new StreamError("OPTION_INVALID", `${column} is not declared with value() or map()`);
    });
    return Object.fromEntries(handles) as StateOf<S>;
  }

  /** Timers of one domain. */
  timers(domain: TimeDomain): KeyedTimers {
    return new KeyedTimers(this.store, this.columnName(`timers/${domain}`));
  }
}
