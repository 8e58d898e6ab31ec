/**
 * A schedule as a tape of choices: a model asks it what happens next, and fast-check shortens it when something goes wrong.
 */
import fc from "fast-check";

/** Choices in the order in which a model asks for them. */
export class Tape {
  readonly #choices: readonly number[];
  #at = 0;

  constructor(choices: readonly number[]) {
    this.#choices = choices;
  }

  get isOver(): boolean {
    return this.#at >= this.#choices.length;
  }

  /** One of 0 … `count - 1`; 0 when the tape is over. */
  draw(count: number): number {
    const choice = this.#choices[this.#at] ?? 0;
    this.#at += 1;
    return choice % count;
  }

  /** One of `items`, removed from there; undefined when there is none. */
  takeFrom<T>(items: T[]): T | undefined {
    return items.length === 0 ? undefined : items.splice(this.draw(items.length), 1)[0];
  }
}

/** Tapes of at most `maxLength` choices. */
export function tapes(maxLength: number): fc.Arbitrary<readonly number[]> {
  return fc.array(fc.nat({ max: 0xffff }), { maxLength, size: "max" });
}
