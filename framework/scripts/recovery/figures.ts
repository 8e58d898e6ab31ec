/**
 * Numbers that describe many numbers.
 */

/** The middle, the far end, the farthest. */
export interface Spread {
  readonly samples: number;
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

/** The spread of `values`, rounded to tenths; of none: all 0. */
export function spreadOf(values: readonly number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b);
  return {
    samples: sorted.length,
    p50: tenths(quantile(sorted, 0.5)),
    p99: tenths(quantile(sorted, 0.99)),
    max: tenths(sorted.at(-1) ?? 0),
  };
}

/** The smallest value that at least `share` of the sorted values do not exceed; 0 of none. */
function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? 0;
}

/** Slope by least squares: units of `y` per unit of `x`; 0 where there is no telling. */
export function slopeOf(points: readonly (readonly [x: number, y: number])[]): number {
  const meanX = points.reduce((total, [x]) => total + x, 0) / points.length;
  const meanY = points.reduce((total, [, y]) => total + y, 0) / points.length;
  let product = 0;
  let square = 0;
  for (const [x, y] of points) {
    product += (x - meanX) * (y - meanY);
    square += (x - meanX) ** 2;
  }
  return square === 0 || !Number.isFinite(product) ? 0 : product / square;
}

/** Rounded to a tenth. */
export function tenths(value: number): number {
  return Math.round(value * 10) / 10;
}
