/**
 * How much one key may have: entries of one map, list or window, and timers.
 *
 * Owns the refusal. A key that grows for ever would take its worker's memory, and every other key with it; so the record that would take it beyond the limit
 * becomes a dead letter, and what the key has stays as it was.
 */
import { StreamError } from "../errors.ts";

/** Bounds of what one key has. */
export interface StateLimits {
  /** Entries of one map or list, records of one window. */
  readonly entriesMax: number;
  /** Timers in one time domain. */
  readonly timersMax: number;
}

/** Nothing is refused. */
export const unlimited: StateLimits = { entriesMax: Infinity, timersMax: Infinity };

/** Called before an entry is added to `count` others. @throws LIMIT_EXCEEDED */
export function checkEntries(count: number, { entriesMax }: StateLimits, name: string): void {
  if (count < entriesMax) return;
  throw new StreamError(
    "LIMIT_EXCEEDED",
    `${name} of this key has ${count} entries, as many as limits.stateEntries allows: remove some (a ttl, a smaller window), spread the key, or raise the limit`,
  );
}

/** Called before a timer is registered beside `count` others. @throws LIMIT_EXCEEDED */
export function checkTimers(count: number, { timersMax }: StateLimits, name: string): void {
  if (count < timersMax) return;
  throw new StreamError(
    "LIMIT_EXCEEDED",
    `${name}: this key has ${count} timers, as many as limits.timersPerKey allows: cancel those that are not needed (one that is moved is cancelled and registered), or raise the limit`,
  );
}
