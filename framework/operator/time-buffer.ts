/**
 * Records of one key that wait, in order of their time, for others to be joined with.
 *
 * Owns the order, and the taking out at the front. What a record means, and when it is gone, is the operator's business.
 *
 * B1. Records are in order of time; those of one time in the order in which they came.
 * B2. Taking out the first one costs the same however many there are.
 */

/** A record that waits. */
export interface Waiting {
  readonly time: number;
  readonly value: unknown;
  /** Whether it has been joined; only looked at where records without a partner count. */
  isMatched: boolean;
}

/** Places at the front that are kept empty at most, unless more than half of all are. */
const emptyMax = 32;

/** The records of one side. */
export class TimeBuffer {
  /** Places before `#first` are empty (B2). */
  #records: (Waiting | undefined)[] = [];
  #first = 0;

  get size(): number {
    return this.#records.length - this.#first;
  }

  /** The earliest one. */
  get first(): Waiting | undefined {
    return this.#records[this.#first];
  }

  /** All of them, in order (B1). */
  all(): readonly Waiting[] {
    return this.#records.slice(this.#first) as Waiting[];
  }

  /** Puts a record in its place (B1). */
  add(record: Waiting): void {
    const records = this.#records;
    const last = records.at(-1);
    if (last === undefined || last.time <= record.time) records.push(record);
    else records.splice(this.#placeOf(record.time + 1), 0, record);
  }

  /** Takes out a record that was added: undoes `add`. */
  takeBack(record: Waiting): void {
    const records = this.#records;
    if (records.at(-1) === record) records.length -= 1;
    else records.splice(records.indexOf(record, this.#first), 1);
  }

  /** Takes out the earliest one. */
  shift(): Waiting | undefined {
    const record = this.first;
    if (record === undefined) return undefined;
    this.#records[this.#first] = undefined;
    this.#first += 1;
    if (this.#first > emptyMax && this.#first > this.#records.length / 2) {
      this.#records = this.#records.slice(this.#first);
      this.#first = 0;
    }
    return record;
  }

  /** Calls `each` with every record from time `from` to time `to`, both included, in order (B1). */
  forRange(from: number, to: number, each: (record: Waiting) => void): void {
    const records = this.#records;
    for (let at = this.#placeOf(from); at < records.length; at++) {
      const record = records[at];
      if (record === undefined || record.time > to) return;
      each(record);
    }
  }

  /** The place of the first record at `time` or later. */
  #placeOf(time: number): number {
    const records = this.#records;
    let low = this.#first;
    let high = records.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((records[middle]?.time ?? 0) < time) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
