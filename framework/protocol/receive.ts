/**
 * What a receiver does with a section of a channel.
 *
 * Owns the receiving end's three numbers and the decision; decoding records and adopting an epoch on behalf of a whole edge is the feed's business.
 *
 * R2. Per channel, records are accepted once and in order: a pure function of the inbox, so that every incarnation accepts the same ones.
 * R11. The sender's rolling check and the receiver's agree before the first record that is accepted.
 */
import { StreamError } from "../errors.ts";

/** The receiving end of one channel: highest epoch adopted, number of the last record accepted, rolling check after it. */
export class ChannelIn {
  epoch = 0;
  last = 0;
  check = 0;
}

/** The part of a {@link ChannelIn} that decides. */
export interface Received {
  readonly epoch: number;
  readonly last: number;
}

/** Records `first` to `first + count - 1` of a channel, said by one incarnation of the sender. */
export interface SectionRange {
  readonly epoch: number;
  readonly first: number;
  readonly count: number;
}

/**
 * What to do with a section.
 *
 * `stale`: a dead incarnation speaks, drop it. `gap`: records before it are missing, drop it, they will be sent again. `duplicate`: everything in
 * it is known. `accept`: its records from index `skip` on are the channel's next.
 */
export type ReceiveDecision =
  | { readonly kind: "stale" }
  | { readonly kind: "gap" }
  | { readonly kind: "duplicate" }
  | { readonly kind: "accept"; readonly skip: number };

const stale: ReceiveDecision = Object.freeze({ kind: "stale" });
const gap: ReceiveDecision = Object.freeze({ kind: "gap" });
const duplicate: ReceiveDecision = Object.freeze({ kind: "duplicate" });
const acceptAll: ReceiveDecision = Object.freeze({ kind: "accept", skip: 0 });

/**
 * R2 for one section. On every answer but `stale` the caller adopts the section's epoch when it is higher than the channel's, also on `gap` and
 * `duplicate`: from then on the older incarnation is not listened to. On `accept` the channel's last record becomes the section's.
 */
export function decideReceive(channel: Received, section: SectionRange): ReceiveDecision {
  const { last } = channel;
  const { first, count } = section;
  if (section.epoch < channel.epoch) return stale;
  if (first > last + 1) return gap;
  if (first + count - 1 <= last) return duplicate;
  return first === last + 1 ? acceptAll : { kind: "accept", skip: last + 1 - first };
}

/**
 * R11: compares the check found in a section, rolled up to record `last`, with the channel's own. `place` says which channel and record.
 *
 * @throws DIVERGED naming both values
 */
export function verifyCheck(found: number, own: number, place: string): void {
  if (found === own) return;
  const values = `the sender's check is ${hex(found)}, the receiver's ${hex(own)}`;
  throw new StreamError(
    "DIVERGED",
    `${place}: ${values}; a replay did not repeat itself, look for time, chance or outside state in user functions`,
  );
}

function hex(check: number): string {
  return `0x${(check >>> 0).toString(16).padStart(8, "0")}`;
}
