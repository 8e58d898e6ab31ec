/**
 * What the benchmarks feed: readings of 10,000 devices, 100 per millisecond of event time.
 *
 * Cheap to make, so that what is done with them is what is measured.
 */

/** Number of devices: the keys. */
export const deviceCount = 10_000;

const poolSize = 1 << 16;
const devices = Array.from({ length: deviceCount }, (_, device) => `device-${String(device).padStart(8, "0")}`);
const celsius = Array.from({ length: poolSize }, (_, index) => Math.round(20_000 + 5_000 * Math.sin(index)) / 1_000);

/** A device's reading: about 100 bytes as text. */
export interface Reading {
  readonly device: string;
  readonly at: number;
  readonly celsius: number;
  readonly humidity: number;
  readonly volts: number;
  readonly sequence: number;
}

/** Reading number `index`, 0 or more; in order of time. */
export function reading(index: number): Reading {
  return {
    device: devices[(Math.imul(index, 2654435761) >>> 0) % deviceCount] ?? "",
    at: 1_760_000_000_000 + Math.floor(index / 100),
    celsius: celsius[index & (poolSize - 1)] ?? 0,
    humidity: (index % 997) / 10,
    volts: 3.3 + (index % 100) / 1_000,
    sequence: index % 5_000,
  };
}
