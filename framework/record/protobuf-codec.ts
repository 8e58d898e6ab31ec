/**
 * The codec for protobuf messages: for streams whose schema lives in a `.proto` file.
 *
 * Values are plain objects with the message's field names, on both sides; fields without a value have protobuf's default when they are decoded.
 *
 * PB1. Values that do not fit the message are refused, with protobufjs's own words for the reason.
 * PB2. 64-bit integers are numbers and exact to 2^53; what is larger is refused, and CORRUPT when it is read.
 * PB3. What is decoded shares no memory with the bytes.
 */
import { StreamError, messageOf } from "../errors.ts";
import type { ValueCodec } from "./codec.ts";
import { corrupt } from "./corrupt.ts";
import { setOwn } from "./message-pack-reader.ts";

/** What of a protobufjs message type is used: a reflected `Type`, or a class that `pbjs` has generated. */
export interface ProtobufType {
  readonly name: string;
  verify?(value: { readonly [name: string]: unknown }): string | null;
  fromObject(value: { readonly [name: string]: unknown }): object;
  encode(message: never): { finish(): Uint8Array };
  decode(bytes: Uint8Array): object;
  toObject(message: never, options?: object): { readonly [name: string]: unknown };
}

/** What `toObject` is asked for: every field; integers of 64 bits as they are, for {@link withoutLongs}. */
const everything = { defaults: true, arrays: true, objects: true } as const;

/** A codec for one message type of protobufjs; `T` is the shape of its values. */
export function protobuf<T extends object = { readonly [name: string]: unknown }>(type: ProtobufType): ValueCodec<T> {
  const name = `protobuf(${type.name})`;
  return {
    name,
    encode(value: T): Uint8Array {
      try {
        const fields = value as { readonly [name: string]: unknown };
        const problem = type.verify?.(fields) ?? undefined;
        if (problem !== undefined) throw new Error(problem);
        const message = type.fromObject(fields);
        checkLongs(message);
        return type.encode(message as never).finish();
      } catch (error) {
        throw new StreamError("VALUE_NOT_ENCODABLE", `$ is no ${type.name}: ${messageOf(error)}`, { cause: error });
      }
    },
    decode(bytes: Uint8Array): T {
      try {
        return withoutLongs(type.toObject(type.decode(new Uint8Array(bytes)) as never, everything)) as T;
      } catch (error) {
        throw corrupt(`${name} of ${bytes.length} bytes: ${messageOf(error)}`);
      }
    },
  };
}

/** An integer of 64 bits, as protobufjs reads it when the package `long` is there. */
interface Long {
  readonly low: number;
  readonly high: number;
  readonly unsigned: boolean;
}

/** The value with numbers for integers of 64 bits (PB2). */
function withoutLongs(value: unknown): unknown {
  if (typeof value !== "object" || value === null || ArrayBuffer.isView(value)) return value;
  if (isLong(value)) return toNumber(value);
  const parts = value as Record<string, unknown>;
  for (const name of Object.keys(parts)) {
    const part = parts[name];
    if (typeof part === "object") setOwn(parts, name, withoutLongs(part));
  }
  return value;
}

/** Throws when an integer of 64 bits is one that {@link withoutLongs} would refuse. */
function checkLongs(value: object): void {
  if (ArrayBuffer.isView(value)) return;
  if (isLong(value)) toNumber(value);
  else for (const part of Object.values(value)) if (typeof part === "object" && part !== null) checkLongs(part);
}

function isLong(value: object): value is Long {
  return "low" in value && "high" in value && "unsigned" in value && Object.getPrototypeOf(value) !== Object.prototype;
}

function toNumber({ low, high, unsigned }: Long): number {
  const value = (unsigned ? high >>> 0 : high) * 2 ** 32 + (low >>> 0);
  if (!Number.isSafeInteger(value)) throw new Error(`an integer beyond 2^53, about ${value}`);
  return value;
}
