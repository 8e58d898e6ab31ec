/**
 * The arithmetic of windows on a grid.
 *
 * Owns where windows and panes begin. All of it is exact while times, and times less a slide, are safe integers, negative ones too.
 *
 * G1. Windows start at `offset + k * slide`, and cover [start, start + size).
 * G2. A *pane* is a stretch of time that each window covers whole or not at all. Cutting at the starts and at the ends of windows makes at most two
 *     panes per slide, whatever size and slide have in common.
 * G3. A window covers the panes that start inside it; so the windows of a pane are those that contain the pane's start.
 */
import type { GridWindows } from "./assigner.ts";

/** Where windows and panes of an assigner begin. */
export class WindowGrid {
  readonly sizeMs: number;
  readonly slideMs: number;
  /** The offset, in [0, slide). */
  readonly #shiftMs: number;
  /** How far behind a window's start, modulo the slide, the window ends lie. */
  readonly #cutMs: number;

  constructor({ sizeMs, slideMs, offsetMs }: GridWindows) {
    this.sizeMs = sizeMs;
    this.slideMs = slideMs;
    this.#shiftMs = floorMod(offsetMs, slideMs);
    this.#cutMs = sizeMs % slideMs;
  }

  /** The start of the newest window that begins at or before `time` (it may end before it: a hole). */
  newestStart(time: number): number {
    return time - this.#into(time) + 0;
  }

  /** The start of the oldest window that contains `time`, which is in some window. */
  oldestStart(time: number): number {
    return this.newestStart(time - this.sizeMs) + this.slideMs;
  }

  /** The start of the pane that contains `time`, which is in some window (G2). */
  paneStart(time: number): number {
    const into = this.#into(time);
    return time - (into < this.#cutMs ? into : into - this.#cutMs) + 0;
  }

  /** Where that pane ends. */
  paneEnd(time: number): number {
    const into = this.#into(time);
    return time - into + (into < this.#cutMs ? this.#cutMs : this.slideMs);
  }

  /**
   * How far `time` lies behind the last grid line. By division, which is much faster than `%` for large numbers, and exact for safe integers: a
   * quotient could be rounded across an integer only if the dividend were 2^53 or more.
   */
  #into(time: number): number {
    const behind = time - this.#shiftMs;
    return behind - Math.floor(behind / this.slideMs) * this.slideMs;
  }
}

/** The remainder that is never negative. */
export function floorMod(value: number, modulus: number): number {
  const rest = value % modulus;
  return rest < 0 ? rest + modulus : rest;
}

/** `time + span`, Infinity when that is no safe integer any more: so far ahead that nothing but the end of the input comes later. */
export function saturatingAdd(time: number, span: number): number {
  const sum = time + span;
  return sum > Number.MAX_SAFE_INTEGER ? Infinity : sum;
}
