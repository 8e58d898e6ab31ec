/**
 * Readings of devices, in a stream, and what a naive computation makes of them.
 */
import { seededRandom } from "../../framework/platform/random.ts";

/** A message of the stream. */
export interface Reading {
  readonly device: string;
  /** ms since the epoch. */
  readonly at: number;
  readonly celsius: number;
}

/** What is expected of a device and minute. */
export interface MinuteRow {
  readonly key: string;
  readonly window: { readonly start: number; readonly end: number };
  readonly value: { readonly mean: number; readonly peak: number; readonly n: number };
}

const devices = 25;
const minuteMs = 60_000;
const disorderMs = 5_000;
/** Event time from one reading to the next, on average. */
const stepMs = 300;

/** Readings that go on where the last ones ended; none comes too late. */
export class Readings {
  readonly #random = seededRandom(4);
  readonly #all: Reading[] = [];
  #at = 0;

  next(count: number): readonly Reading[] {
    const made = Array.from({ length: count }, (): Reading => {
      this.#at += stepMs;
      const device = `device-${this.#random.below(devices)}`;
      return { device, at: this.#at - this.#random.below(disorderMs), celsius: this.#random.below(1_000) };
    });
    this.#all.push(...made);
    return made;
  }

  /** A reading of a device of its own that closes every minute so far. */
  closing(): Reading {
    return { device: "closing", at: this.#at + 2 * minuteMs, celsius: 0 };
  }

  /** One row per device and minute in which it has readings. */
  expected(): readonly MinuteRow[] {
    const groups = Map.groupBy(this.#all, ({ device, at }) => `${device} ${Math.floor(at / minuteMs) * minuteMs}`);
    return [...groups].map(([group, readings]) => {
      const [key = "", start = ""] = group.split(" ");
      const values = readings.map(({ celsius }) => celsius);
      const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
      const window = { start: Number(start), end: Number(start) + minuteMs };
      return { key, window, value: { mean, peak: Math.max(...values), n: values.length } };
    });
  }
}

/** Rows in an order that does not depend on how they came, one line each. */
export function sorted(rows: readonly MinuteRow[]): readonly string[] {
  const line = ({ key, window, value: { mean, peak, n } }: MinuteRow) =>
    `${key} ${window.start}-${window.end}: mean ${mean}, peak ${peak}, n ${n}`;
  return rows.map(line).toSorted();
}
