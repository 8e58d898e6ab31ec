/**
 * A dead letter on its way into the job's dead-letter stream: what failed, where, and why.
 *
 * Travels as an ordinary record of a numbered channel, so readers drop repetitions by (edge, from, number).
 */
import type { DeadLetter, LetterOrigin } from "../operator/outlet.ts";

/** Where a dead letter comes from. */
export interface DeadLetterPlace {
  readonly stage: string;
  readonly partition: number;
  /** Position of the message whose turn it was. */
  readonly sequence: number;
}

/** A dead letter as it is stored and read. */
export interface StoredDeadLetter extends DeadLetterPlace {
  readonly origin: LetterOrigin;
  /** Index of the edge that the record came over; undefined where it came over none. */
  readonly edge: number | undefined;
  readonly operator: string;
  readonly code: string;
  readonly reason: string;
  readonly stack: string;
  readonly key: string;
  readonly value: unknown;
  readonly timestamp: number | undefined;
}

/** The record that goes into the stream. */
export function encodeDeadLetter(letter: DeadLetter, place: DeadLetterPlace): StoredDeadLetter {
  const { origin, edge, operator, code, message, stack, key, value, timestamp } = letter;
  return { ...place, origin, edge, operator, code, reason: message, stack, key: key ?? "", value, timestamp };
}
