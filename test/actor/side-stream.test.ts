/** Reading the dead-letter and late streams: each record once, whatever crashes have repeated. */
import { beforeEach, expect, test } from "vitest";
import { ChannelOut } from "../../framework/actor/channel-out.ts";
import { followSideStream, type SideRecord } from "../../framework/actor/side-stream.ts";
import type { Log } from "../../framework/log/contracts.ts";
import { embeddedDefaults } from "../../framework/plan/options.ts";
import type { Plan } from "../../framework/plan/plan.ts";
import { encodeControl, encodeFrame } from "../../framework/record/frame.ts";
import { Rig } from "./rig.ts";

const late = {
  index: 0,
  name: "sums.late",
  from: 0,
  to: "late",
  exchange: "global",
  port: 0,
  key: undefined,
  codec: undefined,
} as const;
const plan: Plan = { job: "side", version: "1", options: embeddedDefaults, stages: [], edges: [late] };

let rig: Rig;
let log: Log;
let records: SideRecord[];

beforeEach(async () => {
  rig = new Rig();
  log = await rig.log("LATE");
  records = [];
});

function frame(of: { from?: number; epoch?: number; last?: number }, ...values: unknown[]): Uint8Array {
  const { from = 0, epoch = 1, last = 0 } = of;
  const channel = new ChannelOut({ edge: 0, from, to: 0, epoch }, { last, check: 0 }, undefined, {
    onPending: () => undefined,
  });
  for (const [index, value] of values.entries()) channel.add(value, index === 0 ? 7 : undefined, 0, index + 1);
  const piece = channel.take();
  return encodeFrame(piece === undefined ? [] : [piece]);
}

async function append(...payloads: Uint8Array[]): Promise<void> {
  const appender = log.appender(
    () => undefined,
    () => undefined,
  );
  for (const [tag, payload] of payloads.entries()) appender.append(payload, tag, 1);
  await rig.clock.settle();
}

const values = () => records.map(({ value }) => value);

test("records come with the name of their edge, and with their timestamp where they have one", async () => {
  followSideStream(log, plan, 1, (record) => records.push(record));
  await append(frame({}, "a", "b"));
  expect(records).toEqual([
    { edge: "sums.late", value: "a", timestamp: 7 },
    { edge: "sums.late", value: "b", timestamp: undefined },
  ]);
});

test("what a successor says again is dropped, and so is what a dead incarnation says after it", async () => {
  followSideStream(log, plan, 1, (record) => records.push(record));
  await append(
    frame({}, "a", "b"),
    frame({ epoch: 2 }, "a", "b", "c"),
    frame({ epoch: 1, last: 2 }, "zombie"),
    frame({ from: 1 }, "other"),
  );
  expect(values()).toEqual(["a", "b", "c", "other"]);
});

test("R2: a frame that has overtaken the first one of its channel waits for it: nothing has been dropped here", async () => {
  followSideStream(log, plan, 1, (record) => records.push(record));
  await append(frame({ last: 1 }, "b"), frame({}, "a"), frame({ last: 1 }, "b"));
  expect(values()).toEqual(["a", "b"]);
});

test("where the oldest have been dropped, a channel begins with what is there", async () => {
  await append(frame({ last: 39 }, "w"), frame({ last: 40 }, "x"), frame({ last: 41 }, "y"));
  await rig.result(log.trim(2));
  followSideStream(log, plan, 1, (record) => records.push(record));
  await rig.clock.settle();
  expect(values()).toEqual(["x", "y"]);
});

test("what is no frame is passed over, and a reader that has been stopped hears nothing more", async () => {
  const stop = followSideStream(log, plan, 1, (record) => records.push(record));
  await append(encodeControl({ kind: "tick" }), frame({}, "a"));
  stop();
  await append(frame({ last: 1 }, "b"));
  expect(values()).toEqual(["a"]);
});

test("where the stream drops its oldest messages under the reader, it goes on with the first that is there", async () => {
  const small = await rig.result(rig.seams.logs.create("SMALL", { maxBytes: 1_000, full: "dropOldest" }));
  log = small;
  for (let last = 0; last < 40; last += 1) await append(frame({ last }, `record ${last + 1}`));
  const { first, last } = await rig.result(small.info());
  expect(first).toBeGreaterThan(1);
  let read = 0;
  const tell = (record: SideRecord) => void records.push(record);
  followSideStream(small, plan, 1, tell, (sequence) => void (read = sequence));
  await rig.clock.settle();
  expect(read).toBe(last);
  expect(values().at(0)).toBe(`record ${first}`);
  expect(values().at(-1)).toBe("record 40");
});
