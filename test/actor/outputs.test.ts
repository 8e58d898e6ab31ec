/** What an incarnation says: routing, ordinals, and what a step that throws takes back. */
import { beforeEach, describe, expect, test } from "vitest";
import type { ChannelOut } from "../../framework/actor/channel-out.ts";
import { Outputs, type OutputLane } from "../../framework/actor/outputs.ts";
import { SinkQueue } from "../../framework/actor/sink-queue.ts";
import type { Edge, Exchange, Plan, Stage } from "../../framework/plan/plan.ts";
import { embeddedDefaults } from "../../framework/plan/options.ts";
import { hashKey, partitionOf } from "../../framework/record/key.ts";
import type { ChannelOutState } from "../../framework/record/snapshot-record.ts";
import { Rig, sinkSpec } from "./rig.ts";

const exchanges: readonly Exchange[] = ["keyed", "rebalance", "broadcast", "global", "forward"];
const edgeOf = (name: Exchange) => exchanges.indexOf(name);
const deadEdge = exchanges.length;

function stage(index: number, partitions: number): Stage {
  const none = {
    source: undefined,
    isIngress: false,
    inputs: [],
    entry: [],
    operators: [],
    sinks: [],
    idleTimeoutMs: 0,
  };
  return { ...none, index, name: `stage-${index}`, partitions, deadEdge, lateEdge: deadEdge + 1 };
}

/** Stage 0 speaks over one edge of each kind into a stage of three partitions. */
function plan(eventTime?: Edge["eventTime"]): Plan {
  const edges: Edge[] = exchanges.map((exchange, index) => ({
    index,
    name: exchange,
    port: 0,
    from: 0,
    to: 1,
    exchange,
    key: exchange === "keyed" ? (value) => (value as { key: string }).key : undefined,
    codec: undefined,
    ...(eventTime === undefined ? {} : { eventTime }),
  }));
  edges.push({
    index: deadEdge,
    name: "dead",
    from: 0,
    to: "dead",
    exchange: "global",
    port: 0,
    key: undefined,
    codec: undefined,
  });
  return { job: "outputs", version: "1", options: embeddedDefaults, stages: [stage(0, 4), stage(1, 3)], edges };
}

class FakeLane implements OutputLane {
  hasRoom = true;
  isFilling = false;
  offers = 0;
  readonly channels = new Set<ChannelOut>();
  readonly forgotten: ChannelOut[] = [];
  readonly speakers = new Set<() => void>();
  join(onProgress: () => void): void {
    this.speakers.add(onProgress);
  }
  leave(onProgress: () => void): void {
    this.speakers.delete(onProgress);
  }
  onPending(channel: ChannelOut): void {
    this.channels.add(channel);
  }
  offer(): void {
    this.offers += 1;
  }
  forget(channel: ChannelOut): void {
    this.forgotten.push(channel);
  }
}

let lanes: Map<string, FakeLane>;
let progress: number;

beforeEach(() => {
  lanes = new Map();
  progress = 0;
});

function laneTo(to: number | "dead" | "late", partition: number): FakeLane {
  const key = `${to}/${partition}`;
  const lane = lanes.get(key) ?? new FakeLane();
  lanes.set(key, lane);
  return lane;
}

function outputs(channels: readonly ChannelOutState[] = [], partition = 1, sinks: readonly SinkQueue[] = []): Outputs {
  return outputsOf(plan(), channels, partition, sinks);
}

function outputsOf(
  whole: Plan,
  channels: readonly ChannelOutState[],
  partition: number,
  sinks: readonly SinkQueue[],
): Outputs {
  const from = whole.stages[0] as Stage;
  return new Outputs({ plan: whole, stage: from, partition, epoch: 5, channels }, sinks, laneTo, {
    position: () => 77,
    onProgress: () => void (progress += 1),
  });
}

/** Emits `count` records over an edge; answers the partitions they went to. */
function partitionsOf(out: Outputs, edge: Exchange, count: number): number[] {
  const before = new Map(out.states().map((state) => [`${state.edge}/${state.to}`, state.last]));
  const partitions: number[] = [];
  for (let index = 0; index < count; index += 1) {
    out.emit(edgeOf(edge), { key: `k${index}` }, 0);
    for (const { edge: of, to, last } of out.states()) {
      if (of !== edgeOf(edge) || (before.get(`${of}/${to}`) ?? 0) === last) continue;
      before.set(`${of}/${to}`, last);
      partitions.push(to);
    }
  }
  return partitions;
}

describe("routing", () => {
  test("keyed: by the hash of the key", () => {
    const expected = Array.from({ length: 8 }, (_, index) => partitionOf(hashKey(`k${index}`), 3));
    expect(partitionsOf(outputs(), "keyed", 8)).toEqual(expected);
  });

  test("rebalance: in turns, beginning at the instance's own index", () => {
    expect(partitionsOf(outputs([], 1), "rebalance", 7)).toEqual([1, 2, 0, 1, 2, 0, 1]);
    expect(partitionsOf(outputs([], 2), "rebalance", 3)).toEqual([2, 0, 1]);
  });

  test("R1: dealing goes on after a restore where the snapshot stood", () => {
    const first = outputs();
    const all = partitionsOf(outputs(), "rebalance", 10);
    partitionsOf(first, "rebalance", 4);
    expect(partitionsOf(outputs(first.states()), "rebalance", 6)).toEqual(all.slice(4));
  });

  test("R1: a step that was undone has not been dealt", () => {
    const out = outputs();
    out.mark();
    expect(partitionsOf(out, "rebalance", 2)).toEqual([1, 2]);
    out.mark();
    out.emit(edgeOf("rebalance"), "gone", 0);
    out.emit(edgeOf("rebalance"), "gone", 0);
    out.undo();
    expect(partitionsOf(out, "rebalance", 2)).toEqual([0, 1]);
  });

  test("broadcast: to every partition; forward: to the instance's own; global: to the first", () => {
    expect(partitionsOf(outputs(), "broadcast", 1)).toEqual([0, 1, 2]);
    expect(partitionsOf(outputs([], 1), "forward", 2)).toEqual([1, 1]);
    expect(partitionsOf(outputs([], 3), "forward", 1)).toEqual([0]);
    expect(partitionsOf(outputs(), "global", 2)).toEqual([0, 0]);
  });

  test("two edges into the same stage have channels of their own", () => {
    const out = outputs();
    out.emit(edgeOf("broadcast"), 1, 0);
    out.emit(edgeOf("global"), 2, 0);
    expect(out.states()).toMatchObject([
      { edge: edgeOf("broadcast"), to: 0, last: 1 },
      { edge: edgeOf("broadcast"), to: 1, last: 1 },
      { edge: edgeOf("broadcast"), to: 2, last: 1 },
      { edge: edgeOf("global"), to: 0, last: 1 },
    ]);
  });

  test("a key that is none fails the record's step and leaves nothing", () => {
    const out = outputs();
    out.mark();
    expect(() => out.emit(edgeOf("keyed"), { key: {} }, 0)).toThrow(expect.objectContaining({ code: "KEY_INVALID" }));
    out.undo();
    expect(out.ordinal).toBe(0);
    expect(out.acknowledged).toBe(0);
  });
});

describe("ordinals", () => {
  test("everything is acknowledged when nothing is outstanding", () => {
    const out = outputs();
    expect([out.ordinal, out.acknowledged]).toEqual([0, 0]);
    out.emit(edgeOf("global"), 1, 0);
    expect([out.ordinal, out.acknowledged]).toEqual([1, 0]);
    const [channel] = laneTo(1, 0).channels;
    channel?.take();
    channel?.acknowledge();
    expect([out.ordinal, out.acknowledged]).toEqual([1, 1]);
  });

  test("the slowest channel counts, whatever the others have", () => {
    const out = outputs();
    out.emit(edgeOf("broadcast"), 1, 0);
    for (const to of [0, 2]) {
      const [channel] = laneTo(1, to).channels;
      channel?.take();
      channel?.acknowledge();
    }
    expect([out.ordinal, out.acknowledged]).toEqual([3, 1]);
  });

  test("a sink holds the ordinal back until it has confirmed the row", async () => {
    const rig = new Rig();
    const events = { onProgress: () => undefined, onRefused: () => Promise.resolve(), onFailed: () => undefined };
    const sink = new SinkQueue("rows", sinkSpec("idempotent"), undefined, rig.platform, events);
    const confirmed = Promise.withResolvers<readonly never[]>();
    await sink.open({ write: () => confirmed.promise, close: () => Promise.resolve() });
    const out = outputs([], 1, [sink]);
    out.mark();
    out.write(0, "row", 0);
    out.flush();
    expect([out.ordinal, out.acknowledged]).toEqual([1, 0]);
    confirmed.resolve([]);
    await rig.clock.settle();
    expect(out.acknowledged).toBe(1);
  });

  test("undo takes back the ordinals of the step, over channels and sinks", () => {
    const rig = new Rig();
    const events = { onProgress: () => undefined, onRefused: () => Promise.resolve(), onFailed: () => undefined };
    const sink = new SinkQueue("rows", sinkSpec("idempotent"), undefined, rig.platform, events);
    const out = outputs([], 1, [sink]);
    out.mark();
    out.write(0, "kept", 0);
    out.mark();
    out.emit(edgeOf("broadcast"), "gone", 0);
    out.write(0, "gone", 0);
    out.undo();
    expect(out.ordinal).toBe(1);
    expect(sink.last).toBe(1);
    expect(out.states().every(({ last }) => last === 0)).toBe(true);
  });

  test("a dead letter after an undo stays, and carries the place it comes from", () => {
    const out = outputs();
    out.mark();
    out.emit(edgeOf("global"), "gone", 0);
    out.undo();
    out.deadLetter({
      origin: "record",
      edge: 0,
      operator: "map",
      code: "USER_FUNCTION",
      message: "no",
      stack: "",
      key: undefined,
      timestamp: 4,
      value: 1,
    });
    const [channel] = laneTo("dead", 0).channels;
    expect(channel?.last).toBe(1);
    expect(out.ordinal).toBe(1);
  });
});

test("R13: without room in one of its lanes an instance has none", () => {
  const out = outputs();
  out.emit(edgeOf("broadcast"), 1, 0);
  expect(out.hasRoom).toBe(true);
  laneTo(1, 2).hasRoom = false;
  expect(out.hasRoom).toBe(false);
});

test("R13: what is sent back is full when its lane fills or has no room, and is not waited for", () => {
  const out = outputs();
  out.emit(edgeOf("broadcast"), 1, 0);
  laneTo(1, 2).isFilling = true;
  // Of an edge that closes no loop it says nothing.
  expect(out.isFedBackFull).toBe(false);
  const back = outputsOf(plan("fedBack"), [], 1, []);
  back.emit(edgeOf("global"), 1, 0);
  const lane = laneTo(1, 0);
  expect([back.isFedBackFull, back.hasRoom]).toEqual([false, true]);
  lane.isFilling = true;
  expect([back.isFedBackFull, back.hasRoom]).toEqual([true, true]);
  Object.assign(lane, { isFilling: false, hasRoom: false });
  expect([back.isFedBackFull, back.hasRoom]).toEqual([true, true]);
});

test("a turn's end offers every lane; the incarnation's end makes them forget its channels", () => {
  const out = outputs();
  out.emit(edgeOf("broadcast"), 1, 0);
  out.flush();
  expect([0, 1, 2].map((to) => laneTo(1, to).offers)).toEqual([1, 1, 1]);
  out.close();
  expect([0, 1, 2].map((to) => laneTo(1, to).forgotten.length)).toEqual([1, 1, 1]);
});

test("R1: numbers and checks of the snapshot are where the channels go on", () => {
  const states = [
    { edge: edgeOf("keyed"), to: 2, last: 10, check: 123 },
    { edge: edgeOf("global"), to: 0, last: 3, check: 7 },
  ];
  expect(outputs(states).states()).toEqual(states);
});

test("acks of a lane are told to those that speak into it, from the first word or the snapshot on until their end", () => {
  const said = outputs([{ edge: edgeOf("global"), to: 0, last: 3, check: 7 }]);
  const speakersOf = (to: number) => [...laneTo(1, to).speakers];
  expect([0, 1, 2].map((to) => speakersOf(to).length)).toEqual([1, 0, 0]);
  for (let time = 0; time < 2; time += 1) said.emit(edgeOf("broadcast"), 1, 0);
  expect([0, 1, 2].map((to) => speakersOf(to).length)).toEqual([1, 1, 1]);
  outputs([], 2).emit(edgeOf("global"), 1, 0);
  expect(speakersOf(0)).toHaveLength(2);
  for (const tell of speakersOf(2)) tell();
  expect(progress).toBe(1);
  said.close();
  expect([0, 1, 2].map((to) => speakersOf(to).length)).toEqual([1, 0, 0]);
});
