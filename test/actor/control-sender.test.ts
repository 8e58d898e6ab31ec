/** Controls on their way into inboxes: fences that are never skipped, watermarks of which only the newest matters. */
import { beforeEach, describe, expect, test } from "vitest";
import { ControlSender } from "../../framework/actor/control-sender.ts";
import type { Log } from "../../framework/log/contracts.ts";
import { encodeControl } from "../../framework/record/frame.ts";
import { decodeMessage } from "../../framework/record/frame.ts";
import type { WatermarkControl } from "../../framework/record/messages.ts";
import { Rig, ScriptedLog } from "./rig.ts";

const fence = encodeControl({ kind: "epochStart", instance: { stage: 0, partition: 0 }, epoch: 3, floors: [] });

function watermark(value: number, edge = 0): WatermarkControl {
  return { kind: "watermark", edge, leader: 1, n: 1, upto: 1, watermark: value, isIdle: false };
}

let rig: Rig;
let log: ScriptedLog;
let sender: ControlSender;
let lost: string[];

function senderInto(inbox: Log): ControlSender {
  return new ControlSender(rig.platform, {
    replicas: 1,
    openInbox: () => Promise.resolve(inbox),
    onLost: ({ code, message }) => void lost.push(`${code}: ${message}`),
  });
}

beforeEach(async () => {
  rig = new Rig();
  log = new ScriptedLog();
  lost = [];
  sender = senderInto(log);
  await turn();
});

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** The watermarks that the log has been given. */
function watermarks(): number[] {
  return log.asked.flatMap(({ payload }) => {
    const message = decodeMessage(payload);
    return message.kind === "watermark" ? [message.watermark] : [];
  });
}

describe("watermarks", () => {
  test("while one is on its way only the newest of the others is kept", async () => {
    for (const value of [10, 20, 30, 40]) sender.watermark(1, 0, watermark(value));
    await turn();
    expect(watermarks()).toEqual([10]);
    log.store(0, 1);
    await turn();
    expect(watermarks()).toEqual([10, 40]);
  });

  test("each edge has a slot of its own", async () => {
    sender.watermark(1, 0, watermark(10, 0));
    sender.watermark(1, 0, watermark(99, 1));
    await turn();
    log.store(0, 1);
    await turn();
    expect(watermarks()).toEqual([10, 99]);
  });

  test("a control that is stored is not sent again; one that is said again is", async () => {
    const control = watermark(10);
    sender.watermark(1, 0, control);
    await turn();
    log.store(0, 1);
    await turn();
    expect(watermarks()).toEqual([10]);
    sender.watermark(1, 0, { ...control, upto: 5 });
    await turn();
    expect(watermarks()).toEqual([10, 10]);
  });

  test("who publishes is told when that control or a newer one is stored, never by an older one", async () => {
    const told: number[] = [];
    for (const value of [10, 20, 30]) sender.watermark(1, 0, watermark(value), () => told.push(value));
    await turn();
    log.store(0, 1);
    await turn();
    expect(told).toEqual([10]);
    log.store(1, 2);
    await turn();
    expect(told).toEqual([10, 20, 30]);
  });

  test("R13: at most 64 lie unread before the receiver; what it reports makes room, and the newest goes", async () => {
    for (let value = 1; value <= 100; value += 1) {
      sender.watermark(1, 0, watermark(value));
      await turn();
      if (log.asked.length === value) log.store(value - 1, value);
      await turn();
    }
    expect(watermarks()).toHaveLength(64);
    sender.reported({ stage: 1, partition: 0 }, 10);
    await turn();
    expect(watermarks().at(-1)).toBe(100);
    expect(watermarks()).toHaveLength(65);
  });
});

describe("fences", () => {
  test("resolve when they are stored", async () => {
    let isStored = false;
    void sender.append(1, 0, fence).then(() => (isStored = true));
    await turn();
    expect(isStored).toBe(false);
    log.store(0, 1);
    await turn();
    expect(isStored).toBe(true);
  });

  test("R13: an inbox without room for a fence is made larger, and the fence goes in", async () => {
    const inbox: Log = await rig.log("inbox", 100);
    const sending = senderInto(inbox);
    const filler = inbox.appender(
      () => undefined,
      () => undefined,
    );
    for (let count = 0; count < 10; count += 1) filler.append(new Uint8Array(20), count, 1);
    await rig.clock.settle();
    await rig.result(sending.append(1, 0, fence));
    const { config, last } = await rig.result(inbox.info());
    expect(config.maxBytes).toBe(100 + 1024 * 1024);
    const stored = await rig.result(inbox.get(last));
    expect(decodeMessage(stored?.payload ?? new Uint8Array(0))).toMatchObject({ kind: "epochStart", epoch: 3 });
  });

  test("R13: a fence behind a watermark that is refused makes the room for both", async () => {
    const inbox: Log = await rig.log("inbox", 10);
    const sending = senderInto(inbox);
    sending.watermark(1, 0, watermark(7));
    await rig.result(sending.append(1, 0, fence));
    const { config, last } = await rig.result(inbox.info());
    expect(config.maxBytes).toBe(10 + 1024 * 1024);
    expect(last).toBe(2);
  });
});

test("a closed sender says nothing more", async () => {
  sender.watermark(1, 0, watermark(1));
  await turn();
  sender.close();
  await turn();
  sender.watermark(1, 0, watermark(2));
  log.store(0, 1);
  await turn();
  expect(watermarks()).toEqual([1]);
});

describe("R8: an inbox that has lost its last messages, found out when the link to it is back", () => {
  /** Everything that the log has been given, by kind. */
  const kinds = (): string[] => log.asked.map(({ payload }) => decodeMessage(payload).kind);

  async function stored(sending: Promise<unknown> | void): Promise<void> {
    await turn();
    log.store(log.asked.length - 1, log.asked.length);
    await sending;
    await turn();
  }

  async function reconnected(): Promise<void> {
    log.link("disconnected");
    log.link("reconnected");
    await rig.pass(1_000);
    await turn();
    for (let sent = -1; sent !== log.asked.length; await turn()) {
      sent = log.asked.length;
      log.store(sent - 1, 100 + sent);
    }
  }

  test("is told again what can be told again: fences, ticks, and the newest watermark of each edge", async () => {
    await stored(sender.append(1, 0, fence, "records/0"));
    await stored(sender.append(1, 0, encodeControl({ kind: "tick" }), "tick"));
    await stored(sender.watermark(1, 0, watermark(10)));
    await stored(sender.watermark(1, 0, watermark(20)));
    log.stored.clear();
    await reconnected();
    expect(kinds().slice(4)).toEqual(["epochStart", "tick", "watermark"]);
    expect(watermarks()).toEqual([10, 20, 20]);
    expect(lost).toEqual([]);
  });

  test("has lost data, when it was told something that nobody says twice", async () => {
    await stored(sender.append(1, 0, encodeControl({ kind: "tick" })));
    await stored(sender.append(1, 0, fence, "records/0"));
    log.stored.clear();
    await reconnected();
    expect(lost).toEqual([
      "DATA_LOST: scripted: what it has acknowledged at sequence 1 is not there: the log has lost its last messages",
    ]);
  });

  test("one that still has its last message has lost nothing: nothing is told again", async () => {
    await stored(sender.append(1, 0, encodeControl({ kind: "tick" })));
    await stored(sender.append(1, 0, fence, "records/0"));
    await reconnected();
    expect(kinds()).toEqual(["tick", "epochStart"]);
    expect(lost).toEqual([]);
  });
});
