/**
 * Protobuf messages from tables: a field per property, written and read with protobufjs.
 *
 * Owns how plain objects become messages and back; the tables beside it say which, and `protos/` says the same in protobuf's own language.
 *
 * MS1. Every property of a type has its field: a table with one missing does not compile.
 * MS2. Bytes that do not parse, lack what has no default, or have an integer beyond 2^53 are CORRUPT, with the message and field named.
 * MS3. Fields of unknown numbers are passed over. Text that UTF-8 cannot hold is made well-formed.
 */
import protobuf from "protobufjs/minimal.js";
import { StreamError, invariant, messageOf } from "../../errors.ts";
import { corrupt } from "../corrupt.ts";

type Writer = protobuf.Writer;
type Reader = protobuf.Reader;

/** One field of a message that has a property of type `T`. */
export interface Field<T> {
  readonly number: number;
  readonly wireType: number;
  /** Appends the field, with its tag; once per element when it is repeated. */
  write(writer: Writer, value: T): void;
  /** Reads the value behind a tag. `before` is what has been read of this field so far. */
  read(reader: Reader, before: T | undefined): T;
  /** The value of a field that is not there. */
  absent(): T;
}

/** A message as a table of its fields. */
export interface Message<T> {
  readonly name: string;
  encode(value: T): Uint8Array;
  /** @throws CORRUPT */
  decode(from: Uint8Array): T;
  write(writer: Writer, value: T): void;
  read(reader: Reader, end: number): T;
}

const varint = 0;
const varintBytesMax = 10;
const uint32Max = 0xffffffff;
const fixed64 = 1;
const delimited = 2;
const fixed32Type = 5;

/** A message with the properties of `T`, in the order they are decoded. */
export function message<T extends object>(
  name: string,
  fields: { readonly [K in keyof T]-?: Field<T[K]> },
): Message<T> {
  const entries = Object.entries(fields) as unknown as readonly (readonly [keyof T & string, Field<unknown>])[];
  const table: Table = { name, entries, placeOf: [] };
  for (const [place, [, field]] of entries.entries()) table.placeOf[field.number] = place;
  return {
    name,
    encode: (value) => encoded((writer) => writeFields(writer, entries, value)),
    decode: (from) => decoding(name, from, (reader) => readFields<T>(reader, reader.len, table)),
    write: (writer, value) => writeFields(writer, entries, value),
    read: (reader, end) => readFields<T>(reader, end, table),
  };
}

/** The fields of one message. */
interface Table {
  readonly name: string;
  readonly entries: readonly (readonly [property: string, field: Field<unknown>])[];
  /** Place in `entries` by field number. */
  readonly placeOf: (number | undefined)[];
}

/** One kind of a union: the field it stands in, and the rest of its properties. */
export interface Variant<T> {
  readonly number: number;
  readonly message: Message<T>;
}

/** A message that holds one of several, told apart by `kind`. */
export function union<T extends { readonly kind: string }>(
  name: string,
  variants: { readonly [K in T["kind"]]: Variant<Omit<Extract<T, { readonly kind: K }>, "kind">> },
): Message<T> {
  const entries = Object.entries(variants) as unknown as readonly (readonly [string, Variant<object>])[];
  const write = (writer: Writer, value: T): void => {
    const variant = entries.find(([kind]) => kind === value.kind)?.[1];
    invariant(variant !== undefined, `${name} has no ${value.kind}`);
    writer.uint32((variant.number << 3) | delimited).fork();
    variant.message.write(writer, value);
    writer.ldelim();
  };
  const read = (reader: Reader, end: number): T => {
    let found: object | undefined;
    while (reader.pos < end) {
      const tag = reader.uint32();
      const entry = entries.find(([, variant]) => variant.number === tag >>> 3);
      if (entry === undefined) reader.skipType(tag & 7);
      else found = { kind: entry[0], ...readDelimited(reader, tag, name, end, entry[1].message) };
    }
    if (found === undefined) throw corrupt(`${name}: of no kind this version knows`);
    return found as T;
  };
  return {
    name,
    encode: (value) => encoded((writer) => write(writer, value)),
    decode: (from) => decoding(name, from, (reader) => read(reader, reader.len)),
    write,
    read,
  };
}

/** An integer from 0 to 2^53: `uint32` or `uint64`. */
export function integer(number: number): Field<number> {
  return {
    number,
    wireType: varint,
    write: (writer, value) => {
      invariant(
        Number.isSafeInteger(value) && value >= 0,
        `field ${number} is ${value}, not an integer from 0 to 2^53`,
      );
      writer.uint32(number << 3);
      if (value <= uint32Max) writer.uint32(value);
      else writer.uint64(value);
    },
    read: (reader) => {
      const value = readInteger(reader);
      if (!Number.isSafeInteger(value)) throw corrupt(`field ${number} is ${value}, beyond 2^53`);
      return value;
    },
    absent: () => 0,
  };
}

/** What `reader.uint64()` answers as a `Long` or a number, as the program has configured protobufjs, as a number; beyond 2^53 it is rounded. */
function readInteger(reader: Reader): number {
  let value = 0;
  let weight = 1;
  for (let count = 0; count < varintBytesMax && reader.pos < reader.len; count += 1) {
    const byte = reader.buf[reader.pos] ?? 0;
    reader.pos += 1;
    value += (byte & 0x7f) * weight;
    if (byte < 0x80) return value;
    weight *= 0x80;
  }
  throw corrupt(`the integer that ends at byte ${reader.pos} of ${reader.len} goes on`);
}

/** An integer from 1 to 2^53, or none: 0 in `protos/`. */
export function positive(number: number): Field<number | undefined> {
  const field = integer(number);
  return {
    ...field,
    write: (writer, value) => {
      if (value !== undefined && value !== 0) field.write(writer, value);
    },
    read: (reader, before) => field.read(reader, before) || undefined,
    absent: () => undefined,
  };
}

/** Any number: `double`. For times and for what may be infinite. */
export function double(number: number): Field<number> {
  return {
    number,
    wireType: fixed64,
    write: (writer, value) => writer.uint32((number << 3) | fixed64).double(value),
    read: (reader) => reader.double(),
    absent: () => 0,
  };
}

/** A check or hash of 32 bits: `fixed32`. */
export function bits32(number: number): Field<number> {
  return {
    number,
    wireType: fixed32Type,
    write: (writer, value) => writer.uint32((number << 3) | fixed32Type).fixed32(value),
    read: (reader) => reader.fixed32(),
    absent: () => 0,
  };
}

/** `bool`. */
export function flag(number: number): Field<boolean> {
  return {
    number,
    wireType: varint,
    write: (writer, value) => writer.uint32(number << 3).bool(value),
    read: (reader) => reader.bool(),
    absent: () => false,
  };
}

/** `string` (MS3). */
export function text(number: number): Field<string> {
  return {
    number,
    wireType: delimited,
    write: (writer, value) => writer.uint32((number << 3) | delimited).string(value.toWellFormed()),
    read: (reader) => reader.string(),
    absent: () => "",
  };
}

/** `bytes`; a copy when read. */
export function bytes(number: number): Field<Uint8Array> {
  return {
    number,
    wireType: delimited,
    write: (writer, value) => writer.uint32((number << 3) | delimited).bytes(value),
    read: (reader) => new Uint8Array(reader.bytes()),
    absent: () => new Uint8Array(),
  };
}

/** One of a closed set of words: an enum whose values count from 1 in this order. */
export function choice<const T extends string>(number: number, words: readonly T[]): Field<T> {
  return {
    number,
    wireType: varint,
    write: (writer, value) => writer.uint32(number << 3).uint32(words.indexOf(value) + 1),
    read: (reader) => {
      const index = reader.uint32();
      const word = words[index - 1];
      if (word === undefined) throw corrupt(`field ${number} is ${index}, none of ${words.join(", ")}`);
      return word;
    },
    absent: () => {
      throw corrupt(`field ${number} is missing, one of ${words.join(", ")}`);
    },
  };
}

/** A message within the message, always there. */
export function nested<T>(number: number, inner: Message<T>): Field<T> {
  return {
    number,
    wireType: delimited,
    write: (writer, value) => {
      writer.uint32((number << 3) | delimited).fork();
      inner.write(writer, value);
      writer.ldelim();
    },
    read: (reader) => inner.read(reader, endOf(reader)),
    absent: () => {
      throw corrupt(`field ${number}, ${inner.name}, is missing`);
    },
  };
}

/** A field that may be left out. */
export function optional<T>(field: Field<T>): Field<T | undefined> {
  return {
    ...field,
    write: (writer, value) => {
      if (value !== undefined) field.write(writer, value);
    },
    absent: () => undefined,
  };
}

/** A field that may be there any number of times. */
export function repeated<T>(field: Field<T>): Field<readonly T[]> {
  return {
    ...field,
    write: (writer, values) => {
      for (const value of values) field.write(writer, value);
    },
    read: (reader, before) => {
      const values = (before ?? []) as T[];
      values.push(field.read(reader, undefined));
      return values;
    },
    absent: () => [],
  };
}

function writeFields(writer: Writer, entries: readonly (readonly [string, Field<unknown>])[], value: object): void {
  const properties = value as Record<string, unknown>;
  for (const [property, field] of entries) field.write(writer, properties[property]);
}

function readFields<T>(reader: Reader, end: number, table: Table): T {
  const { name, entries, placeOf } = table;
  // Of one shape for all messages of the table, and no field is missing from it.
  const found: Record<string, unknown> = {};
  for (const [property] of entries) found[property] = undefined;
  while (reader.pos < end) {
    const tag = reader.uint32();
    const place = placeOf[tag >>> 3];
    const entry = place === undefined ? undefined : entries[place];
    if (entry === undefined) {
      reader.skipType(tag & 7);
      continue;
    }
    const [property, field] = entry;
    if ((tag & 7) !== field.wireType) throw wrongType(tag, field.wireType, `${name}.${property}`);
    found[property] = field.read(reader, found[property]);
  }
  if (reader.pos !== end) throw corrupt(`${name} ends at byte ${reader.pos}, expected at byte ${end}`);
  for (const [property, field] of entries) if (found[property] === undefined) found[property] = field.absent();
  return found as T;
}

function readDelimited<T>(reader: Reader, tag: number, name: string, end: number, inner: Message<T>): T {
  if ((tag & 7) !== delimited) throw wrongType(tag, delimited, `${name}.${inner.name}`);
  const innerEnd = endOf(reader);
  if (innerEnd > end) throw corrupt(`${name}.${inner.name} ends at byte ${innerEnd}, behind its message`);
  return inner.read(reader, innerEnd);
}

function endOf(reader: Reader): number {
  const length = reader.uint32();
  if (reader.pos + length > reader.len) {
    throw corrupt(`${length} bytes expected at byte ${reader.pos}, ${reader.len - reader.pos} found`);
  }
  return reader.pos + length;
}

function wrongType(tag: number, expected: number, what: string): StreamError {
  return corrupt(`${what}: wire type ${expected} expected, ${tag & 7} found`);
}

function encoded(write: (writer: Writer) => void): Uint8Array {
  const writer = protobuf.Writer.create();
  write(writer);
  return new Uint8Array(writer.finish());
}

function decoding<T>(name: string, from: Uint8Array, read: (reader: Reader) => T): T {
  try {
    return read(protobuf.Reader.create(from));
  } catch (error) {
    if (StreamError.is(error)) throw corrupt(`${name} of ${from.length} bytes: ${error.message}`);
    throw new StreamError("CORRUPT", `${name} of ${from.length} bytes: ${messageOf(error)}`, { cause: error });
  }
}
