/**
 * Numbers with few decimal places as integers: 21.5 is 215 tenths.
 *
 * Owns the decision whether the numbers of a column are such, learned from section to section. The scheme is that of ALP (Afroozeh and others, Adaptive
 * Lossless floating-Point Compression, 2023), without its exceptions: one number that is none makes the column one of doubles.
 *
 * D1. A number is taken only when dividing the integer by the power of ten gives exactly its bits back; -0, NaN and the infinities never are.
 */

/** The most decimal places; measurements have fewer, and what has more saves little. */
export const placesMax = 9;
/** By decimal places. */
const powers: readonly number[] = Array.from({ length: placesMax + 1 }, (_, places) => 10 ** places);
/** Integers up to here differ from each other by what doubles hold exactly. */
const integerMax = 2 ** 51;
/** A column that was none goes without looking for so many sections. */
const sectionsWithout = 31;
/** Numbers looked at before all are tried. */
const samples = 8;

/** The integers of the last column that was scaled. */
let scaled = new Float64Array(1024);

/** What an integer is divided by. */
export function powerOf(places: number): number {
  return powers[places]!;
}

/** Finds out how many decimal places the numbers of one column have. */
export class Decimals {
  #places = 0;
  #sectionsLeft = 0;

  /** Decimal places of the column scaled last. */
  get places(): number {
    return this.#places;
  }

  /** The first `count` of `values` as integers, valid until the next call of any; undefined when they are none (D1). */
  scale(values: Float64Array, count: number): Float64Array | undefined {
    if (this.#sectionsLeft > 0) {
      this.#sectionsLeft -= 1;
      return undefined;
    }
    if (scaled.length < count) scaled = new Float64Array(2 * count);
    if (this.#guess(values, count) && this.#scaleAll(values, count)) return scaled;
    this.forget();
    return undefined;
  }

  /** It did not pay: the next sections go without. */
  forget(): void {
    this.#places = 0;
    this.#sectionsLeft = sectionsWithout;
  }

  /** By a few of the numbers, so that a column of any numbers costs little. */
  #guess(values: Float64Array, count: number): boolean {
    const step = Math.max(1, Math.floor(count / samples));
    for (let index = 0; index < count; index += step) if (!this.#fit(values[index]!)) return false;
    return true;
  }

  #scaleAll(values: Float64Array, count: number): boolean {
    let power = powers[this.#places]!;
    for (let index = 0; index < count; index++) {
      const value = values[index]!;
      const integer = Math.round(value * power);
      if (isExact(integer, power, value)) {
        scaled[index] = integer;
        continue;
      }
      if (!this.#fit(value)) return false;
      // From the beginning, with more places.
      power = powers[this.#places]!;
      index = -1;
    }
    return true;
  }

  /** Raises the places until they are enough for `value`. */
  #fit(value: number): boolean {
    for (let places = this.#places; places <= placesMax; places++) {
      const power = powers[places]!;
      if (!isExact(Math.round(value * power), power, value)) continue;
      this.#places = places;
      return true;
    }
    return false;
  }
}

function isExact(integer: number, power: number, value: number): boolean {
  if (integer / power !== value || integer > integerMax || integer < -integerMax) return false;
  return value !== 0 || 1 / value > 0;
}
