/**
 * The rolling check of a channel: what a replay must repeat (R11).
 *
 * Owns the mixing only; who rolls it over which records, and compares, is the protocol's business.
 *
 * C1. The check after a record is a function of the check before it, the record's key hash and its timestamp, and of nothing else.
 */
import { finish, mixWord } from "./murmur3.ts";

const absent = 0x7ff80000;
const infinite = 0x7ff00000;
const twoTo32 = 2 ** 32;

/**
 * The channel's check after one more record, as uint32; 0 before the first record.
 *
 * @param check the check before the record
 * @param keyHash the hash of the record's key; 0 on edges without keys
 * @param timestamp a safe integer, an infinity, or undefined when the record has none
 */
export function rollCheck(check: number, keyHash: number, timestamp: number | undefined): number {
  let low = 0;
  let high = absent;
  if (timestamp !== undefined) {
    if (timestamp === Infinity) high = infinite;
    else if (timestamp === -Infinity) high = -infinite;
    else {
      low = timestamp | 0;
      high = Math.floor(timestamp / twoTo32) | 0;
    }
  }
  return finish(mixWord(mixWord(check, keyHash), low), high, 1);
}
