/**
 * What is fuzzed: something that takes bytes from outside.
 *
 * Z1. Whatever the bytes are, `feed` ends, with an answer or with a `StreamError`; anything else is a defect.
 * Z2. It leaves no trace: no prototype is changed, and memory grows with the input, not with what the input says of itself.
 */

/** One decoder, parser or validator. */
export interface FuzzTarget {
  readonly name: string;
  /** What is right, to begin with. */
  readonly samples: readonly Uint8Array[];
  /** Takes one input. @throws StreamError when it is not what the target reads */
  feed(bytes: Uint8Array): void;
  /** Makes a mutated input pass the first check (a checksum), so that what is behind is reached, too. @default none */
  repair?(bytes: Uint8Array): Uint8Array;
}

/** An input that broke a rule. */
export interface FuzzFinding {
  readonly target: string;
  readonly input: Uint8Array;
  readonly what: string;
}
