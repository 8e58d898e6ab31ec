/** The process that starts workers, as others in the job see it. */
import { beforeEach, expect, test } from "vitest";
import { JobBus } from "../../framework/actor/job-bus.ts";
import { mostWorkers } from "../../framework/fleet/telemetry.ts";
import { Starter } from "../../framework/fleet/starter.ts";
import { JobNames } from "../../framework/log/names.ts";
import { MemorySeams } from "../../framework/log/memory-seams.ts";
import type { StarterPresence } from "../../framework/record/fleet-records.ts";
import { encodeJobLogRecord } from "../../framework/record/wire/job-log.ts";
import { Rig } from "../actor/rig.ts";

const names = new JobNames("test", 1);
let rig: Rig;
let seams: MemorySeams;
let bus: JobBus;
let heard: StarterPresence[];
let sizes: number[];
let drainedThen: (readonly string[])[];
let starter: Starter;

beforeEach(async () => {
  rig = new Rig();
  seams = new MemorySeams(rig.clock);
  bus = new JobBus(seams.bus, names);
  heard = [];
  sizes = [];
  drainedThen = [];
  bus.hearStarters((presence) => heard.push(presence));
  await rig.result(seams.logs.create(names.jobLog, { maxBytes: 1_000_000, full: "refuse" }));
  const workers = {
    joined: 2,
    resize: (size: number, drained: ReadonlySet<string>) => {
      sizes.push(size);
      drainedThen.push([...drained]);
    },
  };
  const most = { workers: 8, reason: "no more ports" };
  const place = { host: "here", processId: 7, most };
  starter = new Starter(rig.platform, bus, () => seams.logs.open(names.jobLog), workers, place);
});

async function order(subject: string, workers: number): Promise<void> {
  const log = await rig.result(seams.logs.open(names.jobLog));
  const record = { kind: "fleetOrder", order: "scale", subject, workers, by: "ada" } as const;
  await rig.result(log.append(encodeJobLogRecord(record)));
  await rig.pass(10);
}

test("it says that it lives, and how many workers it has", async () => {
  starter.start();
  await rig.pass(1_100);
  expect(heard.length).toBeGreaterThanOrEqual(3);
  expect(heard[0]).toEqual({ starter: starter.id, host: "here", processId: 7, workers: 2 });
  starter.close();
  const { length } = heard;
  await rig.pass(5_000);
  expect(heard).toHaveLength(length);
});

test("ST1: it obeys the newest order that names it, and no other", async () => {
  starter.start();
  await order("somebody else", 7);
  await order(starter.id, 4);
  await order("somebody else", 3);
  await order(starter.id, 1);
  expect(sizes).toEqual([4, 1]);
});

test("ST1: what was ordered before it could read is read; the last one alone counts", async () => {
  await order(starter.id, 4);
  await order(starter.id, 3);
  starter.start();
  await rig.pass(10);
  expect(sizes).toEqual([3]);
});

test("it says which workers have been drained by then: they are the first to go", async () => {
  starter.start();
  const log = await rig.result(seams.logs.open(names.jobLog));
  for (const [word, subject] of [
    ["drain", "w1"],
    ["drain", "w2"],
    ["undrain", "w1"],
  ] as const) {
    const record = { kind: "fleetOrder", order: word, subject, workers: 0, by: "ada" } as const;
    await rig.result(log.append(encodeJobLogRecord(record)));
  }
  await order(starter.id, 1);
  expect(drainedThen).toEqual([["w2"]]);
});

test("more than it can keep is refused in part, and said", async () => {
  starter.start();
  await order(starter.id, 9);
  expect(sizes).toEqual([8]);
});

test("each worker needs a port for its metrics", () => {
  expect(mostWorkers({ endpoint: undefined, otlp: undefined }, 256).workers).toBe(256);
  const endpoint = { port: 65_530, host: "127.0.0.1" };
  expect(mostWorkers({ endpoint, otlp: undefined }, 256)).toMatchObject({
    workers: 6,
    reason: expect.stringContaining("65535") as string,
  });
});
