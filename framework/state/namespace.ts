/**
 * The keyed state of one operator: its declared state and its timers, under the operator's name.
 *
 * Owns the names of columns: `operator/what`, and `operator/state/name` for what is declared. Two operators of a stage never meet each other's state or timers.
 */
import { statesOf } from "./declared-states.ts";
import type { States, StateOf } from "./descriptors.ts";
import { KeyedTimers } from "./keyed-timers.ts";
import { AgedRowPlace, RowPlace } from "./row-place.ts";
import type { KeyedStore } from "./store.ts";

/** Time domain of a timer. */
export type TimeDomain = "event" | "processing";

const agePattern = / \(ttl in \w+ time\)$/;

/** Whose column it is, and of which state: its declared name, or what the operator keeps besides (`windows`). */
export function stateOfColumn(column: string): { readonly operator: string; readonly name: string } {
  const at = column.indexOf("/");
  const what = column.slice(at + 1).replace(agePattern, "");
  return { operator: column.slice(0, at), name: what.startsWith("state/") ? what.slice("state/".length) : what };
}

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
    const column = (name: string): string => this.columnName(`state/${name}`);
    return statesOf(
      declared,
      (name, codec) => new RowPlace(this.store, column(name), codec),
      (name, codec, ttl) => {
        // What a ttl counts in is part of what is stored; how long it is, is not.
        const place = new AgedRowPlace(this.store, `${column(name)} (ttl in ${ttl.time} time)`, codec, ttl);
        return { place, aging: place.aging };
      },
    );
  }

  /** Timers of one domain. */
  timers(domain: TimeDomain): KeyedTimers {
    return new KeyedTimers(this.store, this.columnName(`timers/${domain}`));
  }
}
