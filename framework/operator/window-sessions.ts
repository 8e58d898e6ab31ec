/**
 * Sessions of a key: which of them a record joins, and what becomes of those that it makes one.
 *
 * Owns the merging. When a session fires and is gone is the window operator's business.
 *
 * S1. Sessions of a key neither overlap nor touch.
 * S2. Sessions become the earliest of them: it takes the others' contents, in order of time, and what their triggers remember. Their timers are gone;
 *     the trigger asks for those that it needs.
 */
import type { UndoLog } from "../state/undo-log.ts";
import type { TimeSpan } from "../window/assigner.ts";
import { areOneSession } from "../window/session.ts";
import type { TriggerNode } from "../window/trigger-node.ts";
import { noSlots, type KeyWindow, type KeyWindows } from "./key-windows.ts";
import type { WindowContents } from "./window-contents.ts";
import type { WindowScope } from "./window-scope.ts";
import type { WindowTimers } from "./window-timers.ts";

/** What a merge touches. */
export interface SessionParts {
  readonly trigger: TriggerNode<unknown>;
  readonly contents: WindowContents;
  readonly timers: WindowTimers;
  readonly scope: WindowScope;
  readonly undoLog: UndoLog;
}

/** Merges the sessions of one operator. */
export class SessionBook {
  readonly #parts: SessionParts;

  constructor(parts: SessionParts) {
    this.#parts = parts;
  }

  /** The sessions that a record with the session `own` joins, in order of time, and what they all cover with it. Changes nothing. */
  joined(
    windows: readonly KeyWindow[],
    own: TimeSpan,
  ): { readonly span: TimeSpan; readonly sessions: readonly KeyWindow[] } {
    const sessions: KeyWindow[] = [];
    let { start, end } = own;
    for (let index = windows.length - 1; index >= 0; index--) {
      const window = windows[index];
      if (window === undefined || window.end < own.start) break;
      if (!areOneSession(window, own)) continue;
      sessions.unshift(window);
      start = Math.min(start, window.start);
      end = Math.max(end, window.end);
    }
    return { span: { start, end }, sessions };
  }

  /** Makes one session of `sessions`, which covers `span`; answers it, undefined when there are none (S2). */
  merge(all: KeyWindows, span: TimeSpan, sessions: readonly KeyWindow[]): KeyWindow | undefined {
    const [first, ...others] = sessions;
    if (first === undefined) return undefined;
    if (others.length === 0 && first.start === span.start && first.end === span.end) return first;
    const { trigger, contents, timers, scope, undoLog } = this.#parts;
    const merged = [first.slots];
    let { pane } = first;
    timers.clear(first);
    for (const other of others) {
      merged.push(other.slots);
      pane = Math.max(pane, other.pane);
      timers.clear(other);
    }
    for (const other of others) all.remove(other, undoLog);
    undoLog.push(restoreSession, first, sessionOf(first), undefined);
    first.start = span.start;
    first.end = span.end;
    first.slots = noSlots(trigger.slots);
    first.pane = pane;
    if (others.length > 0) contents.merge(first, others, undoLog);
    scope.enter(first, undefined, 0);
    trigger.onMerge(merged, scope, 0);
    return first;
  }
}

type Session = Pick<KeyWindow, "start" | "end" | "slots" | "pane">;

function sessionOf({ start, end, slots, pane }: KeyWindow): Session {
  return { start, end, slots, pane };
}

function restoreSession(window: KeyWindow, was: Session): void {
  window.start = was.start;
  window.end = was.end;
  window.slots = was.slots;
  window.pane = was.pane;
}
