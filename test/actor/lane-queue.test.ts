/** The channels that wait at a lane, and what goes into one frame. */
import { beforeEach, expect, test } from "vitest";
import { ChannelOut } from "../../framework/actor/channel-out.ts";
import { LaneQueue } from "../../framework/actor/lane-queue.ts";
import { heldAfter, muchBytes } from "../support/young.ts";

const sizes = { frameBytesTarget: 1_000, frameBytesMax: 1_500 };

let queue: LaneQueue;
let ordinal: number;

beforeEach(() => {
  queue = new LaneQueue(sizes);
  ordinal = 0;
});

function channel(from: number): ChannelOut {
  const lane = { onPending: (out: ChannelOut) => queue.add(out), frameBytesMax: sizes.frameBytesMax };
  return new ChannelOut({ edge: 0, from, to: 0, epoch: 1 }, { last: 0, check: 0 }, undefined, lane);
}

function say(out: ChannelOut, bytes: number): void {
  out.add("?".repeat(bytes), 0, 0, (ordinal += 1));
}

/** Of whom the pieces of the next frame are. */
function next(): number[] {
  return queue.take().map((piece) => piece.header.from);
}

test("all that wait go into one frame, in the order in which they came", () => {
  const [a, b, c] = [channel(0), channel(1), channel(2)];
  for (const out of [b, c, a, b]) say(out, 10);
  expect(queue.bytes).toBe(a.pendingBytes + b.pendingBytes + c.pendingBytes);
  expect(next()).toEqual([1, 2, 0]);
  expect(queue.isEmpty).toBe(true);
  expect(queue.take()).toEqual([]);
});

test("LQ1: a channel that was undone and has spoken again stands there once", () => {
  const out = channel(0);
  out.mark(1);
  say(out, 10);
  out.undo();
  say(out, 10);
  expect(next()).toEqual([0]);
  say(out, 10);
  expect(next()).toEqual([0]);
});

test("LQ1: who has more than goes into the frame is served first in the next one, and the others keep their order", () => {
  const [a, b, c] = [channel(0), channel(1), channel(2)];
  for (let count = 0; count < 2; count += 1) say(a, 1_000);
  say(b, 200);
  say(c, 200);
  expect(next()).toEqual([0]);
  say(channel(3), 10);
  expect(next()).toEqual([0]);
  expect(next()).toEqual([1, 2, 3]);
});

test("R13: what would make a frame too large waits for the next one", () => {
  const [a, b] = [channel(0), channel(1)];
  say(a, 900);
  say(b, 900);
  expect(next()).toEqual([0]);
  expect(next()).toEqual([1]);
});

test("one that is forgotten is not served, and may come back", () => {
  const [a, b] = [channel(0), channel(1)];
  say(a, 10);
  say(b, 10);
  queue.forget(a);
  expect(queue.bytes).toBe(b.pendingBytes);
  queue.forget(a);
  expect(next()).toEqual([1]);
  queue.add(a);
  expect(next()).toEqual([0]);
});

test("channels that have gone are held by none that came later", () => {
  let before = channel(0);
  queue.add(before);
  const held = heldAfter((made) => {
    const out = Object.assign(channel(0), { made });
    queue.add(out);
    queue.forget(before);
    before = out;
  });
  expect(held).toBeLessThan(muchBytes);
});
