/**
 * Folds whose accumulators grow with the records: lists, and sets of values. They change them in place, so that a record costs the same however many came before.
 *
 * I1. What is changed in place is in the undo log.
 */
import { StreamError } from "../errors.ts";
import { cloneValue } from "../record/default-codec.ts";
import type { KeyPart } from "../record/key.ts";
import type { UndoLog } from "../state/undo-log.ts";
import { needsCopy } from "../state/value-state.ts";
import type { WindowFold } from "./window-fold.ts";

/** Lists what a function takes from the records. */
export class ListFold implements WindowFold {
  readonly kind = "collect";
  readonly isMergeable = true;
  readonly #of: (value: unknown) => unknown;

  constructor(of: (value: unknown) => unknown) {
    this.#of = of;
  }

  first(value: unknown): unknown {
    return [copied(this.#of(value))];
  }

  add(accumulator: unknown, value: unknown, undoLog: UndoLog): unknown {
    const list = accumulator as unknown[];
    const one = copied(this.#of(value));
    undoLog.push(dropLast, list, undefined, undefined);
    list.push(one);
    return list;
  }

  merge(older: unknown, newer: unknown): unknown {
    return [...(older as unknown[]), ...(newer as unknown[])];
  }

  result(accumulator: unknown, isKept: boolean): unknown {
    return isKept ? (accumulator as unknown[]).map((value) => copied(value)) : accumulator;
  }

  resultOf(values: readonly unknown[]): unknown {
    return values.map((value) => this.#of(value));
  }
}

function dropLast(list: unknown[]): void {
  list.pop();
}

function copied(value: unknown): unknown {
  return needsCopy(value) ? cloneValue(value) : value;
}

/** Values by what makes them different: `1` and `"1"` are. In order of insertion. */
type Values = Record<string, KeyPart>;

/** Keeps each value once. */
export class DistinctFold implements WindowFold {
  readonly kind = "distinct";
  readonly isMergeable = true;
  readonly #of: (value: unknown) => KeyPart;

  constructor(of: (value: unknown) => KeyPart) {
    this.#of = of;
  }

  first(value: unknown): unknown {
    const one = this.#of(value);
    return { [nameOf(one)]: one };
  }

  add(accumulator: unknown, value: unknown, undoLog: UndoLog): unknown {
    const values = accumulator as Values;
    const one = this.#of(value);
    const name = nameOf(one);
    if (Object.hasOwn(values, name)) return values;
    undoLog.push(forget, values, name, undefined);
    values[name] = one;
    return values;
  }

  merge(older: unknown, newer: unknown): unknown {
    // The order of the older one stays: assigning again does not move.
    return { ...(older as Values), ...(newer as Values) };
  }

  result(accumulator: unknown): unknown {
    return Object.values(accumulator as Values);
  }

  resultOf(values: readonly unknown[]): unknown {
    return this.result(Object.fromEntries(values.map((value) => [nameOf(this.#of(value)), this.#of(value)])));
  }
}

function forget(values: Values, name: string): void {
  Reflect.deleteProperty(values, name);
}

/** A name that is no number, so that properties keep the order in which they came. @throws KEY_INVALID */
function nameOf(value: unknown): string {
  if (typeof value === "string") return `"${value}`;
  if (typeof value === "bigint") return `n${value}`;
  if (typeof value === "boolean") return `b${value}`;
  if (typeof value === "number" && !Number.isNaN(value)) return `=${value}`;
  const what = typeof value === "number" || value === undefined ? String(value) : `a value of type ${typeof value}`;
  throw new StreamError("KEY_INVALID", `distinct was given ${what}: use a string, number, boolean or bigint`);
}
