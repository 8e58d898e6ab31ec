/**
 * Whether a quantity grows.
 */
import { slopeOf } from "./figures.ts";

/** A quantity over a run. */
export interface Trend {
  readonly first: number;
  readonly last: number;
  readonly min: number;
  readonly max: number;
  /** By least squares. */
  readonly slopePerSecond: number;
  /** What the slope comes to over the run. */
  readonly drift: number;
  /** Standard deviation around the line. */
  readonly noise: number;
  /** The drift is within twice the noise, or below a tenth of the mean. */
  readonly isFlat: boolean;
}

/** The trend of `points`, each (seconds, value), in order of time. */
export function trendOf(points: readonly (readonly [seconds: number, value: number])[]): Trend {
  const values = points.map(([, value]) => value);
  const slope = slopeOf(points);
  const mean = average(values);
  const middle = average(points.map(([seconds]) => seconds));
  const squares = points.map(([seconds, value]) => (value - mean - slope * (seconds - middle)) ** 2);
  const noise = Math.sqrt(average(squares));
  const drift = slope * ((points.at(-1)?.[0] ?? 0) - (points[0]?.[0] ?? 0));
  return {
    first: values[0] ?? 0,
    last: values.at(-1) ?? 0,
    min: Math.min(...values),
    max: Math.max(...values),
    slopePerSecond: rounded(slope),
    drift: rounded(drift),
    noise: rounded(noise),
    isFlat: Math.abs(drift) <= Math.max(2 * noise, mean / 10),
  };
}

function average(values: readonly number[]): number {
  return values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length;
}

function rounded(value: number): number {
  return Math.round(value * 1_000) / 1_000;
}
