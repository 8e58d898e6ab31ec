/**
 * Interval join: pairs of two keyed streams whose timestamps lie within an interval of each other, in event time.
 *
 * Owns what of a key waits for partners, on both sides, and for how long. What is made of a pair is the user's function.
 *
 * J1. A pair is a left record and a right one of its key with `left + lower <= right <= left + upper`, bounds included. It is said when the later of the
 *     two comes, once, with the larger of the two timestamps.
 * J2. Late is who is *behind* the watermark (`time < watermark`); who is exactly at it is not (FINDINGS 16).
 * J3. A left record waits until the watermark reaches `time + max(upper, 0)`, a right one until `time + max(-lower, 0)`: then nobody who could still be
 *     its partner would be in time. In an outer join it is said at that moment, with its own timestamp, when it has had none.
 * J4. Dropping a record is done with all the same when saying it fails: it becomes the dead letter.
 * J5. State is a copy: what the function does to the records it is given changes nothing that waits.
 */
import { StreamError } from "../errors.ts";
import { cloneValue } from "../record/default-codec.ts";
import { restoreCell, type Row } from "../state/row.ts";
import { assertSaved, type Column } from "../state/segment-codec.ts";
import type { KeyedStore } from "../state/store.ts";
import { Timer, TimerQueue } from "../state/timer-queue.ts";
import { needsCopy } from "../state/value-state.ts";
import { formatDuration } from "../time/duration.ts";
import { checkTimestamp } from "../time/timestamp.ts";
import { saturatingAdd } from "../window/grid.ts";
import type { Operator, OperatorContext, OperatorFactory } from "./contract.ts";
import { checkJoinType, saysLeft, saysRight, type JoinType } from "./join-type.ts";
import { TimeBuffer, type Waiting } from "./time-buffer.ts";

/** Whether the bounds of an interval belong to it: the lower one, then the upper one. */
export type IntervalBounds = "[]" | "[)" | "(]" | "()";

/** What is joined. */
export interface IntervalJoinSpec {
  /** From the left record's time to the earliest partner, ms; may be negative. */
  readonly lowerMs: number;
  /** To the latest partner, ms. */
  readonly upperMs: number;
  readonly bounds: IntervalBounds;
  readonly type: JoinType;
  /** What is made of a pair; in outer joins, the partner may be undefined. */
  readonly select: (left: unknown, right: unknown) => unknown;
}

const boundsKnown: readonly IntervalBounds[] = ["[]", "[)", "(]", "()"];

/** Joins two inputs; the first one is the left side. @throws OPTION_INVALID when nothing could ever be joined */
export function intervalJoinOperator(spec: IntervalJoinSpec): OperatorFactory {
  const { lowerMs, upperMs, bounds, type } = spec;
  checkJoinType(type, "intervalJoin");
  if (!boundsKnown.includes(bounds)) {
    const list = boundsKnown.map((each) => JSON.stringify(each)).join(", ");
    throw new StreamError(
      "OPTION_INVALID",
      `intervalJoin: bounds is ${JSON.stringify(bounds)}; it takes one of ${list}`,
    );
  }
  const interval = `${bounds[0]}${formatDuration(lowerMs)}, ${formatDuration(upperMs)}${bounds[1]}`;
  // Times are whole milliseconds: a bound that is left out is one further in.
  const lower = bounds.startsWith("[") ? lowerMs : lowerMs + 1;
  const upper = bounds.endsWith("]") ? upperMs : upperMs - 1;
  if (!(lower <= upper)) {
    throw new StreamError(
      "OPTION_INVALID",
      `intervalJoin: nothing lies in the interval ${interval}: lower has to be below upper`,
    );
  }
  return {
    kind: "interval-join",
    description: `${type === "inner" ? "" : `${type} `}${interval}`,
    keyed: true,
    eventTime: true,
    outputTimestamps: "always",
    create: (context) => new IntervalJoin(context, spec, lower, upper),
  };
}

/** What waits of one key. */
class Sides {
  readonly left = new TimeBuffer();
  readonly right = new TimeBuffer();
  /** When the first of them is gone. */
  timer: Timer | undefined;

  get isEmpty(): boolean {
    return this.left.size === 0 && this.right.size === 0;
  }
}

class IntervalJoin implements Operator, Column {
  readonly name: string;
  readonly form: string;
  readonly version = 1;
  readonly #context: OperatorContext;
  readonly #store: KeyedStore;
  readonly #select: IntervalJoinSpec["select"];
  readonly #lowerMs: number;
  readonly #upperMs: number;
  /** J3. */
  readonly #leftStaysMs: number;
  readonly #rightStaysMs: number;
  readonly #saysLeft: boolean;
  readonly #saysRight: boolean;
  readonly #column: number;
  readonly #queue = new TimerQueue();
  // The record that goes without a partner; fields, so that it allocates no closures.
  #alone: Waiting | undefined;
  #isLeftAlone = false;
  readonly #sayAlone: () => void = () => this.#emitAlone();
  readonly #describe: () => unknown = () => this.#alone?.value;

  constructor(context: OperatorContext, { select, type }: IntervalJoinSpec, lowerMs: number, upperMs: number) {
    this.name = context.keyed.namespace(context.name).columnName("waiting");
    this.form = context.form;
    this.#context = context;
    this.#store = context.keyed;
    this.#select = select;
    this.#lowerMs = lowerMs;
    this.#upperMs = upperMs;
    this.#leftStaysMs = Math.max(upperMs, 0);
    this.#rightStaysMs = Math.max(-lowerMs, 0);
    this.#saysLeft = saysLeft(type);
    this.#saysRight = saysRight(type);
    this.#column = context.keyed.addColumn(this);
  }

  process(value: unknown, timestamp: number | undefined): void {
    const time = checkTimestamp(timestamp, "the record's timestamp");
    // J2.
    if (time < this.#context.watermark()) return this.#context.emitLate(value, timestamp);
    const isLeft = this.#context.port() === 0;
    const row = this.#store.write();
    const sides = this.#sidesOf(row);
    const waiting = { time, value: copyOf(value), isMatched: false };
    this.#wait(row, sides, waiting, isLeft);
    if (isLeft) {
      sides.right.forRange(time + this.#lowerMs, time + this.#upperMs, (right) => this.#pair(waiting, right));
    } else {
      sides.left.forRange(time - this.#upperMs, time - this.#lowerMs, (left) => this.#pair(left, waiting));
    }
  }

  advanceTo(watermark: number, stepsMax: number): boolean {
    for (let steps = 0; ; steps++) {
      const timer = this.#queue.next;
      if (timer === undefined || timer.time > watermark) return true;
      if (steps >= stepsMax) return false;
      this.#expire(timer);
    }
  }

  nextEventTime(): number | undefined {
    return this.#queue.next?.time;
  }

  encode(cell: unknown): unknown {
    const { left, right, timer } = cell as Sides;
    return [timer?.time, timer?.number, ...[left, right].map((side) => side.all().map(savedRecord))];
  }

  decode(saved: unknown, row: Row): unknown {
    assertSaved(Array.isArray(saved) && saved.length === 4, row, this.name);
    const [time, number, left, right]: unknown[] = saved;
    assertSaved(typeof time === "number" && Number.isSafeInteger(number), row, this.name);
    const sides = new Sides();
    for (const record of this.#recordsIn(left, row)) sides.left.add(record);
    for (const record of this.#recordsIn(right, row)) sides.right.add(record);
    sides.timer = new Timer(time, number as number, row);
    this.#queue.add(sides.timer);
    return sides;
  }

  renumbered(saved: unknown, next: (number: number) => number): unknown {
    return Array.isArray(saved) ? saved.with(1, next(saved[1] as number)) : saved;
  }

  #recordsIn(saved: unknown, row: Row): readonly Waiting[] {
    assertSaved(Array.isArray(saved), row, this.name);
    return saved.map((record: unknown): Waiting => {
      assertSaved(Array.isArray(record) && record.length === 3, row, this.name);
      const [time, value, isMatched]: unknown[] = record;
      assertSaved(Number.isSafeInteger(time) && typeof isMatched === "boolean", row, this.name);
      return { time: time as number, value, isMatched };
    });
  }

  #sidesOf(row: Row): Sides {
    const known = row.cells[this.#column] as Sides | undefined;
    if (known !== undefined) return known;
    const sides = new Sides();
    this.#store.undoLog.push(restoreCell, row, this.#column, undefined);
    row.put(this.#column, sides);
    return sides;
  }

  /** The record waits for those to come (J3). */
  #wait(row: Row, sides: Sides, waiting: Waiting, isLeft: boolean): void {
    const side = isLeft ? sides.left : sides.right;
    this.#store.undoLog.push(takeBack, side, waiting, undefined);
    side.add(waiting);
    const goneAt = saturatingAdd(waiting.time, isLeft ? this.#leftStaysMs : this.#rightStaysMs);
    const held = sides.timer;
    if (held !== undefined && held.time <= goneAt) return;
    this.#store.undoLog.push(unschedule, this, sides, held);
    if (held !== undefined) this.#queue.remove(held);
    this.#schedule(row, sides, goneAt);
  }

  #schedule(row: Row, sides: Sides, time: number): void {
    sides.timer = new Timer(time, this.#store.nextTimerNumber, row);
    this.#store.nextTimerNumber += 1;
    this.#queue.add(sides.timer);
  }

  /** Undoes what a record that waits has scheduled. */
  unschedule(sides: Sides, held: Timer | undefined): void {
    const { timer } = sides;
    if (timer !== undefined) {
      this.#queue.remove(timer);
      this.#store.nextTimerNumber = timer.number;
    }
    if (held !== undefined) this.#queue.add(held);
    sides.timer = held;
  }

  /** J1, J5. */
  #pair(left: Waiting, right: Waiting): void {
    if (this.#saysLeft) this.#match(left);
    if (this.#saysRight) this.#match(right);
    const result = this.#select(copyOf(left.value), copyOf(right.value));
    this.#context.emit(result, Math.max(left.time, right.time));
  }

  #match(record: Waiting): void {
    if (record.isMatched) return;
    this.#store.undoLog.push(unmatch, record, undefined, undefined);
    record.isMatched = true;
  }

  /** Drops what is due with `timer`, up to the first record that has to be said, and says that one (J4). */
  #expire(timer: Timer): void {
    const { row, time } = timer;
    this.#store.focus(row);
    this.#store.write();
    this.#queue.remove(timer);
    const sides = row.cells[this.#column] as Sides;
    sides.timer = undefined;
    const alone = this.#dropDue(sides, time);
    if (alone !== undefined) {
      this.#alone = alone;
      this.#context.step(this.#sayAlone, this.#describe, alone.time);
      this.#alone = undefined;
    }
    if (sides.isEmpty) row.put(this.#column, undefined);
    else this.#schedule(row, sides, this.#nextDue(sides));
    this.#store.finish();
  }

  #dropDue({ left, right }: Sides, time: number): Waiting | undefined {
    for (let first = left.first; first !== undefined; first = left.first) {
      if (saturatingAdd(first.time, this.#leftStaysMs) > time) break;
      left.shift();
      this.#isLeftAlone = true;
      if (this.#saysLeft && !first.isMatched) return first;
    }
    for (let first = right.first; first !== undefined; first = right.first) {
      if (saturatingAdd(first.time, this.#rightStaysMs) > time) break;
      right.shift();
      this.#isLeftAlone = false;
      if (this.#saysRight && !first.isMatched) return first;
    }
    return undefined;
  }

  #nextDue({ left, right }: Sides): number {
    const leftDue = left.first === undefined ? Infinity : saturatingAdd(left.first.time, this.#leftStaysMs);
    const rightDue = right.first === undefined ? Infinity : saturatingAdd(right.first.time, this.#rightStaysMs);
    return Math.min(leftDue, rightDue);
  }

  #emitAlone(): void {
    const { value, time } = this.#alone ?? { value: undefined, time: 0 };
    this.#context.emit(this.#isLeftAlone ? this.#select(value, undefined) : this.#select(undefined, value), time);
  }
}

function copyOf(value: unknown): unknown {
  return needsCopy(value) ? cloneValue(value) : value;
}

function savedRecord({ time, value, isMatched }: Waiting): readonly unknown[] {
  return [time, value, isMatched];
}

function takeBack(side: TimeBuffer, waiting: Waiting): void {
  side.takeBack(waiting);
}

function unschedule(join: IntervalJoin, sides: Sides, held: Timer | undefined): void {
  join.unschedule(sides, held);
}

function unmatch(record: Waiting): void {
  record.isMatched = false;
}
