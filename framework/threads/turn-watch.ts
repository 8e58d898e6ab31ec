/**
 * Whether a thread stands still, from one look at its board to the next.
 *
 * Owns how long nothing has changed. Only the time in which the one who looks was awake counts: a process that was stopped finds that nothing has changed, too.
 *
 * TW1. A turn that has not ended within its limit never ends; one of which steps are told begins anew with each step.
 * TW2. An event loop without a beat for as long, outside of any turn, stands still.
 */
import type { BoardLook, TurnUnderWay } from "./turn-board.ts";

/** What a look has found. */
export type WatchFinding =
  | { readonly kind: "nothing" }
  /** A turn takes suspiciously long; told once. */
  | { readonly kind: "slow"; readonly turn: TurnUnderWay }
  /** A turn of which that was told has ended after all. */
  | { readonly kind: "relieved"; readonly turn: TurnUnderWay }
  | { readonly kind: "stuck"; readonly turn: TurnUnderWay }
  | { readonly kind: "stalled" };

const nothing: WatchFinding = { kind: "nothing" };
const slowMsMax = 1_000;

/** How often one looks, for a limit, ms. */
export function lookEveryMs(turnMsMax: number): number {
  return Math.max(10, Math.min(250, turnMsMax / 8));
}

/** Looks at one board, again and again. */
export class TurnWatch {
  readonly #turnMsMax: number;
  readonly #slowMs: number;
  readonly #lookMs: number;
  #last: BoardLook | undefined;
  #sameMs = 0;
  #quietMs = 0;
  #lookedAtMs = Number.NaN;
  #told: TurnUnderWay | undefined;

  constructor(turnMsMax: number) {
    this.#turnMsMax = turnMsMax;
    this.#slowMs = Math.min(slowMsMax, turnMsMax / 2);
    this.#lookMs = lookEveryMs(turnMsMax);
  }

  /** Called every {@link lookEveryMs}; `nowMs` is monotonic. */
  look(board: BoardLook, nowMs: number): WatchFinding {
    const passedMs = Math.min(nowMs - this.#lookedAtMs, 2 * this.#lookMs) || 0;
    this.#lookedAtMs = nowMs;
    const last = this.#last;
    this.#last = board;
    this.#sameMs = board.turn !== undefined && isSameTurn(board, last) ? this.#sameMs + passedMs : 0;
    this.#quietMs = board.turn === undefined && board.beats === last?.beats ? this.#quietMs + passedMs : 0;
    return this.#found(board.turn);
  }

  /** What has passed does not count: the thread was made to wait. */
  forgive(): void {
    this.#last = undefined;
  }

  #found(turn: TurnUnderWay | undefined): WatchFinding {
    const told = this.#told;
    if (told !== undefined && this.#sameMs === 0) {
      this.#told = undefined;
      return { kind: "relieved", turn: told };
    }
    if (turn !== undefined && this.#sameMs >= this.#turnMsMax) return { kind: "stuck", turn };
    if (this.#quietMs >= this.#turnMsMax) return { kind: "stalled" };
    if (turn === undefined || told !== undefined || this.#sameMs < this.#slowMs) return nothing;
    this.#told = turn;
    return { kind: "slow", turn };
  }
}

function isSameTurn(one: BoardLook, other: BoardLook | undefined): boolean {
  if (other?.turn === undefined || one.turns !== other.turns) return false;
  const [a, b] = [one.turn?.site, other.turn.site];
  return a?.sequence === b.sequence && a.step === b.step;
}
