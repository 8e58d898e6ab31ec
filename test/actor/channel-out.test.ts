/** The sending end of a channel: numbers, checks, pieces and what `undo` takes back. */
import { beforeEach, expect, test } from "vitest";
import { ChannelOut } from "../../framework/actor/channel-out.ts";
import { rollCheck } from "../../framework/record/check.ts";
import { decodeMessage, encodeFrame, type Section } from "../../framework/record/frame.ts";

let announced: ChannelOut[];
const lane = { onPending: (pending: ChannelOut) => void announced.push(pending) };

beforeEach(() => {
  announced = [];
});

function channel(state = { last: 0, check: 0 }): ChannelOut {
  return new ChannelOut({ edge: 3, from: 1, to: 2, epoch: 7 }, state, undefined, lane);
}

/** Takes what waits into one frame and reads it as a receiver does. */
function sections(from: ChannelOut): Section[] {
  const pieces = [];
  for (let piece = from.take(); piece !== undefined; piece = from.take()) pieces.push(piece);
  const message = decodeMessage(encodeFrame(pieces));
  return message.kind === "frame" ? [...message.sections] : [];
}

test("R1: numbers are dense from 1, and a section begins with the check before its first record", () => {
  const out = channel();
  out.add("a", 10, 5, 1);
  out.add("b", 20, 6, 2);
  const [first] = sections(out);
  expect(first).toMatchObject({ edge: 3, from: 1, epoch: 7, first: 1, count: 2, check: 0 });
  expect(first?.decode(undefined).values).toEqual(["a", "b"]);
  out.add("c", undefined, 7, 3);
  const [second] = sections(out);
  expect(second).toMatchObject({ first: 3, count: 1, check: rollCheck(rollCheck(0, 5, 10), 6, 20) });
  expect(out.last).toBe(3);
  expect(out.check).toBe(rollCheck(second?.check ?? 0, 7, undefined));
});

test("the lane hears of a channel when it has something to send and had nothing before", () => {
  const out = channel();
  out.add("a", 0, 0, 1);
  out.add("b", 0, 0, 2);
  expect(announced).toEqual([out]);
  sections(out);
  out.add("c", 0, 0, 3);
  expect(announced).toEqual([out, out]);
});

test("R1: numbers go on from the snapshot, whatever the epoch", () => {
  const out = channel({ last: 41, check: 99 });
  out.add("x", 0, 0, 1);
  expect(sections(out)[0]).toMatchObject({ first: 42, count: 1, check: 99, epoch: 7 });
});

test("a section takes half of a frame, and is followed by the next one", () => {
  const out = new ChannelOut({ edge: 3, from: 1, to: 2, epoch: 7 }, { last: 0, check: 0 }, undefined, {
    ...lane,
    frameBytesMax: 2_000,
  });
  for (let count = 1; count <= 30; count += 1) out.add("?".repeat(100), 0, 0, count);
  expect(out.nextBytes).toBeGreaterThanOrEqual(1_000);
  expect(out.nextBytes).toBeLessThan(1_200);
  expect(sections(out).length).toBeGreaterThan(2);
  expect(out.nextBytes).toBe(0);
});

test("a record is encoded when it is added: what happens to the object afterwards changes nothing", () => {
  const out = channel();
  const row = { device: "a", celsius: 1 };
  out.add(row, 0, 0, 1);
  row.celsius = 99;
  expect(sections(out)[0]?.decode(undefined).values).toEqual([{ device: "a", celsius: 1 }]);
});

test("undo takes back every record since the mark: number, check, bytes and content", () => {
  const out = channel();
  out.add("kept", 1, 1, 1);
  const { last, check, pendingBytes } = out;
  out.mark(1);
  out.add("gone", 2, 2, 2);
  out.add("gone too", 3, 3, 3);
  out.undo();
  expect({ last: out.last, check: out.check, pendingBytes: out.pendingBytes }).toEqual({ last, check, pendingBytes });
  out.add("next", 4, 4, 2);
  expect(sections(out)[0]?.decode(undefined).values).toEqual(["kept", "next"]);
});

test("undo reaches across pieces: a step that fills several leaves none of them", () => {
  const out = channel();
  out.add("kept", 0, 0, 1);
  out.mark(1);
  const large = "x".repeat(40_000);
  for (let count = 0; count < 6; count += 1) out.add(large, 0, 0, 2 + count);
  expect(out.pendingBytes).toBeGreaterThan(200_000);
  out.undo();
  out.add("after", 1, 1, 2);
  const all = sections(out);
  expect(all.flatMap((section) => [...section.decode(undefined).values])).toEqual(["kept", "after"]);
  expect(all.map(({ first, count }) => [first, count])).toEqual([[1, 2]]);
  expect(out.pendingBytes).toBe(0);
});

test("undo after a frame was taken leaves what the frame has", () => {
  const out = channel();
  out.add("sent", 0, 0, 1);
  expect(sections(out)).toHaveLength(1);
  out.mark(1);
  out.add("gone", 0, 0, 2);
  out.undo();
  expect(out.last).toBe(1);
  out.add("next", 0, 0, 2);
  expect(sections(out)[0]).toMatchObject({ first: 2, count: 1 });
});

test("a value that cannot be encoded changes nothing, and nothing waits for its acknowledgement", () => {
  const out = channel();
  out.mark(1);
  expect(() => out.add(() => 1, 0, 0, 1)).toThrow(expect.objectContaining({ code: "VALUE_NOT_ENCODABLE" }));
  expect(out.last).toBe(0);
  expect(out.firstUnacknowledged).toBe(Infinity);
  expect(out.take()).toBeUndefined();
});

test("the oldest ordinal counts until its frame is acknowledged, in order", () => {
  const out = channel();
  expect(out.firstUnacknowledged).toBe(Infinity);
  out.add("a", 0, 0, 5);
  out.take();
  out.add("b", 0, 0, 9);
  expect(out.firstUnacknowledged).toBe(5);
  out.acknowledge();
  expect(out.firstUnacknowledged).toBe(9);
  out.take();
  out.acknowledge();
  expect(out.firstUnacknowledged).toBe(Infinity);
});

test("a section is closed when it has grown to 64 KiB: the next piece has its own header", () => {
  const out = channel();
  const large = "x".repeat(30_000);
  for (let count = 0; count < 5; count += 1) out.add(large, 0, 0, count + 1);
  const all = sections(out);
  expect(all.map(({ first, count }) => [first, count])).toEqual([
    [1, 3],
    [4, 2],
  ]);
  expect(all[1]?.check).toBe(rollCheck(rollCheck(rollCheck(0, 0, 0), 0, 0), 0, 0));
});
