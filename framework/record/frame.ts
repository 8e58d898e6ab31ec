/**
 * The messages of inboxes: frames of records, and controls (`protos/tidemark/frame.proto`).
 *
 * A message is a CRC-32 of all bytes behind it, then one of: a frame (a section per channel), an epoch-start, a watermark, a tick.
 *
 * FR1. Bytes that were not written as they are read are CORRUPT: the checksum is compared before anything is believed.
 * FR2. With a right checksum, and whatever else is in the bytes, decoding ends, in time and memory proportional to their number, with a message or
 *      with CORRUPT.
 * FR3. Fields of unknown numbers are passed over: later versions may add some.
 */
import { crc32 } from "node:zlib";
import { invariant } from "../errors.ts";
import { ByteWriter, lengthBytesFor } from "./byte-writer.ts";
import { corrupt } from "./corrupt.ts";
import type { Control } from "./messages.ts";
import type { SectionWriter } from "./section-writer.ts";
import { readSection, sectionField } from "./section.ts";
import type { Section, SectionHeader } from "./section.ts";
import { WireReader, wireType } from "./wire-reader.ts";
import { controlFields, decodeControlBody, encodeControlBody } from "./wire/control.ts";

export type { Records } from "./block-reader.ts";
export type { Section, SectionHeader } from "./section.ts";
export { SectionWriter, recordBytesMax } from "./section-writer.ts";

/** A message of data: one section per channel. */
export interface Frame {
  readonly kind: "frame";
  readonly sections: readonly Section[];
}

/** An entry of an inbox. */
export type InboxMessage = Frame | Control;

/** The records of one channel, and what the section is to say about them. */
export interface SectionToSend {
  readonly header: SectionHeader;
  readonly records: SectionWriter;
}

const checksumTag = (1 << 3) | wireType.fixed32;
const checksumBytes = 5;
const frameField = 2;
const sectionsField = 1;
const headerBytesMax = 64;

/** Frames are written here and copied out: their length is known last. */
const scratch = new ByteWriter();

/**
 * The bytes of a frame. The writers may be cleared as soon as this returns.
 *
 * Sections without records are left out.
 */
export function encodeFrame(sections: readonly SectionToSend[]): Uint8Array {
  const out = scratch;
  out.clear();
  out.reserve(checksumBytes);
  out.at = checksumBytes;
  const lengthBytes = lengthBytesFor(sections.reduce((sum, { records }) => sum + records.bytes + headerBytesMax, 0));
  const start = out.begin(frameField, lengthBytes);
  for (const { header, records } of sections) if (records.count > 0) writeSection(out, header, records);
  out.end(start, lengthBytes);
  return withChecksum(out.copy());
}

/** The bytes of a control. */
export function encodeControl(control: Control): Uint8Array {
  const body = encodeControlBody(control);
  const message = new Uint8Array(checksumBytes + body.length);
  message.set(body, checksumBytes);
  return withChecksum(message);
}

/**
 * The message in `bytes`. Called once per entry of an inbox; a frame is a view of the bytes and valid only while they are.
 *
 * @throws CORRUPT when the bytes are not a message (FR1, FR2)
 */
export function decodeMessage(bytes: Uint8Array): InboxMessage {
  const reader = new WireReader(bytes);
  checkChecksum(reader);
  while (reader.hasMore) {
    const tag = reader.tag();
    const number = tag >>> 3;
    if (number === frameField) return readFrame(reader, tag);
    if (controlFields.has(number)) return decodeControlBody(bytes.subarray(checksumBytes));
    reader.skip(tag);
  }
  throw corrupt(`a message of ${bytes.length} bytes is neither a frame nor a control this version knows`);
}

function readFrame(reader: WireReader, frameTag: number): Frame {
  reader.expect(frameTag, wireType.bytes, "frame");
  const outer = reader.enter("frame");
  const sections: Section[] = [];
  while (reader.hasMore) {
    const tag = reader.tag();
    if (tag >>> 3 !== sectionsField) {
      reader.skip(tag);
      continue;
    }
    reader.expect(tag, wireType.bytes, "section");
    const frame = reader.enter("section");
    sections.push(readSection(reader));
    reader.leave(frame);
  }
  reader.leave(outer);
  while (reader.hasMore) reader.skip(reader.tag());
  return { kind: "frame", sections };
}

function writeSection(out: ByteWriter, header: SectionHeader, records: SectionWriter): void {
  invariant(header.count === records.count, `a header of ${header.count} records for ${records.count}`);
  const lengthBytes = lengthBytesFor(records.bytes + headerBytesMax);
  const start = out.begin(sectionsField, lengthBytes);
  out.integerField(sectionField.edge, header.edge);
  out.integerField(sectionField.from, header.from);
  out.integerField(sectionField.epoch, header.epoch);
  out.integerField(sectionField.first, header.first);
  out.integerField(sectionField.count, header.count);
  out.byte((sectionField.check << 3) | wireType.fixed32);
  out.fixed32(header.check);
  records.writeBlocks(out, sectionField.blocks);
  out.end(start, lengthBytes);
}

function withChecksum(message: Uint8Array): Uint8Array {
  const view = new DataView(message.buffer, message.byteOffset);
  message[0] = checksumTag;
  view.setUint32(1, crc32(message.subarray(checksumBytes)), true);
  return message;
}

function checkChecksum(reader: WireReader): void {
  const { bytes } = reader;
  if (bytes.length < checksumBytes || bytes[0] !== checksumTag) {
    throw corrupt(`a message begins with a checksum of ${checksumBytes} bytes; ${bytes.length} bytes found`);
  }
  reader.at = 1;
  const expected = reader.fixed32();
  const found = crc32(bytes.subarray(checksumBytes));
  if (found !== expected) {
    throw corrupt(`a message of ${bytes.length} bytes with checksum ${expected} expected, checksum ${found} found`);
  }
}
