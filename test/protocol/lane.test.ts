/**
 * A lane's window (R3): what may be in flight, what counts as acknowledged, and when it begins again.
 */
import { describe, expect, test } from "vitest";
import {
  LaneWindow,
  backoffMsMax,
  backoffMsMin,
  replyTimeoutMs,
  type FrameResult,
  type LaneAction,
} from "../../framework/protocol/lane.ts";

const full: FrameResult = { kind: "full" };
const failed: FrameResult = { kind: "failed", reason: "503" };
const nothing: LaneAction = { acknowledged: 0, resend: false };

function stored(sequence: number): FrameResult {
  return { kind: "stored", sequence };
}

function openWindow(limits: { framesMax?: number; bytesMax?: number } = {}): LaneWindow {
  return new LaneWindow({ framesMax: 4, bytesMax: 1_000, ...limits });
}

/** A window with frames 1 to `count` of 10 bytes in flight since `nowMs`. */
function sentWindow(count: number, nowMs = 0): LaneWindow {
  const window = openWindow({ framesMax: Math.max(4, count) });
  for (let i = 0; i < count; i += 1) window.sent(10, nowMs);
  return window;
}

/** Waits the back-off out. */
function waitOut(window: LaneWindow, nowMs: number): number {
  const untilMs = nowMs + (window.waitMs(nowMs) ?? 0);
  expect(window.onTimer(untilMs)).toEqual(nothing);
  return untilMs;
}

describe("R8: a log that has lost its tail", () => {
  test("gives a frame a sequence that was heard of before the frame was sent", () => {
    const window = sentWindow(1);
    window.onResult(1, 1, stored(10), 1);
    window.sent(10, 1);
    expect(window.onResult(2, 1, stored(10), 2)).toEqual({ ...nothing, lost: { sequence: 10, after: 10 } });
  });

  test("is not known by frames that were in flight together: they may have overtaken each other", () => {
    const window = sentWindow(2);
    expect(window.onResult(2, 1, stored(9), 1).lost).toBeUndefined();
    expect(window.onResult(1, 1, stored(10), 1).lost).toBeUndefined();
  });

  test("nor by the late reply to an attempt that was given up before", () => {
    const window = sentWindow(2);
    window.onResult(2, 1, stored(9), 1);
    const nowMs = waitOut(window, replyTimeoutMs + (window.onTimer(replyTimeoutMs).resend ? 0 : 1));
    window.sent(10, nowMs);
    expect(window.onResult(1, 1, stored(8), nowMs).lost).toBeUndefined();
  });
});

describe("the window", () => {
  test("R3: frames are numbered 1, 2, 3 … in the first attempt", () => {
    const window = openWindow();
    expect([window.sent(10, 0), window.sent(10, 0)]).toEqual([
      { tag: 1, attempt: 1 },
      { tag: 2, attempt: 1 },
    ]);
  });

  test("R3: as many frames as allowed are in flight, and an ack makes room for one", () => {
    const window = sentWindow(4);
    expect(window.canSend(10)).toBe(false);
    expect(window.onResult(1, 1, stored(7), 1)).toEqual({ acknowledged: 1, resend: false });
    expect(window.canSend(10)).toBe(true);
    expect(window.sent(10, 1)).toEqual({ tag: 5, attempt: 1 });
    expect(window.canSend(10)).toBe(false);
  });

  test("R3: bytes in flight are bounded, to the byte", () => {
    const window = openWindow();
    window.sent(600, 0);
    expect(window.canSend(400)).toBe(true);
    expect(window.canSend(401)).toBe(false);
    window.onResult(1, 1, stored(1), 0);
    expect(window.canSend(401)).toBe(true);
  });

  test("R3: a frame larger than the window goes alone", () => {
    const window = openWindow();
    window.sent(10, 0);
    expect(window.canSend(5_000)).toBe(false);
    window.onResult(1, 1, stored(1), 0);
    expect(window.canSend(5_000)).toBe(true);
    window.sent(5_000, 0);
    expect(window.canSend(1)).toBe(false);
  });

  test("a frame sent into a closed window, or again with other bytes, is a defect", () => {
    const window = sentWindow(4);
    expect(() => window.sent(10, 0)).toThrow("closed window");
    window.onResult(1, 1, full, 0);
    waitOut(window, 0);
    expect(() => window.sent(11, 50)).toThrow("other bytes");
  });
});

describe("acks", () => {
  test("R3: acks that come out of order count in order, together", () => {
    const window = sentWindow(3);
    expect(window.onResult(3, 1, stored(12), 1)).toEqual(nothing);
    expect(window.onResult(2, 1, stored(11), 1)).toEqual(nothing);
    expect(window.onResult(1, 1, stored(10), 1)).toEqual({ acknowledged: 3, resend: false });
  });

  test("R3: a frame stored before its predecessor is not acknowledged, and is sent again at once", () => {
    const window = sentWindow(2);
    expect(window.onResult(2, 1, stored(10), 1)).toEqual(nothing);
    expect(window.onResult(1, 1, stored(11), 1)).toEqual({ acknowledged: 1, resend: true });
    waitOut(window, 1);
    expect(window.sent(10, 51)).toEqual({ tag: 2, attempt: 2 });
    expect(window.onResult(2, 2, stored(12), 52)).toEqual({ acknowledged: 1, resend: false });
  });

  test("R3: a sequence equal to the predecessor's is not greater", () => {
    const window = sentWindow(2);
    window.onResult(2, 1, stored(10), 1);
    expect(window.onResult(1, 1, stored(10), 1)).toEqual({ acknowledged: 1, resend: true });
  });

  test("R3: a frame refused in the middle is not passed over: its successors, though stored, are sent again after it", () => {
    const window = sentWindow(3);
    expect(window.onResult(1, 1, stored(10), 1)).toEqual({ acknowledged: 1, resend: false });
    expect(window.onResult(2, 1, full, 1)).toEqual({ acknowledged: 0, resend: true });
    expect(window.onResult(3, 1, stored(11), 1)).toEqual(nothing);
    waitOut(window, 1);
    expect(window.sent(10, 51)).toEqual({ tag: 2, attempt: 2 });
    expect(window.onResult(2, 2, stored(12), 52)).toEqual({ acknowledged: 1, resend: false });
    expect(window.sent(10, 52)).toEqual({ tag: 3, attempt: 2 });
    expect(window.onResult(3, 2, stored(13), 53)).toEqual({ acknowledged: 1, resend: false });
  });

  test("R3: a late ack of an earlier attempt counts, when it is in order", () => {
    const window = sentWindow(2);
    window.onTimer(replyTimeoutMs);
    expect(window.onResult(1, 1, stored(10), replyTimeoutMs + 1)).toEqual({ acknowledged: 1, resend: false });
    expect(window.onResult(2, 1, stored(11), replyTimeoutMs + 1)).toEqual({ acknowledged: 1, resend: false });
    waitOut(window, replyTimeoutMs + 1);
    expect(window.sent(10, 3_000)).toEqual({ tag: 3, attempt: 2 });
  });

  test("R3: of several sequences the smallest above the predecessor's counts, so that the successor's may be above it", () => {
    const window = sentWindow(3);
    window.onTimer(replyTimeoutMs);
    window.onResult(2, 1, stored(13), replyTimeoutMs);
    window.onResult(2, 1, stored(9), replyTimeoutMs);
    window.onResult(2, 1, stored(11), replyTimeoutMs);
    window.onResult(3, 1, stored(12), replyTimeoutMs);
    expect(window.onResult(1, 1, stored(10), replyTimeoutMs)).toEqual({ acknowledged: 3, resend: false });
  });

  test("R3: a late ack that is out of order does not send again what has just been sent again", () => {
    const window = sentWindow(2);
    window.onTimer(replyTimeoutMs);
    const nowMs = waitOut(window, replyTimeoutMs);
    window.sent(10, nowMs);
    window.onResult(1, 2, stored(20), nowMs);
    window.sent(10, nowMs);
    expect(window.onResult(2, 1, stored(11), nowMs)).toEqual(nothing);
    expect(window.onResult(2, 2, stored(21), nowMs)).toEqual({ acknowledged: 1, resend: false });
  });

  test("R3: a frame that was stored out of order and is sent again is waited for like any other", () => {
    const window = sentWindow(3);
    window.onResult(2, 1, stored(10), 1);
    expect(window.onResult(1, 1, stored(11), 1)).toEqual({ acknowledged: 1, resend: true });
    const nowMs = waitOut(window, 1);
    window.sent(10, nowMs);
    expect(window.onResult(3, 1, stored(12), nowMs)).toEqual(nothing);
  });

  test("R3: a late ack moves the window past a frame that is being sent again", () => {
    const window = sentWindow(3);
    window.onTimer(replyTimeoutMs);
    const nowMs = waitOut(window, replyTimeoutMs);
    expect(window.sent(10, nowMs)).toEqual({ tag: 1, attempt: 2 });
    window.onResult(2, 1, stored(11), nowMs);
    expect(window.onResult(1, 1, stored(10), nowMs)).toEqual({ acknowledged: 2, resend: false });
    expect(window.canSend(10)).toBe(true);
    expect(window.sent(10, nowMs)).toEqual({ tag: 3, attempt: 2 });
    expect(window.onResult(1, 2, stored(13), nowMs)).toEqual(nothing);
    expect(window.onResult(3, 2, stored(14), nowMs)).toEqual({ acknowledged: 1, resend: false });
  });

  test("an answer to a frame that is acknowledged already, or was never sent, changes nothing", () => {
    const window = sentWindow(1);
    window.onResult(1, 1, stored(10), 1);
    expect(window.onResult(1, 1, stored(11), 1)).toEqual(nothing);
    expect(window.onResult(9, 1, stored(12), 1)).toEqual(nothing);
  });
});

describe("beginning again", () => {
  for (const [name, result] of [
    ["refusal", full],
    ["error", failed],
  ] as const) {
    test(`R3: a ${name} stops the window at once and sends everything from the oldest frame again`, () => {
      const window = sentWindow(3);
      expect(window.canSend(10)).toBe(true);
      expect(window.onResult(2, 1, result, 5)).toEqual({ acknowledged: 0, resend: true });
      expect(window.canSend(10)).toBe(false);
      expect(window.waitMs(5)).toBe(backoffMsMin);
      expect(window.onTimer(5 + backoffMsMin - 1)).toEqual(nothing);
      expect(window.canSend(10)).toBe(false);
      expect(window.onTimer(5 + backoffMsMin)).toEqual(nothing);
      expect(window.sent(10, 55)).toEqual({ tag: 1, attempt: 2 });
      expect(window.waitMs(55)).toBe(replyTimeoutMs);
    });
  }

  test("R3: the other refusals of an attempt do not make it begin again again", () => {
    const window = sentWindow(4);
    window.onResult(1, 1, full, 5);
    for (const tag of [2, 3, 4]) expect(window.onResult(tag, 1, full, 6)).toEqual(nothing);
    expect(window.waitMs(6)).toBe(backoffMsMin - 1);
  });

  test("R3: one frame is sent as a probe; its ack opens the window", () => {
    const window = sentWindow(4);
    window.onResult(1, 1, full, 0);
    const nowMs = waitOut(window, 0);
    window.sent(10, nowMs);
    expect(window.canSend(10)).toBe(false);
    window.onResult(1, 2, stored(20), nowMs);
    const tags = [];
    while (window.canSend(10)) tags.push(window.sent(10, nowMs).tag);
    expect(tags).toEqual([2, 3, 4, 5]);
  });

  test("R3: what was in flight before takes up no bytes afterwards", () => {
    const window = openWindow();
    window.sent(600, 0);
    window.onResult(1, 1, full, 0);
    const nowMs = waitOut(window, 0);
    window.sent(600, nowMs);
    window.onResult(1, 2, stored(10), nowMs);
    window.sent(10, nowMs);
    expect(window.canSend(990)).toBe(true);
  });

  test("R3: a late ack of an earlier attempt does not open the window", () => {
    const window = sentWindow(4);
    window.onResult(2, 1, full, 0);
    expect(window.onResult(1, 1, stored(10), 1)).toEqual({ acknowledged: 1, resend: false });
    expect(window.canSend(10)).toBe(false);
    const nowMs = waitOut(window, 1);
    window.sent(10, nowMs);
    expect(window.canSend(10)).toBe(false);
  });

  test("R3: the back-off doubles up to its maximum, for ever, and begins small again after an ack", () => {
    const window = sentWindow(1);
    const waits: number[] = [];
    let nowMs = 0;
    for (let attempt = 1; attempt <= 8; attempt += 1) {
      expect(window.onResult(1, attempt, full, nowMs)).toEqual({ acknowledged: 0, resend: true });
      waits.push(window.waitMs(nowMs) ?? 0);
      nowMs = waitOut(window, nowMs);
      window.sent(10, nowMs);
    }
    expect(waits).toEqual([50, 100, 200, 400, 800, backoffMsMax, backoffMsMax, backoffMsMax]);
    window.onResult(1, 9, stored(10), nowMs);
    window.sent(10, nowMs);
    window.onResult(2, 9, full, nowMs);
    expect(window.waitMs(nowMs)).toBe(backoffMsMin);
  });

  test("R3: the timeout is that of the oldest frame in flight", () => {
    const window = openWindow();
    window.sent(10, 100);
    window.sent(10, 600);
    expect(window.waitMs(700)).toBe(replyTimeoutMs - 600);
    expect(window.onTimer(100 + replyTimeoutMs - 1)).toEqual(nothing);
    window.onResult(1, 1, stored(10), 900);
    expect(window.waitMs(900)).toBe(replyTimeoutMs - 300);
    expect(window.onTimer(600 + replyTimeoutMs)).toEqual({ acknowledged: 0, resend: true });
    expect(window.waitMs(9_000)).toBe(0);
  });

  test("R3: an ack of a later frame does not keep the oldest one from timing out", () => {
    const window = sentWindow(2);
    window.onResult(2, 1, stored(11), 1_999);
    expect(window.onTimer(replyTimeoutMs)).toEqual({ acknowledged: 0, resend: true });
  });

  test("there is no timer when nothing is in flight", () => {
    const window = openWindow();
    expect(window.waitMs(0)).toBeUndefined();
    expect(window.onTimer(10_000)).toEqual(nothing);
  });

  test("R3: while disconnected nothing is sent and nothing times out; after the reconnect everything is sent again", () => {
    const window = sentWindow(2);
    expect(window.onLink("disconnected", 10)).toEqual(nothing);
    expect(window.canSend(10)).toBe(false);
    expect(window.waitMs(10)).toBeUndefined();
    expect(window.onTimer(60_000)).toEqual(nothing);
    expect(window.onLink("reconnected", 60_000)).toEqual({ acknowledged: 0, resend: true });
    const nowMs = waitOut(window, 60_000);
    expect(nowMs).toBe(60_000 + backoffMsMin);
    expect(window.sent(10, nowMs)).toEqual({ tag: 1, attempt: 2 });
  });

  test("R3: a reconnect that was not announced has lost the replies all the same", () => {
    expect(sentWindow(1).onLink("reconnected", 10)).toEqual({ acknowledged: 0, resend: true });
  });

  test("a reconnect with nothing in flight opens the window where it was", () => {
    const window = openWindow();
    window.onLink("disconnected", 10);
    expect(window.onLink("reconnected", 20)).toEqual(nothing);
    expect(window.sent(10, 20)).toEqual({ tag: 1, attempt: 1 });
  });

  test("a back-off goes on across a disconnect", () => {
    const window = sentWindow(1);
    window.onResult(1, 1, failed, 0);
    window.onLink("disconnected", 10);
    expect(window.onLink("reconnected", 20)).toEqual(nothing);
    expect(window.canSend(10)).toBe(false);
    expect(window.waitMs(20)).toBe(backoffMsMin - 20);
  });
});
