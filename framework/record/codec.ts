/**
 * The contract of value codecs: a value of the user's program to bytes and back.
 *
 * Owns the contract only. What is decoded is indistinguishable to user code from what was encoded; what a codec cannot take it refuses.
 */

/** Turns values into bytes and back. */
export interface ValueCodec<T = unknown> {
  /** Name in plan and errors: `default`, `json`, `protobuf(Reading)`. */
  readonly name: string;
  /** @throws VALUE_NOT_ENCODABLE with the path of the part that it does not take */
  encode(value: T): Uint8Array;
  /** @throws CORRUPT when the bytes are not what `encode` wrote */
  decode(bytes: Uint8Array): T;
}
