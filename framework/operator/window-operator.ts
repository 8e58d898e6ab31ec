/**
 * Windows of every kind, with triggers, evictors, and functions over their contents.
 *
 * Owns which windows a record goes into, when windows fire, and when they are gone. `window-aggregate.ts` does the same for plain aggregates over windows on a grid, faster.
 *
 * W1. A record is added to each of its windows that is still kept; then the trigger says whether it fires. Windows on a grid: the newest first.
 * W2. A window is gone when the watermark reaches its last millisecond plus the allowed lateness; in processing time, when the clock reaches its last millisecond.
 *     One without an end is gone when nothing is left in it.
 * W3. A record all of whose windows are gone is late; so is one in a hole between windows that is itself behind the watermark and the lateness (FINDINGS 17).
 *     Of a session that counts which has taken the record in; nothing is late in processing time and in windows without an end.
 * W4. A timer that fires a window is two steps: what the trigger decides, and the firing. So a firing that throws is done with all the same: it has a dead letter,
 *     and later firings come. A firing by a record is part of the record's step.
 */
import { StreamError } from "../errors.ts";
import type { Row } from "../state/row.ts";
import { checkEntries } from "../state/state-limits.ts";
import type { Column, SavedColumn } from "../state/segment-codec.ts";
import type { KeyedStore } from "../state/store.ts";
import { checkTimestamp } from "../time/timestamp.ts";
import type { GridWindows, WindowAssigner, WindowTime } from "../window/assigner.ts";
import { saturatingAdd, WindowGrid } from "../window/grid.ts";
import type { SessionWindows } from "../window/session.ts";
import { verdicts, type TriggerNode } from "../window/trigger-node.ts";
import { allTime } from "../window/unbounded.ts";
import type { Operator, OperatorContext } from "./contract.ts";
import {
  decodeWindows,
  encodeWindows,
  KeyWindow,
  KeyWindows,
  renumberedWindows,
  setHeld,
  type WindowParts,
  type WindowTimer,
} from "./key-windows.ts";
import type { WindowContents } from "./window-contents.ts";
import type { FireCause, Firing, WindowFunction, WindowFunctionOf } from "./window-function.ts";
import { WindowScope } from "./window-scope.ts";
import { SessionBook } from "./window-sessions.ts";
import { WindowTimers } from "./window-timers.ts";

/** What a window operator does. */
export interface WindowsPlan {
  readonly assigner: WindowAssigner<unknown>;
  readonly allowedLatenessMs: number;
  readonly trigger: TriggerNode<unknown>;
  readonly contents: WindowContents;
  readonly functionOf: WindowFunctionOf;
}

/** One instance's windows. */
export class WindowOperator implements Operator, Column {
  readonly name: string;
  readonly form: string;
  readonly version = 1;
  readonly parts: Column["parts"];
  readonly #context: OperatorContext;
  readonly #store: KeyedStore;
  readonly #plan: WindowsPlan;
  readonly #function: WindowFunction;
  readonly #time: WindowTime;
  readonly #latenessMs: number;
  readonly #column: number;
  readonly #timers: WindowTimers;
  readonly #scope: WindowScope;
  readonly #parts: WindowParts;
  readonly #take: (value: unknown, timestamp: number | undefined) => void;
  // The timer that is firing, what the trigger has said of it, and the firing; fields, so that firing allocates no closures.
  #firing: WindowTimer | undefined;
  #verdict: number = verdicts.none;
  readonly #askTrigger: () => void = () => this.#ask();
  readonly #fireStep: () => void = () => this.#fireByTimer();
  readonly #describe: () => unknown = () => this.#said?.result ?? describeFiring(this.#firing);
  #said: Firing | undefined;

  constructor(context: OperatorContext, plan: WindowsPlan) {
    const { assigner, allowedLatenessMs, trigger, contents, functionOf } = plan;
    this.name = context.keyed.namespace(context.name).columnName("windows");
    this.form = context.form;
    this.#context = context;
    this.#store = context.keyed;
    this.#plan = plan;
    this.#time = timeOf(assigner);
    this.#latenessMs = this.#time === "event" ? allowedLatenessMs : 0;
    this.#column = context.keyed.addColumn(this);
    this.#function = functionOf(context);
    this.#timers = new WindowTimers(context.keyed);
    this.#scope = new WindowScope(context, this.#time, this.#timers, (window) => this.#goneAt(window.end));
    const { windowState } = this.#function;
    this.parts = windowState?.parts;
    this.#parts = {
      slots: trigger.slots,
      encodeHeld: (held) => contents.encodeHeld(held),
      decodeHeld: (saved) => contents.decodeHeld(saved),
      encodeCells: (cells) => windowState?.encode(cells),
      decodeCells: (saved, from) => windowState?.decode(saved, from),
    };
    this.#take = this.#taker(assigner);
  }

  process(value: unknown, timestamp: number | undefined): void {
    this.#take(value, timestamp);
  }

  advanceTo(watermark: number, stepsMax: number): boolean {
    return this.#fireDue("event", watermark, stepsMax);
  }

  nextEventTime(): number | undefined {
    return this.#timers.queues.event.next?.time;
  }

  tick(now: number, stepsMax: number): boolean {
    return this.#fireDue("processing", now, stepsMax);
  }

  nextTickAt(): number | undefined {
    return this.#timers.queues.processing.next?.time;
  }

  encode(cell: unknown): unknown {
    return encodeWindows(cell as KeyWindows, this.#parts);
  }

  decode(saved: unknown, row: Row, from: SavedColumn): unknown {
    const all = decodeWindows(saved, row, from, this.#parts);
    for (const window of all.windows) this.#timers.restore(window);
    return all;
  }

  renumbered(saved: unknown, next: (number: number) => number): unknown {
    return renumberedWindows(saved, next);
  }

  #taker(assigner: WindowAssigner<unknown>): (value: unknown, timestamp: number | undefined) => void {
    switch (assigner.kind) {
      case "tumbling":
      case "sliding":
        return this.#gridTaker(assigner);
      case "session":
        return this.#sessionTaker(assigner);
      case "count":
      case "global":
        return (value, timestamp) => this.#takeUnbounded(value, timestamp);
    }
  }

  #gridTaker(assigner: GridWindows): (value: unknown, timestamp: number | undefined) => void {
    const grid = new WindowGrid(assigner);
    const { sizeMs, slideMs } = grid;
    return (value, timestamp) => {
      const time = this.#timeOf(timestamp, sizeMs + slideMs);
      const newest = grid.newestStart(time);
      if (time >= newest + sizeMs) {
        if (this.#isPast(time)) this.#context.emitLate(value, timestamp);
      } else if (this.#isGone(newest + sizeMs)) this.#context.emitLate(value, timestamp);
      else {
        const all = this.#windowsOf(this.#store.write());
        for (let start = newest; start > time - sizeMs && !this.#isGone(start + sizeMs); start -= slideMs)
          this.#add(all.at(start) ?? this.#insert(all, start, start + sizeMs), value, time, timestamp);
      }
    };
  }

  #sessionTaker(assigner: SessionWindows<unknown>): (value: unknown, timestamp: number | undefined) => void {
    const { trigger, contents } = this.#plan;
    const book = new SessionBook({
      trigger,
      contents,
      timers: this.#timers,
      scope: this.#scope,
      undoLog: this.#store.undoLog,
    });
    return (value, timestamp) => {
      const gapMs = assigner.gapOf(value);
      const time = this.#timeOf(timestamp, gapMs);
      const held = this.#store.current.cells[this.#column] as KeyWindows | undefined;
      const { span, sessions } = book.joined(held?.windows ?? [], { start: time, end: time + gapMs });
      if (this.#isGone(span.end)) return this.#context.emitLate(value, timestamp);
      const all = this.#windowsOf(this.#store.write());
      const window = book.merge(all, span, sessions) ?? this.#insert(all, span.start, span.end);
      this.#add(window, value, time, timestamp);
    };
  }

  #takeUnbounded(value: unknown, timestamp: number | undefined): void {
    const all = this.#windowsOf(this.#store.write());
    const window = all.windows[0] ?? this.#insert(all, allTime.start, allTime.end);
    if (timestamp !== undefined && !(timestamp <= (window.timestampMax ?? -Infinity))) {
      this.#store.undoLog.push(restoreTimestampMax, window, window.timestampMax, undefined);
      window.timestampMax = timestamp;
    }
    this.#add(window, value, timestamp ?? this.#context.now(), timestamp);
    this.#dropIfIdle(this.#store.current, all, window);
  }

  /** The time by which a record is put into windows. `reachMs`: how far they may lie from it. */
  #timeOf(timestamp: number | undefined, reachMs: number): number {
    const isEvent = this.#time === "event";
    const time = checkTimestamp(
      isEvent ? timestamp : this.#context.now(),
      isEvent ? "the record's timestamp" : "processing time",
    );
    if (Math.abs(time) > Number.MAX_SAFE_INTEGER - reachMs)
      throw new StreamError("TIMESTAMP_INVALID", `the windows of timestamp ${time} reach beyond the safe integers`);
    return time;
  }

  #isPast(time: number): boolean {
    return this.#time === "event" && saturatingAdd(time, this.#latenessMs) <= this.#context.watermark();
  }

  /** W3. */
  #isGone(end: number): boolean {
    return this.#time === "event" && this.#goneAt(end) <= this.#context.watermark();
  }

  /** W2. Infinity: never by time. */
  #goneAt(end: number): number {
    return saturatingAdd(end - 1, this.#latenessMs);
  }

  /** The windows of the current row. */
  #windowsOf(row: Row): KeyWindows {
    const held = row.cells[this.#column] as KeyWindows | undefined;
    if (held !== undefined) return held;
    const all = new KeyWindows();
    this.#store.undoLog.push(dropWindows, row, this.#column, undefined);
    row.put(this.#column, all);
    return all;
  }

  #insert(all: KeyWindows, start: number, end: number): KeyWindow {
    const window = new KeyWindow(start, end, this.#plan.trigger.slots);
    all.insert(window, this.#store.undoLog);
    return window;
  }

  /** W1. */
  #add(window: KeyWindow, value: unknown, time: number, timestamp: number | undefined): void {
    const { contents, trigger } = this.#plan;
    checkEntries(contents.sizeOf(window), this.#store.limits, "a window");
    contents.add(window, { value, time, port: this.#context.port() }, this.#store.undoLog);
    this.#scope.enter(window, timestamp, 0);
    const verdict = trigger.onRecord(value, this.#scope, 0);
    if ((verdict & verdicts.fire) !== 0) this.#fire(window, this.#causeOf(window, undefined), undefined, true);
    if ((verdict & verdicts.purge) !== 0) setHeld(window, undefined, this.#store.undoLog);
    const gone = this.#goneAt(window.end);
    if (gone < Infinity) this.#timers.register(window, this.#time, gone, 0);
  }

  #causeOf(window: KeyWindow, timer: WindowTimer | undefined): FireCause {
    if (this.#plan.assigner.kind === "count") return "onTime";
    const last = window.end - 1;
    if (timer !== undefined && timer.domain === this.#time)
      return timer.time < last ? "early" : timer.time === last ? "onTime" : "late";
    return this.#time === "event" && last <= this.#context.watermark() ? "late" : "early";
  }

  #fire(window: KeyWindow, cause: FireCause, timer: WindowTimer | undefined, isKept: boolean): void {
    if (window.held === undefined) return;
    const { undoLog } = this.#store;
    const { start, end } = window;
    undoLog.pushNumber(restorePane, window, 0, window.pane);
    window.pane += 1;
    const { key } = this.#store.current;
    const firing: Firing = {
      key,
      span: { start, end },
      window,
      cause,
      pane: window.pane,
      timestamp: timestampOf(window, timer),
      result: undefined,
    };
    this.#said = firing;
    this.#plan.contents.fire(window, isKept, (input) => this.#function.fire(input, firing), undoLog);
  }

  #fireDue(domain: WindowTime, time: number, stepsMax: number): boolean {
    for (let steps = 0; ; steps++) {
      const timer = this.#timers.queues[domain].next as WindowTimer | undefined;
      if (timer === undefined || timer.time > time) return true;
      if (steps >= stepsMax) return false;
      this.#fireTimer(timer);
    }
  }

  /** W4. */
  #fireTimer(timer: WindowTimer): void {
    const { row, window, time } = timer;
    this.#store.focus(row);
    this.#store.write();
    this.#timers.take(timer);
    this.#firing = timer;
    this.#said = undefined;
    this.#verdict = verdicts.none;
    const at = timer.domain === "event" && time < Infinity ? time : undefined;
    if (timer.owners !== 0) this.#context.step(this.#askTrigger, this.#describe, at);
    if ((this.#verdict & verdicts.fire) !== 0 && window.held !== undefined)
      this.#context.step(this.#fireStep, this.#describe, timestampOf(window, timer));
    if ((this.#verdict & verdicts.purge) !== 0) window.held = undefined;
    const all = row.cells[this.#column] as KeyWindows;
    if (this.#isEnd(timer)) this.#drop(row, all, window);
    else this.#dropIfIdle(row, all, window);
    this.#firing = undefined;
    this.#said = undefined;
    this.#store.undoLog.clear();
    this.#store.finish();
  }

  #ask(): void {
    const timer = this.#firing as WindowTimer;
    this.#scope.enter(timer.window, undefined, timer.owners);
    this.#verdict = this.#plan.trigger.onTimer(timer.time, timer.domain, this.#scope, 0);
  }

  #fireByTimer(): void {
    const timer = this.#firing as WindowTimer;
    const isLast = this.#isEnd(timer) || (this.#verdict & verdicts.purge) !== 0;
    this.#fire(timer.window, this.#causeOf(timer.window, timer), timer, !isLast);
  }

  /** Whether the window is gone with this timer (W2). */
  #isEnd({ window, domain, time }: WindowTimer): boolean {
    return domain === this.#time && window.end < Infinity && time >= this.#goneAt(window.end);
  }

  #drop(row: Row, all: KeyWindows, window: KeyWindow): void {
    this.#timers.clear(window);
    all.remove(window, this.#store.undoLog);
    if (all.windows.length > 0) return;
    this.#store.undoLog.push(restoreWindows, row, this.#column, all);
    row.put(this.#column, undefined);
  }

  /** W2: a window without an end of which nothing is left. */
  #dropIfIdle(row: Row, all: KeyWindows, window: KeyWindow): void {
    if (window.end < Infinity || window.held !== undefined || window.cells !== undefined) return;
    if (window.timers.length === 0 && window.slots.every((state) => state === undefined)) this.#drop(row, all, window);
  }
}

/** The clock that windows go by; of those without an end, the one that timers of their triggers go by where nothing else is said. */
function timeOf(assigner: WindowAssigner<unknown>): WindowTime {
  return assigner.kind === "global" || assigner.kind === "count" ? "event" : assigner.time;
}

/** Timestamp of a result: the window's last millisecond; where there is none, see `unbounded.ts`, U2. */
function timestampOf(window: KeyWindow, timer: WindowTimer | undefined): number | undefined {
  if (window.end < Infinity) return window.end - 1;
  const seen = window.timestampMax;
  if (timer === undefined || timer.domain !== "event" || timer.time === Infinity) return seen;
  return seen === undefined ? timer.time : Math.max(seen, timer.time);
}

function describeFiring(timer: WindowTimer | undefined): unknown {
  if (timer === undefined) return undefined;
  const { row, window } = timer;
  return { key: row.key, window: { start: window.start, end: window.end } };
}

function restoreTimestampMax(window: KeyWindow, was: number | undefined): void {
  window.timestampMax = was;
}

function restorePane(window: KeyWindow, _at: number, was: number): void {
  window.pane = was;
}

function dropWindows(row: Row, column: number): void {
  row.put(column, undefined);
}

function restoreWindows(row: Row, column: number, all: KeyWindows): void {
  row.put(column, all);
}
