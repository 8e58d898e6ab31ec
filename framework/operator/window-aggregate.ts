/**
 * Aggregates per key and window: tumbling or sliding, in event or processing time.
 *
 * Owns when windows fire, fire again, and are gone. The arithmetic is in `window/grid.ts`, what is computed in an `Accumulation`.
 *
 * W1. A window exists from its first record on, fires when its last millisecond is at or below the watermark (semantics 1.3), and is kept for the
 *     allowed lateness. Its result has the timestamp `end - 1`.
 * W2. A record is added to each of its windows that is still kept, and fires those again that have fired: the newest first. A record all of whose windows
 *     are gone is late; so is one in a hole between windows that is itself behind the watermark and the lateness (FINDINGS 17).
 * W3. Where accumulators can be merged, sliding windows share panes: one addition per record. Else a record is added to each of its windows.
 * W4. A window whose firing throws is done with all the same: its result is the dead letter, and it never fires in an endless loop.
 * W5. Processing time knows no lateness: a window is dropped when it fires. A record that comes in the last millisecond of a tumbling window that has
 *     fired opens it again (as in Flink); shared panes cannot tell such records apart, so those windows fire one millisecond later, at their end.
 * W6. *Plain* is the slice of the last record while whatever falls there is just added to it: it is in no other slice, and none of its windows is gone
 *     or has to be fired again. Most records find their slice in it without arithmetic.
 */
import { StreamError } from "../errors.ts";
import type { Row } from "../state/row.ts";
import { assertSaved, type Column } from "../state/segment-codec.ts";
import type { KeyedStore } from "../state/store.ts";
import { Timer, TimerQueue } from "../state/timer-queue.ts";
import { checkTimestamp } from "../time/timestamp.ts";
import type { GridWindows } from "../window/assigner.ts";
import { saturatingAdd, WindowGrid } from "../window/grid.ts";
import { SliceTable } from "../window/slice-table.ts";
import { Slices } from "../window/slices.ts";
import type { Accumulation } from "./accumulation.ts";
import { PaneBlocks } from "./pane-blocks.ts";
import type { Operator, OperatorContext } from "./contract.ts";

/** What a window operator computes, over which windows. */
export interface WindowPlan {
  readonly assigner: GridWindows;
  readonly allowedLatenessMs: number;
  readonly accumulation: Accumulation;
}

/** One instance's windows. */
export class WindowAggregate implements Operator, Column {
  readonly name: string;
  readonly form: string;
  readonly version = 1;
  readonly #context: OperatorContext;
  readonly #store: KeyedStore;
  readonly #grid: WindowGrid;
  readonly #accumulation: Accumulation;
  readonly #isEventTime: boolean;
  readonly #latenessMs: number;
  /** W3. */
  readonly #isShared: boolean;
  /** From a window's end to when it fires: see W5. */
  readonly #firesAfterEndMs: number;
  /** Up to here the arithmetic is exact. */
  readonly #timeMax: number;
  readonly #column: number;
  readonly #table: SliceTable;
  /** Where windows have many panes. */
  readonly #blocks: PaneBlocks | undefined;
  readonly #queue = new TimerQueue();
  // W6.
  #plainStart = Infinity;
  #plainEnd = -Infinity;
  #plainUntil = -Infinity;
  // The firing under way; fields, so that firing allocates no closures.
  #firingRow: Row | undefined;
  #firingStart = 0;
  #firingValue: unknown;
  readonly #fire: () => void = () => this.#fireWindow(this.#firingRow, this.#firingStart);
  readonly #describe: () => unknown = () => this.#firingValue ?? this.#unfinishedResult();

  constructor(context: OperatorContext, { assigner, allowedLatenessMs, accumulation }: WindowPlan) {
    const namespace = context.keyed.namespace(context.name);
    this.name = namespace.columnName("windows");
    this.form = context.form;
    this.#context = context;
    this.#store = context.keyed;
    this.#grid = new WindowGrid(assigner);
    this.#accumulation = accumulation;
    this.#isEventTime = assigner.time === "event";
    this.#latenessMs = this.#isEventTime ? allowedLatenessMs : 0;
    this.#isShared = assigner.slideMs < assigner.sizeMs && accumulation.isMergeable;
    this.#firesAfterEndMs = this.#isShared && !this.#isEventTime ? 0 : -1;
    this.#timeMax = Number.MAX_SAFE_INTEGER - assigner.sizeMs - assigner.slideMs;
    this.#column = context.keyed.addColumn(this);
    this.#table = new SliceTable(accumulation.slots);
    if (this.#isShared && PaneBlocks.areUseful(assigner))
      this.#blocks = new PaneBlocks(accumulation, this.#table, assigner);
  }

  process(value: unknown, timestamp: number | undefined): void {
    const isEventTime = this.#isEventTime;
    const time = checkTimestamp(
      isEventTime ? timestamp : this.#context.now(),
      isEventTime ? "the record's timestamp" : "processing time",
    );
    const watermark = isEventTime ? this.#context.watermark() : -Infinity;
    if (time >= this.#plainStart && time < this.#plainEnd && watermark < this.#plainUntil)
      this.#add(this.#plainStart, value, watermark);
    else this.#processAnywhere(value, timestamp, time, watermark);
  }

  #processAnywhere(value: unknown, timestamp: number | undefined, time: number, watermark: number): void {
    if (Math.abs(time) > this.#timeMax)
      throw new StreamError("TIMESTAMP_INVALID", `the windows of timestamp ${time} reach beyond the safe integers`);
    this.#findPlain(time);
    const newest = this.#grid.newestStart(time);
    if (time >= newest + this.#grid.sizeMs) {
      if (saturatingAdd(time, this.#latenessMs) <= watermark) this.#context.emitLate(value, timestamp);
    } else if (this.#goneAt(newest) <= watermark) this.#context.emitLate(value, timestamp);
    else if (this.#isShared) this.#addToPane(value, time, newest, watermark);
    else this.#addToWindows(value, time, newest, watermark);
  }

  advanceTo(watermark: number, stepsMax: number): boolean {
    return this.#isEventTime ? this.#fireDue(watermark, stepsMax) : true;
  }

  nextEventTime(): number | undefined {
    return this.#isEventTime ? this.#queue.next?.time : undefined;
  }

  tick(now: number, stepsMax: number): boolean {
    return this.#isEventTime ? true : this.#fireDue(now, stepsMax);
  }

  nextTickAt(): number | undefined {
    return this.#isEventTime ? undefined : this.#queue.next?.time;
  }

  encode(cell: unknown): unknown {
    const { places, timer } = cell as Slices;
    const starts = places.map((at) => this.#table.start(at));
    return [timer?.time, timer?.number, starts, places.map((at) => this.#accumulation.save(this.#table, at))];
  }

  decode(saved: unknown, row: Row): unknown {
    assertSaved(Array.isArray(saved) && saved.length === 4, row, this.name);
    const [time, number, starts, accumulators]: unknown[] = saved;
    assertSaved(typeof time === "number" && Number.isSafeInteger(number), row, this.name);
    assertSaved(Array.isArray(starts) && Array.isArray(accumulators) && starts.length > 0, row, this.name);
    assertSaved(starts.length === accumulators.length && starts.every(Number.isSafeInteger), row, this.name);
    const slices = new Slices(this.#table, row, starts[0] as number);
    for (const [index, start] of starts.entries()) {
      const at = index === 0 ? row.newest : slices.insert(index, start as number);
      assertSaved(this.#accumulation.load(this.#table, at, accumulators[index]), row, this.name);
    }
    slices.timer = new Timer(time, number as number, row);
    this.#queue.add(slices.timer);
    return slices;
  }

  renumbered(saved: unknown, next: (number: number) => number): unknown {
    return Array.isArray(saved) ? saved.with(1, next(saved[1] as number)) : saved;
  }

  /** W6. */
  #findPlain(time: number): void {
    const newest = this.#grid.newestStart(time);
    if (this.#isShared) {
      this.#plainStart = this.#grid.paneStart(time);
      this.#plainEnd = this.#grid.paneEnd(time);
      const isNewest = this.#latenessMs === 0 && this.#blocks === undefined;
      this.#plainUntil = this.#firesAt(isNewest ? newest : this.#grid.oldestStart(time));
    } else if (this.#grid.slideMs >= this.#grid.sizeMs) {
      this.#plainStart = newest;
      this.#plainEnd = newest + this.#grid.sizeMs;
      this.#plainUntil = this.#firesAt(newest);
    }
    // What is refused has to be refused whatever came before it.
    if (this.#plainStart < -this.#timeMax || this.#plainEnd > this.#timeMax) this.#plainEnd = -Infinity;
  }

  #addToPane(value: unknown, time: number, newest: number, watermark: number): void {
    const row = this.#add(this.#grid.paneStart(time), value, watermark);
    if (this.#latenessMs === 0 && this.#blocks === undefined) return;
    const oldest = this.#grid.oldestStart(time);
    if (this.#firesAt(oldest) > watermark) return;
    this.#forgetBlocks(row);
    if (this.#latenessMs === 0) return;
    for (let start = newest; start >= oldest; start -= this.#grid.slideMs) {
      if (this.#goneAt(start) <= watermark) break;
      if (this.#firesAt(start) <= watermark) this.#fireWindow(row, start);
    }
  }

  /** A pane that a fired window has changes: now, and again should the step fail. */
  #forgetBlocks(row: Row): void {
    const blocks = this.#blocks;
    if (blocks === undefined) return;
    const slices = row.cells[this.#column] as Slices;
    blocks.forget(slices);
    this.#store.undoLog.push(forgetBlocks, blocks, slices, undefined);
  }

  #addToWindows(value: unknown, time: number, newest: number, watermark: number): void {
    for (let start = newest; start > time - this.#grid.sizeMs; start -= this.#grid.slideMs) {
      if (this.#goneAt(start) <= watermark) break;
      const row = this.#add(start, value, watermark);
      if (this.#firesAt(start) <= watermark) this.#fireWindow(row, start);
    }
  }

  /** Takes the value into the slice that begins at `start`; answers the current row. */
  #add(start: number, value: unknown, watermark: number): Row {
    const { undoLog } = this.#store;
    const row = this.#store.write();
    const newest = row.newest;
    if (newest >= 0 && this.#table.start(newest) === start) this.#accumulation.add(this.#table, newest, value, undoLog);
    else this.#addToOther(row, start, value, watermark);
    return row;
  }

  /** As `#add`, where the slice is not the row's newest: an older one, or a new one. */
  #addToOther(row: Row, start: number, value: unknown, watermark: number): void {
    const { undoLog } = this.#store;
    const slices = row.cells[this.#column] as Slices | undefined;
    if (slices === undefined) {
      const first = new Slices(this.#table, row, start);
      undoLog.push(dropSlices, row, this.#column, first);
      row.put(this.#column, first);
      this.#begin(row, first, 0, value, watermark);
      return;
    }
    const index = slices.find(start);
    if (index >= 0) {
      this.#accumulation.add(this.#table, slices.places[index] ?? -1, value, undoLog);
      return;
    }
    undoLog.push(removeSlice, slices, start, undefined);
    slices.insert(-1 - index, start);
    this.#begin(row, slices, -1 - index, value, watermark);
  }

  /** A slice has its first record. */
  #begin(row: Row, slices: Slices, index: number, value: unknown, watermark: number): void {
    this.#accumulation.first(this.#table, slices.places[index] ?? -1, value);
    this.#schedule(row, slices, this.#nextDue(slices.startOf(index), watermark));
  }

  /** Makes sure that the row's timer is due at `time` or before. */
  #schedule(row: Row, slices: Slices, time: number): void {
    const held = slices.timer;
    if (held !== undefined && held.time <= time) return;
    const timer = new Timer(time, this.#store.nextTimerNumber, row);
    this.#store.undoLog.push(unschedule, this, slices, held);
    this.#store.nextTimerNumber += 1;
    if (held !== undefined) this.#queue.remove(held);
    this.#queue.add(timer);
    slices.timer = timer;
  }

  /** Undoes `#schedule`. */
  unschedule(slices: Slices, held: Timer | undefined): void {
    const { timer } = slices;
    if (timer !== undefined) {
      this.#queue.remove(timer);
      this.#store.nextTimerNumber = timer.number;
    }
    if (held !== undefined) this.#queue.add(held);
    slices.timer = held;
  }

  #fireDue(time: number, stepsMax: number): boolean {
    for (let steps = 0; ; steps++) {
      const timer = this.#queue.next;
      if (timer === undefined || timer.time > time) return true;
      if (steps >= stepsMax) return false;
      this.#fireTimer(timer);
    }
  }

  #fireTimer(timer: Timer): void {
    const { row, time } = timer;
    this.#store.focus(row);
    this.#store.write();
    this.#queue.remove(timer);
    const slices = row.cells[this.#column] as Slices;
    slices.timer = undefined;
    const start = time - this.#firesAfterEndMs - this.#grid.sizeMs;
    if (this.#hasWindow(slices, start)) this.#fireAsStep(row, start);
    this.#cleanUp(row, slices, time);
    this.#store.finish();
  }

  /** W4: the step covers the firing only; the clean-up comes after it, whatever happened. */
  #fireAsStep(row: Row, start: number): void {
    this.#firingRow = row;
    this.#firingStart = start;
    this.#firingValue = undefined;
    this.#context.step(this.#fire, this.#describe, start + this.#grid.sizeMs - 1);
    this.#firingRow = undefined;
    this.#firingValue = undefined;
  }

  #hasWindow(slices: Slices, start: number): boolean {
    if (!this.#isShared) return slices.find(start) >= 0;
    if (this.#grid.newestStart(start) !== start) return false;
    return slices.startOf(slices.firstFrom(start)) < start + this.#grid.sizeMs;
  }

  #fireWindow(row: Row | undefined, start: number): void {
    if (row === undefined) return;
    const slices = row.cells[this.#column] as Slices;
    const end = start + this.#grid.sizeMs;
    const value = this.#resultOf(slices, start, end);
    const result = { key: row.key, window: { start, end }, value };
    this.#firingValue = result;
    this.#context.countWindow();
    this.#context.emit(result, end - 1);
  }

  /** What is known of a result whose value could not be computed. */
  #unfinishedResult(): unknown {
    const start = this.#firingStart;
    return { key: this.#firingRow?.key, window: { start, end: start + this.#grid.sizeMs } };
  }

  #resultOf(slices: Slices, start: number, end: number): unknown {
    const { places } = slices;
    if (this.#blocks !== undefined) return this.#blocks.resultOf(slices, start, end);
    if (this.#isShared) {
      const accumulation = this.#accumulation;
      return accumulation.mergedResult(
        accumulation.merged(this.#table, places, slices.firstFrom(start), slices.firstFrom(end)),
      );
    }
    return this.#accumulation.result(this.#table, places[slices.find(start)] ?? -1, this.#latenessMs > 0);
  }

  /** Drops the slices that no window needs after `time`, and schedules what is due next. */
  #cleanUp(row: Row, slices: Slices, time: number): void {
    let gone = 0;
    const count = slices.places.length;
    while (gone < count && this.#goneAt(this.#newestOf(slices.startOf(gone))) <= time) gone += 1;
    slices.removeFirst(gone);
    if (gone === count) {
      row.put(this.#column, undefined);
      return;
    }
    const due = this.#earliestDue(slices, time);
    slices.timer = new Timer(due, this.#store.nextTimerNumber, row);
    this.#store.nextTimerNumber += 1;
    this.#queue.add(slices.timer);
  }

  /** The earliest firing or clean-up behind `time`. The first slice is gone first; a slice that has windows to fire has one before all later slices. */
  #earliestDue(slices: Slices, time: number): number {
    let due = Infinity;
    for (let index = 0; index < slices.places.length; index++) {
      const start = slices.startOf(index);
      const next = this.#nextDue(start, time);
      due = Math.min(due, next);
      if (next < this.#goneAt(this.#newestOf(start)) || this.#latenessMs === 0) break;
    }
    return due;
  }

  /** When a slice's next window fires behind `time`; when all have, when the slice is gone. */
  #nextDue(slice: number, time: number): number {
    const newest = this.#newestOf(slice);
    const oldest = this.#isShared ? this.#grid.oldestStart(slice) : slice;
    if (this.#firesAt(oldest) > time) return this.#firesAt(oldest);
    if (this.#firesAt(newest) <= time) return this.#goneAt(newest);
    const fired = this.#grid.newestStart(time - this.#firesAfterEndMs - this.#grid.sizeMs);
    return this.#firesAt(fired + this.#grid.slideMs);
  }

  #newestOf(slice: number): number {
    return this.#isShared ? this.#grid.newestStart(slice) : slice;
  }

  #firesAt(start: number): number {
    return start + this.#grid.sizeMs + this.#firesAfterEndMs;
  }

  #goneAt(start: number): number {
    return saturatingAdd(this.#firesAt(start), this.#latenessMs);
  }
}

function dropSlices(row: Row, column: number, slices: Slices): void {
  slices.removeFirst(slices.places.length);
  row.put(column, undefined);
}

function forgetBlocks(blocks: PaneBlocks, slices: Slices): void {
  blocks.forget(slices);
}

function removeSlice(slices: Slices, start: number): void {
  slices.removeAt(slices.find(start));
}

function unschedule(windows: WindowAggregate, slices: Slices, held: Timer | undefined): void {
  windows.unschedule(slices, held);
}
