/**
 * The requests that one stage instance issues: their identity, and which of them nobody has made a call of yet (R14).
 *
 * Owns the ordinal within the turn; where a request waits and what becomes of it is its operator's business.
 *
 * B1. (sequence, ordinal) is a function of the inbox: dense from 1 within a turn. A step that is undone has issued nothing.
 */
import type { UndoLog } from "../state/undo-log.ts";
import type { CallSpec, Request } from "./calls.ts";

/** A request that is to be called for. */
export interface OpenRequest {
  readonly spec: CallSpec;
  readonly request: Request;
}

/** Issues requests. */
export class RequestBook {
  #sequence = 0;
  #ordinal = 0;
  #open: OpenRequest[] = [];

  /** A turn begins: that of message `sequence`. */
  beginTurn(sequence: number): void {
    this.#sequence = sequence;
    this.#ordinal = 0;
  }

  /** The identity of the next request; part of the running step (B1). */
  next(undoLog: UndoLog): { readonly sequence: number; readonly ordinal: number } {
    undoLog.push(giveBack, this, this.#ordinal, undefined);
    this.#ordinal += 1;
    return { sequence: this.#sequence, ordinal: this.#ordinal };
  }

  /** `request` is to be called for; part of the running step. */
  open(request: Request, spec: CallSpec, undoLog: UndoLog): void {
    undoLog.push(closeLast, this, undefined, undefined);
    this.#open.push({ request, spec });
  }

  /** `request` of a snapshot is to be called for. */
  reopen(request: Request, spec: CallSpec): void {
    this.#open.push({ request, spec });
  }

  /** What is to be called for and has not been taken yet; some may have their result by now. */
  take(): readonly OpenRequest[] {
    if (this.#open.length === 0) return this.#open;
    const open = this.#open;
    this.#open = [];
    return open;
  }

  /** A step is undone: the last identity was not given out. */
  giveBack(ordinal: number): void {
    this.#ordinal = ordinal;
  }

  /** A step is undone: the last request was not opened. */
  closeLast(): void {
    this.#open.pop();
  }
}

function giveBack(book: RequestBook, ordinal: number): void {
  book.giveBack(ordinal);
}

function closeLast(book: RequestBook): void {
  book.closeLast();
}
