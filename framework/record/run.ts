/**
 * Notices when values of one kind follow each other, in a block that takes anything.
 */
import { isRow } from "./shape.ts";

/** How many of the last values were of one kind that columns are made for: numbers, strings, booleans, or objects of one shape. */
export class Run {
  #length = 0;
  #type = "";
  #names: readonly string[] = [];

  /** Takes the next value and answers how long the run is with it; 0 for a value of a kind that has no columns. */
  observe(value: unknown): number {
    const names = isRow(value) ? Object.keys(value) : [];
    const type = typeof value;
    const isLike = type === this.#type && areSame(names, this.#names);
    this.#type = type;
    this.#names = names;
    this.#length = type === "object" && names.length === 0 ? 0 : isLike ? this.#length + 1 : 1;
    return this.#length;
  }

  reset(): void {
    this.#length = 0;
    this.#type = "";
  }
}

function areSame(some: readonly string[], others: readonly string[]): boolean {
  if (some.length !== others.length) return false;
  for (let at = 0; at < some.length; at++) if (some[at] !== others[at]) return false;
  return true;
}
