/**
 * The markers of MessagePack that both the writer and the reader go by, and the extension types for what MessagePack lacks.
 *
 * X1. Numbers travel as int8 to int32, uint32 and below, or float64; int64 is a bigint, so that the two never mix.
 */

/** First bytes of MessagePack values. */
export const marker = {
  fixMap: 0x80,
  fixArray: 0x90,
  fixText: 0xa0,
  nil: 0xc0,
  no: 0xc2,
  yes: 0xc3,
  bytes8: 0xc4,
  bytes16: 0xc5,
  bytes32: 0xc6,
  extension8: 0xc7,
  extension32: 0xc9,
  float64: 0xcb,
  uint8: 0xcc,
  uint16: 0xcd,
  uint32: 0xce,
  int8: 0xd0,
  int16: 0xd1,
  int32: 0xd2,
  int64: 0xd3,
  fixExtension1: 0xd4,
  fixExtension8: 0xd7,
  text8: 0xd9,
  text16: 0xda,
  text32: 0xdb,
  array16: 0xdc,
  array32: 0xdd,
  map16: 0xde,
  map32: 0xdf,
  negativeFixInt: 0xe0,
} as const;

/** Extension types. Fixed for ever: they stand in logs and snapshots. */
export const extension = {
  /** `undefined`; fixExtension1. */
  absent: 0,
  /** An ill-formed string as UTF-16, little-endian; extension32. */
  utf16: 1,
  /** A Date: its time as float64, NaN for an invalid one; fixExtension8. */
  date: 2,
  /** A bigint beyond 64 bits, as hexadecimal text; extension32. */
  bigint: 3,
  /** A hole in an array; fixExtension1. */
  hole: 4,
  /** An object without a prototype, as a map; extension32. */
  bare: 5,
} as const;
