/**
 * Room for the numbers of a block's columns, until its records are made of them.
 *
 * Owns the memory: a column's numbers are valid until the next block has one in its place.
 *
 * NR1. What fits a small integer is made one: what is read out of doubles is a box of memory for each number, and slower in whatever a program does with it
 *      (a key of a map, a sum).
 */

const roomFirst = 256;
const roomKeptMax = 1 << 16;

/** One per reader of blocks. */
export class NumberRooms {
  readonly #doubles: Float64Array[] = [];
  readonly #integers: Int32Array[] = [];

  /** Room for `count` numbers of the column in place `place`. */
  doubles(place: number, count: number): Float64Array {
    const room = this.#doubles[place];
    if (room !== undefined && room.length >= count) return room;
    const made = new Float64Array(Math.max(count, roomFirst));
    if (count <= roomKeptMax) this.#doubles[place] = made;
    return made;
  }

  /** The first `count` of `numbers` as small integers (NR1); undefined when not all of them are. */
  integers(place: number, numbers: Float64Array, count: number): Int32Array | undefined {
    if (count > 0 && !isSmall(numbers[0]!)) return undefined;
    const into = this.#integersOf(place, count);
    for (let index = 0; index < count; index++) {
      const number = numbers[index]!;
      if (!isSmall(number)) return undefined;
      into[index] = number;
    }
    return into;
  }

  #integersOf(place: number, count: number): Int32Array {
    const room = this.#integers[place];
    if (room !== undefined && room.length >= count) return room;
    const made = new Int32Array(Math.max(count, roomFirst));
    if (count <= roomKeptMax) this.#integers[place] = made;
    return made;
  }
}

/** -0 is none. */
function isSmall(number: number): boolean {
  return (number | 0) === number && (number !== 0 || 1 / number > 0);
}
