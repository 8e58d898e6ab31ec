/** A lane into one log: when it sends, what it sends again, and when it waits. */
import { beforeEach, describe, expect, test } from "vitest";
import { ChannelOut } from "../../framework/actor/channel-out.ts";
import { FlightBudget } from "../../framework/actor/flight-budget.ts";
import { Lane, type LaneOptions } from "../../framework/actor/lane.ts";
import { StreamError } from "../../framework/errors.ts";
import { backoffMsMin, replyTimeoutMs } from "../../framework/protocol/lane.ts";
import { decodeMessage } from "../../framework/record/frame.ts";
import { Rig, ScriptedLog } from "./rig.ts";

const options: LaneOptions = {
  frameBytesTarget: 1_000,
  frameBytesMax: 8_000,
  lingerMs: 5,
  framesMax: 4,
  laneBytesMax: 20_000,
  dataBytesMax: 1_000_000,
  replicas: 1,
};

let rig: Rig;
let log: ScriptedLog;
let progress: number;
let resent: number[];
let lost: string[];
let ordinal: number;

const onProgress = () => void (progress += 1);

beforeEach(() => {
  rig = new Rig();
  log = new ScriptedLog();
  progress = 0;
  resent = [];
  lost = [];
  ordinal = 0;
});

async function open(changed: Partial<LaneOptions> = {}, lanes = 1): Promise<Lane> {
  const lane = new Lane(
    rig.platform,
    Promise.resolve(log),
    { ...options, ...changed },
    {
      lanesInto: () => lanes,
      onResend: (frames) => void resent.push(frames),
      onLost: ({ message }) => void lost.push(message),
    },
  );
  lane.join(onProgress);
  await settled();
  return lane;
}

/** Lets what is due happen, and no time pass. */
async function settled(): Promise<void> {
  await rig.pass(0);
  await new Promise((resolve) => setImmediate(resolve));
}

function channel(lane: Lane, from = 0): ChannelOut {
  return new ChannelOut({ edge: 0, from, to: 0, epoch: 1 }, { last: 0, check: 0 }, undefined, lane);
}

async function say(lane: Lane, out: ChannelOut, ...values: unknown[]): Promise<void> {
  for (const value of values) out.add(value, 0, 0, (ordinal += 1));
  lane.offer();
  await new Promise((resolve) => setImmediate(resolve));
}

/** What an append carried, as (instance, values) per section. */
function said(index: number): unknown[] {
  const message = decodeMessage(log.asked[index]?.payload ?? new Uint8Array(0));
  return message.kind === "frame"
    ? message.sections.map((section) => [section.from, ...section.decode(undefined).values])
    : [];
}

test("R13: sections that would make a frame too large go into two", async () => {
  const lane = await open({ frameBytesMax: 1_500 });
  const [a, b] = [channel(lane, 0), channel(lane, 1)];
  for (let count = 0; count < 7; count += 1) a.add("?".repeat(100), 0, 0, (ordinal += 1));
  for (let count = 0; count < 8; count += 1) b.add("!".repeat(100), 0, 0, (ordinal += 1));
  lane.offer();
  await settled();
  await rig.pass(options.lingerMs);
  expect(log.asked.length).toBeGreaterThan(1);
  for (const { payload } of log.asked) expect(payload.byteLength).toBeLessThan(1_500);
});

describe("self-clocking", () => {
  test("with nothing outstanding a lane sends at once", async () => {
    const lane = await open();
    await say(lane, channel(lane), "a");
    expect(log.asked).toHaveLength(1);
    expect(said(0)).toEqual([[0, "a"]]);
  });

  test("otherwise it collects until the next ack, and merges all instances into one frame", async () => {
    const lane = await open();
    const [first, second] = [channel(lane, 0), channel(lane, 1)];
    await say(lane, first, "a");
    await say(lane, first, "b");
    await say(lane, second, "c");
    await say(lane, first, "d");
    expect(log.asked).toHaveLength(1);
    log.store(0, 1);
    expect(log.asked).toHaveLength(2);
    expect(said(1)).toEqual([
      [0, "b", "d"],
      [1, "c"],
    ]);
  });

  test("or until the oldest record has waited for the linger time", async () => {
    const lane = await open();
    const out = channel(lane);
    await say(lane, out, "a");
    await say(lane, out, "b");
    await rig.pass(4);
    expect(log.asked).toHaveLength(1);
    await rig.pass(1);
    expect(log.asked).toHaveLength(2);
    expect(said(1)).toEqual([[0, "b"]]);
  });

  test("or until the frame is full", async () => {
    const lane = await open();
    const out = channel(lane);
    await say(lane, out, "a");
    await say(lane, out, "x".repeat(1_100));
    expect(log.asked).toHaveLength(2);
  });

  test("what is said before the log has been opened is sent when it is", async () => {
    const opening = Promise.withResolvers<ScriptedLog>();
    const events = {
      lanesInto: () => 1,
      onResend: () => undefined,
      onLost: () => undefined,
    };
    const lane = new Lane(rig.platform, opening.promise, options, events);
    await say(lane, channel(lane), "a");
    expect(log.asked).toHaveLength(0);
    opening.resolve(log);
    await settled();
    await settled();
    expect(log.asked).toHaveLength(1);
  });
});

describe("R3: go-back-N", () => {
  async function threeInFlight(): Promise<{ lane: Lane; out: ChannelOut }> {
    const lane = await open({ frameBytesTarget: 1 });
    const out = channel(lane);
    await say(lane, out, "a");
    await say(lane, out, "b");
    await say(lane, out, "c");
    expect(log.tags(3)).toEqual([1, 2, 3]);
    return { lane, out };
  }

  test("acks in order acknowledge the channel's records, oldest first", async () => {
    const { lane, out } = await threeInFlight();
    expect(out.firstUnacknowledged).toBe(1);
    log.store(0, 10);
    expect(out.firstUnacknowledged).toBe(2);
    log.store(1, 11);
    log.store(2, 12);
    expect(out.firstUnacknowledged).toBe(Infinity);
    expect(lane.bytes).toBe(0);
    expect(progress).toBe(3);
    lane.leave(onProgress);
    await say(lane, out, "d");
    log.store(3, 13);
    expect(progress).toBe(3);
  });

  test("those who speak into it are told in turn: whoever is first may take the room", async () => {
    const { lane } = await threeInFlight();
    const told: string[] = [];
    for (const name of ["a", "b"]) lane.join(() => void told.push(name));
    for (const at of [0, 1, 2]) {
      log.store(at, 10 + at);
      told.push("/");
    }
    expect(told.join("")).toBe("ab/ab/ba/");
    expect(progress).toBe(3);
  });

  test("an ack that overtakes counts only when the one before it has come", async () => {
    const { out } = await threeInFlight();
    log.store(1, 11);
    expect(out.firstUnacknowledged).toBe(1);
    log.store(0, 10);
    expect(out.firstUnacknowledged).toBe(3);
  });

  test("a frame stored before its predecessor is sent again, with everything after it", async () => {
    const { out } = await threeInFlight();
    log.store(0, 12);
    log.store(1, 11);
    log.store(2, 13);
    expect(out.firstUnacknowledged).toBe(2);
    expect(resent).toEqual([2]);
    await rig.pass(backoffMsMin);
    expect(log.asked.at(-1)?.tag).toBe(2);
    expect(said(log.asked.length - 1)).toEqual([[0, "b"]]);
  });

  test("a refusal stops the window; after the back-off one frame probes, then the rest follows, in order and with a new attempt", async () => {
    const { out } = await threeInFlight();
    log.answer(log.asked[0], { kind: "full" });
    log.answer(log.asked[1], { kind: "full" });
    expect(log.asked).toHaveLength(3);
    await rig.pass(backoffMsMin);
    expect(log.asked.slice(3)).toMatchObject([{ tag: 1 }]);
    expect(log.asked[3]?.attempt).toBeGreaterThan(log.asked[0]?.attempt ?? 0);
    log.store(3, 20);
    expect(log.tags(2)).toEqual([2, 3]);
    log.store(4, 21);
    log.store(5, 22);
    expect(out.firstUnacknowledged).toBe(Infinity);
  });

  test("a lost reply: after the timeout of the oldest frame everything is sent again, for ever", async () => {
    await threeInFlight();
    await rig.pass(replyTimeoutMs + backoffMsMin + 1);
    expect(log.asked.at(-1)?.tag).toBe(1);
    const before = log.asked.length;
    await rig.pass(60_000);
    expect(log.asked.length).toBeGreaterThan(before + 10);
    expect(new Set(log.asked.slice(before).map(({ tag }) => tag))).toEqual(new Set([1]));
  });

  test("while disconnected nothing is sent; after a reconnect everything is sent again", async () => {
    const { lane, out } = await threeInFlight();
    log.link("disconnected");
    await say(lane, out, "d");
    await rig.pass(10_000);
    expect(log.asked).toHaveLength(3);
    log.link("reconnected");
    await rig.pass(backoffMsMin);
    expect(log.asked.at(-1)?.tag).toBe(1);
    log.store(log.asked.length - 1, 30);
    await settled();
    expect(log.tags(3)).toEqual([2, 3, 4]);
  });

  test("a closed lane sends nothing and hears nothing", async () => {
    const { lane, out } = await threeInFlight();
    lane.close();
    log.store(0, 10);
    await rig.pass(60_000);
    expect(log.asked).toHaveLength(3);
    expect(out.firstUnacknowledged).toBe(1);
  });
});

describe("R8: when the link is back, the last frame acknowledged must still be there", () => {
  const lostMessage =
    "scripted: what it has acknowledged at sequence 7 is not there: the log has lost its last messages";

  async function acknowledgedAt7(replicas = 1): Promise<Lane> {
    const lane = await open({ replicas });
    await say(lane, channel(lane), "a");
    log.store(0, 7);
    log.link("disconnected");
    return lane;
  }

  async function reconnected(): Promise<void> {
    log.link("reconnected");
    await settled();
    await rig.pass(30_000);
  }

  test("it is: nothing is said", async () => {
    await acknowledgedAt7();
    await reconnected();
    expect(lost).toEqual([]);
  });

  test("it has been trimmed by whoever has read it: nothing is said", async () => {
    await acknowledgedAt7();
    log.stored.clear();
    log.first = 8;
    await reconnected();
    expect(lost).toEqual([]);
  });

  test("it is gone: the lane says so and stops, though nobody has anything more to send", async () => {
    const lane = await acknowledgedAt7();
    log.stored.clear();
    await reconnected();
    expect(lost).toEqual([lostMessage]);
    await say(lane, channel(lane), "b");
    expect(log.asked).toHaveLength(1);
  });

  test("somebody else's message is in its place", async () => {
    await acknowledgedAt7();
    log.stored.set(7, Uint8Array.of(1, 2, 3));
    await reconnected();
    expect(lost).toEqual([lostMessage]);
  });

  test("several copies that show it after a while have lost nothing; those that do not within 10 s have", async () => {
    await acknowledgedAt7(3);
    const payload = log.stored.get(7) ?? new Uint8Array(0);
    log.stored.clear();
    log.link("reconnected");
    await settled();
    await rig.pass(8_000);
    expect(lost).toEqual([]);
    log.stored.set(7, payload);
    await rig.pass(30_000);
    expect(lost).toEqual([]);
    log.stored.clear();
    await reconnected();
    expect(lost).toEqual([lostMessage]);
  });

  test("a lane that is closed meanwhile says nothing", async () => {
    const lane = await acknowledgedAt7(3);
    log.stored.clear();
    log.link("reconnected");
    await settled();
    lane.close();
    await rig.pass(30_000);
    expect(lost).toEqual([]);
  });
});

test("R8: a log that gives a sequence away again has lost its tail: the lane says so and stops", async () => {
  const lane = await open({ frameBytesTarget: 1 });
  const out = channel(lane);
  await say(lane, out, "a");
  log.store(0, 10);
  await say(lane, out, "b");
  log.store(1, 9);
  await say(lane, out, "c");
  await rig.pass(60_000);
  expect(lost).toEqual([
    "scripted: a message sent after sequence 10 was acknowledged is at 9: the log has lost its last messages",
  ]);
  expect(log.asked).toHaveLength(2);
  expect(out.firstUnacknowledged).toBe(2);
});

describe("R13: room", () => {
  test("between two looks a lane sends at most half of its share of the room", async () => {
    log.bytes = 900_000;
    const lane = await open({ framesMax: 1_000, frameBytesTarget: 1, laneBytesMax: 1_000_000 }, 2);
    const out = channel(lane);
    await say(lane, out, "x".repeat(1_000));
    log.bytes = options.dataBytesMax;
    for (let count = 0; count < 40; count += 1) await say(lane, out, "x".repeat(1_000));
    const sent = log.asked.reduce((sum, { payload }) => sum + payload.byteLength, 0);
    expect(sent).toBeLessThanOrEqual((1_000_000 - 900_000) / (2 * 2));
    expect(sent).toBeGreaterThan(20_000);
  });

  test("a log without room is looked at again and again, and nothing is sent until there is some", async () => {
    log.bytes = 1_000_000;
    const lane = await open();
    await say(lane, channel(lane), "a");
    await rig.pass(1_000);
    expect(log.asked).toHaveLength(0);
    expect(log.looks).toBeGreaterThan(5);
    log.bytes = 0;
    await rig.pass(100);
    expect(log.asked).toHaveLength(1);
  });

  test("a frame larger than its share goes after a while, when the log has room for it", async () => {
    log.bytes = 900_000;
    const lane = await open({ laneBytesMax: 1_000_000 }, 20);
    await say(lane, channel(lane), "x".repeat(50_000));
    await rig.pass(150);
    expect(log.asked).toHaveLength(0);
    await rig.pass(200);
    expect(log.asked).toHaveLength(1);
  });

  test("it looks again after a second, and when its share is used up", async () => {
    const lane = await open({ frameBytesTarget: 1 });
    const out = channel(lane);
    await say(lane, out, "a");
    expect(log.looks).toBe(1);
    log.store(0, 1);
    await say(lane, out, "b");
    expect(log.looks).toBe(1);
    log.store(1, 2);
    await rig.pass(1_001);
    await say(lane, out, "c");
    expect(log.looks).toBe(2);
  });

  test("a log that cannot be looked at is tried again", async () => {
    log.bytes = undefined;
    const lane = await open();
    await say(lane, channel(lane), "a");
    expect(log.asked).toHaveLength(0);
    log.bytes = 0;
    await rig.pass(100);
    expect(log.asked).toHaveLength(1);
  });

  describe("a lane whose speakers do not wait for room says when its log fills, so that whoever feeds them may", () => {
    const filling = { aboveBytes: 100_000, untilBytes: 75_000 };
    const changed = { framesMax: 1_000, frameBytesTarget: 1, laneBytesMax: 1_000_000, filling };

    test("it looks as soon as the log may hold so much, if the other lanes have sent as much as this one", async () => {
      log.bytes = 50_000;
      const lane = await open(changed, 4);
      const out = channel(lane);
      await say(lane, out, "a");
      await say(lane, out, "x".repeat(10_000));
      expect(log.looks).toBe(1);
      log.bytes = 100_001;
      await say(lane, out, "x".repeat(10_000));
      await say(lane, out, "x");
      expect(log.looks).toBe(2);
      expect(lane.isFilling).toBe(true);
      expect(progress).toBe(1);
    });

    test("then it looks again and again, though nothing is said, until it holds no more than it may at rest; and says so", async () => {
      log.bytes = 100_001;
      const lane = await open(changed);
      await say(lane, channel(lane), "a");
      expect(lane.isFilling).toBe(true);
      log.bytes = 75_001;
      await rig.pass(200);
      expect(lane.isFilling).toBe(true);
      expect(progress).toBe(1);
      log.bytes = 75_000;
      await rig.pass(60);
      expect(lane.isFilling).toBe(false);
      expect(progress).toBe(2);
      const { looks } = log;
      await rig.pass(500);
      expect(log.looks).toBe(looks);
    });

    test("of any other lane nobody asks", async () => {
      log.bytes = 900_000;
      const lane = await open();
      await say(lane, channel(lane), "a");
      expect(lane.isFilling).toBe(false);
    });
  });

  test("a lane has no room above its bound, and has some again when acks have come", async () => {
    const lane = await open({ laneBytesMax: 5_000 });
    const out = channel(lane);
    await say(lane, out, "x".repeat(3_000));
    expect(lane.hasRoom).toBe(true);
    await say(lane, out, "x".repeat(3_000));
    expect(lane.hasRoom).toBe(false);
    log.store(0, 1);
    expect(lane.hasRoom).toBe(true);
  });
});

test("an incarnation that is gone leaves nothing behind that was not in a frame", async () => {
  const lane = await open();
  const [dead, alive] = [channel(lane, 0), channel(lane, 1)];
  await say(lane, dead, "in a frame");
  await say(lane, dead, "not in a frame");
  await say(lane, alive, "lives");
  lane.forget(dead);
  log.store(0, 1);
  expect(said(1)).toEqual([[1, "lives"]]);
  log.store(1, 2);
  expect(lane.bytes).toBe(0);
});

test("R3: what a worker has in flight is bounded over all its lanes; an ack in one lets another send", async () => {
  const flight = new FlightBudget(1_500);
  const first = await open({ flight });
  const other = new ScriptedLog();
  const events = {
    lanesInto: () => 1,
    onResend: () => undefined,
    onLost: () => undefined,
  };
  const second = new Lane(rig.platform, Promise.resolve(other), { ...options, flight }, events);
  await settled();
  await say(first, channel(first), "x".repeat(1_000));
  await say(second, channel(second), "y".repeat(1_000));
  expect([log.asked.length, other.asked.length]).toEqual([1, 0]);
  log.store(0, 1);
  await settled();
  expect(other.asked).toHaveLength(1);
  second.close();
  expect(flight.bytes).toBe(0);
});

test("A3: a log that is gone for good stops the lane, not the worker", async () => {
  const gone = Promise.reject(new StreamError("NOT_FOUND", "no such log"));
  const events = {
    lanesInto: () => 1,
    onResend: () => undefined,
    onLost: () => undefined,
  };
  const lane = new Lane(rig.platform, gone, options, events);
  await say(lane, channel(lane), "a");
  await settled();
  log.info = () => Promise.reject(new StreamError("NOT_FOUND", "no such log"));
  const other = await open();
  await say(other, channel(other), "a");
  await settled();
  expect(log.asked).toEqual([]);
});
