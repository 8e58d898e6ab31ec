/** Reading an inbox: what of each message reaches the program, what the snapshot keeps, and what ends the instance. */
import { beforeEach, describe, expect, test } from "vitest";
import { ChannelOut } from "../../framework/actor/channel-out.ts";
import { anchorOf } from "../../framework/actor/inbox-check.ts";
import { InboxFeed } from "../../framework/actor/inbox-feed.ts";
import type { Log } from "../../framework/log/contracts.ts";
import type { StageProgram } from "../../framework/operator/program.ts";
import { embeddedDefaults } from "../../framework/plan/options.ts";
import type { Edge, Plan, Stage } from "../../framework/plan/plan.ts";
import { defaultCodec } from "../../framework/record/default-codec.ts";
import { encodeControl, encodeFrame } from "../../framework/record/frame.ts";
import type { WatermarkControl } from "../../framework/record/messages.ts";
import type { Manifest } from "../../framework/record/snapshot-record.ts";
import { Rig, noCounts } from "./rig.ts";

const empty = {
  source: undefined,
  isIngress: false,
  entry: [],
  operators: [],
  sinks: [],
  idleTimeoutMs: 0,
  deadEdge: 8,
  lateEdge: 9,
};
const upstream: Stage = { ...empty, index: 0, name: "up", partitions: 2, inputs: [] };
const stage: Stage = { ...empty, index: 1, name: "own", partitions: 1, inputs: [0, 1] };
const edge = (index: number): Edge => ({
  index,
  name: `e${index}`,
  from: 0,
  to: 1,
  exchange: "global",
  port: 0,
  key: undefined,
  codec: undefined,
});
const plan: Plan = {
  job: "feed",
  version: "1",
  options: embeddedDefaults,
  stages: [upstream, stage],
  edges: [edge(0), edge(1)],
};

/** Stands for the operators: says what it was given, and how far it has come. */
class FakeProgram {
  readonly told: unknown[] = [];
  /** Index of the edge that the next records come over. */
  input: number | undefined;
  /** Edges whose records were said to have no key. */
  readonly keyless: unknown[] = [];
  /** Slices that a watermark or tick takes. */
  slices = 1;
  now = 0;
  setNow(ms: number): void {
    this.now = ms;
  }
  process(value: unknown, timestamp?: number): void {
    this.told.push(timestamp === undefined || timestamp === 0 ? value : [value, timestamp]);
  }
  select(key: unknown): void {
    this.told.push(`select ${String(key)}`);
  }
  selectNone(): void {
    this.keyless.push(this.input);
  }
  refuse(error: Error, value: unknown): void {
    this.told.push(["refuse", error.message, value]);
  }
  advanceTo(time: number): boolean {
    return this.#slice(`advance ${time}`);
  }
  tick(now: number): boolean {
    return this.#slice(`tick ${now}`);
  }
  rejectRow(sink: string, reason: string, value: unknown, timestamp: number | undefined): void {
    this.told.push([sink, reason, value, timestamp]);
  }
  #slice(what: string): boolean {
    this.told.push(what);
    this.slices -= 1;
    if (this.slices > 0) return false;
    this.slices = 1;
    return true;
  }
}

let rig: Rig;
let log: Log;
let program: FakeProgram;
let feed: InboxFeed;
let failures: unknown[];
let leaderN: number;

beforeEach(async () => {
  rig = new Rig();
  log = await rig.log("inbox");
  leaderN = 0;
  await open();
});

async function open(saved?: Manifest, epoch = 50, of: Plan = plan, owner: Stage = stage): Promise<void> {
  program = new FakeProgram();
  failures = [];
  const events = { onReadable: () => undefined, onFailed: (error: unknown) => void failures.push(error) };
  feed = new InboxFeed(
    { plan: of, stage: owner, partition: 0, epoch },
    log,
    program as unknown as StageProgram,
    events,
  );
  await rig.result(feed.open(saved));
}

async function append(...payloads: Uint8Array[]): Promise<void> {
  const appender = log.appender(
    () => undefined,
    () => undefined,
  );
  payloads.forEach((payload, tag) => appender.append(payload, tag, 1));
  await rig.clock.settle();
}

/** A sender of one channel; what it says goes into the inbox as frames. */
class Sender {
  readonly #channel: ChannelOut;
  constructor(of: { edge?: number; from?: number; epoch?: number; last?: number; check?: number } = {}) {
    const { edge: on = 0, from = 0, epoch = 10, last = 0, check = 0 } = of;
    this.#channel = new ChannelOut({ edge: on, from, to: 0, epoch }, { last, check }, undefined, {
      onPending: () => undefined,
    });
  }
  frame(...values: unknown[]): Uint8Array {
    for (const value of values) this.#channel.add(value, 0, 0, 1);
    const piece = this.#channel.take();
    return encodeFrame(piece === undefined ? [] : [piece]);
  }
}

function watermark(value: number, of: Partial<WatermarkControl> = {}): Uint8Array {
  leaderN += 1;
  const control = {
    kind: "watermark",
    edge: 0,
    leader: 1,
    n: leaderN,
    upto: 20,
    watermark: value,
    isIdle: false,
    ...of,
  } as const;
  return encodeControl(control);
}

const fence = (epoch: number, partition = 0, of = 0, last = 0) =>
  encodeControl({ kind: "epochStart", instance: { stage: of, partition }, epoch, floors: [{ edge: 0, last }] });

/** Takes turns until nothing is left; answers what each came to. */
function turns(): string[] {
  const results: string[] = [];
  for (let result = feed.turn(true); result !== "empty"; result = feed.turn(true)) {
    results.push(result);
    if (results.length > 100) throw new Error(results.join(" "));
  }
  return results;
}

function manifest(): Manifest {
  const state = feed.state();
  const rest = {
    nowMs: 0,
    random: 0,
    channelsOut: [],
    sinks: [],
    segments: [],
    operators: new Uint8Array(0),
    counts: noCounts,
  };
  return {
    format: 1,
    generation: 1,
    stage: "own",
    partition: 0,
    epoch: 50,
    codeVersion: "",
    runtimeVersion: "",
    ...state,
    ...rest,
  };
}

describe("R2", () => {
  test("records come once and in order, per channel", async () => {
    const sender = new Sender();
    const [one, two, three] = [sender.frame("a", "b"), sender.frame("c"), sender.frame("d")];
    await append(one, one, three, two, three);
    turns();
    expect(program.told).toEqual(["a", "b", "c", "d"]);
  });

  test("a successor's overlap is skipped; from its first word the dead incarnation is not heard, not even after a gap", async () => {
    const dead = new Sender({ epoch: 10 });
    const first = dead.frame("a", "b");
    const last = dead.frame("c");
    const successor = new Sender({ epoch: 11 });
    const again = successor.frame("a", "b", "c");
    const far = new Sender({ epoch: 12, last: 9 });
    await append(first, again, last, far.frame("gap"), dead.frame("zombie"), successor.frame("zombie"));
    turns();
    expect(program.told).toEqual(["a", "b", "c"]);
  });

  test("R8: nothing new comes over an edge that has ended: what does was acknowledged before, and lost", async () => {
    const sender = new Sender();
    const [one, two] = [sender.frame("a"), sender.frame("b")];
    await append(one, watermark(Infinity), one);
    expect(turns()).toEqual(["turned", "turned", "turned"]);
    await append(two);
    expect(() => turns()).toThrow(/record 2 of .* comes after the edge has ended/);
    expect(program.told).toEqual(["a"]);
  });

  test("R8: a sender's snapshot rests on records that were stored here; when they are gone, that is data loss", async () => {
    await append(new Sender({ epoch: 10 }).frame("a", "b"), fence(11, 0, 0, 2));
    expect(turns()).toEqual(["turned", "turned"]);
    await append(fence(12, 0, 0, 3));
    expect(() => turns()).toThrow(/record 3 of .* was acknowledged, and the last one that is here is 2/);
  });

  test("a fence alone silences the dead incarnation, on every edge from that instance", async () => {
    const dead = new Sender({ epoch: 10, edge: 1 });
    await append(fence(11), dead.frame("zombie"), new Sender({ epoch: 10, from: 1 }).frame("another instance"));
    turns();
    expect(program.told).toEqual(["another instance"]);
  });

  test("what an instance has sent to itself is fenced by its own epoch-start", async () => {
    const looped = { ...stage, loop: 0 };
    const edges = [edge(0), { ...edge(1), from: 1, eventTime: "fedBack" as const }];
    await open(undefined, 50, { ...plan, stages: [upstream, looped], edges }, looped);
    const dead = new Sender({ epoch: 49, edge: 1 });
    await append(dead.frame("a"), fence(50, 0, 1), dead.frame("zombie"));
    expect(turns()).toEqual(["turned", "caughtUp", "turned"]);
    expect(program.told).toEqual(["a"]);
  });

  test("G4, R17: what has been taken over the edges of the loop, and how far the others have come", async () => {
    const looped = { ...stage, loop: 0 };
    const edges = [edge(0), { ...edge(1), from: 1, eventTime: "fedBack" as const }];
    await open(undefined, 50, { ...plan, stages: [upstream, looped], edges }, looped);
    await append(new Sender({ edge: 0 }).frame("x"), new Sender({ epoch: 50, edge: 1 }).frame("a", "b"));
    turns();
    expect(feed.loop()).toEqual({ taken: 2, outside: 0 });
    await append(watermark(7, { drains: 5 }));
    turns();
    expect(feed.loop()).toEqual({ taken: 2, outside: 5 });
    expect(feed.drained).toBe(0);
    await append(watermark(Infinity));
    turns();
    expect(feed.loop()).toEqual({ taken: 2, outside: Infinity });
    expect(feed.isEnded).toBe(false);
  });

  test("two edges from the same instance are two channels", async () => {
    await append(new Sender({ edge: 0 }).frame("a"), new Sender({ edge: 1 }).frame("b"));
    turns();
    expect(program.told).toEqual(["a", "b"]);
  });

  test("a section of an edge that does not lead here is corruption", async () => {
    await append(new Sender({ edge: 7 }).frame("a"));
    expect(() => feed.turn(true)).toThrow(expect.objectContaining({ code: "CORRUPT" }));
  });
});

test("R11: a replay that does not repeat itself is found at the first record that would be accepted", async () => {
  const honest = new Sender({ epoch: 10 });
  const liar = new Sender({ epoch: 11, last: 1, check: 12_345 });
  await append(honest.frame("a"), liar.frame("b"));
  expect(feed.turn(true)).toBe("turned");
  expect(() => feed.turn(true)).toThrow(expect.objectContaining({ code: "DIVERGED" }));
  expect(program.told).toEqual(["a"]);
});

describe("R4, R5", () => {
  test("the own epoch-start says that everything older has been replayed", async () => {
    await append(fence(49, 0, 1), fence(50, 0, 1));
    expect(turns()).toEqual(["turned", "caughtUp"]);
  });

  test("a newer one ends the incarnation", async () => {
    await append(fence(51, 0, 1));
    expect(() => feed.turn(true)).toThrow(expect.objectContaining({ code: "FENCED" }));
  });
});

describe("R10", () => {
  test("event time is the minimum of the edges, applied in slices, and counts when it is applied fully", async () => {
    await append(watermark(100), watermark(70, { edge: 1 }));
    program.slices = 3;
    expect(feed.turn(true)).toBe("turned");
    expect(feed.turn(true)).toBe("unfinished");
    expect(feed.watermark).toBe(-Infinity);
    expect(feed.turn(true)).toBe("unfinished");
    expect(feed.turn(true)).toBe("turned");
    expect(feed.watermark).toBe(70);
    expect(program.told).toEqual(["advance 70", "advance 70", "advance 70"]);
  });

  test("a control that was decided before an adopted epoch is void", async () => {
    await append(watermark(10, { edge: 1 }), fence(30), watermark(10));
    turns();
    expect(feed.watermark).toBe(-Infinity);
    await append(watermark(5, { upto: 30 }));
    turns();
    expect(feed.watermark).toBe(5);
  });

  test("the input has ended when every edge has", async () => {
    await append(watermark(Infinity), watermark(Infinity, { edge: 1 }));
    expect(turns()).toEqual(["turned", "ended"]);
    expect(feed.isEnded).toBe(true);
  });

  test("it never goes back, not even after a restore", async () => {
    await append(watermark(100), watermark(100, { edge: 1 }));
    turns();
    const saved = manifest();
    expect(saved.watermark).toBe(100);
    await open(saved);
    expect(feed.watermark).toBe(100);
    await append(fence(30), watermark(40, { upto: 40 }));
    turns();
    expect(feed.watermark).toBe(100);
  });
});

describe("R16", () => {
  const idle = { isIdle: true };

  test("an inbox is quiet when all its edges are idle and nothing waits", async () => {
    await append(watermark(10, idle));
    turns();
    expect(feed.isQuiet).toBe(false);
    await append(watermark(10, { edge: 1, ...idle }));
    turns();
    expect(feed.isQuiet).toBe(true);
    await append(new Sender().frame("a"));
    expect(feed.isQuiet).toBe(false);
  });

  test("records and ticks wait at the gate; watermarks and fences pass it", async () => {
    await append(watermark(10), fence(11), new Sender({ epoch: 11 }).frame("a"), watermark(20));
    expect([feed.turn(false), feed.turn(false), feed.turn(false), feed.turn(false)]).toEqual([
      "turned",
      "turned",
      "gated",
      "gated",
    ]);
    expect(program.told).toEqual([]);
    expect(turns()).toEqual(["turned", "turned"]);
    expect(program.told).toEqual(["a"]);
  });
});

test("R9: a tick carries no time: the log's time of it counts", async () => {
  rig.clock.jumpWall(5_000);
  await append(encodeControl({ kind: "tick" }));
  const stored = rig.clock.now();
  rig.clock.jumpWall(60_000);
  turns();
  expect(program.told).toEqual([`tick ${stored}`]);
});

describe("snapshots", () => {
  test("a feed goes on behind its manifest with everything it knew", async () => {
    const sender = new Sender();
    await append(sender.frame("a", "b"), watermark(10, { isIdle: true }), fence(15, 1));
    turns();
    const saved = manifest();
    expect(saved).toMatchObject({ sequence: 3, leader: 1, anchor: anchorOf(fence(15, 1)) });
    await open(saved);
    expect(saved).toMatchObject(feed.state());
    expect(feed.position).toBe(3);
    await append(sender.frame("c"), new Sender({ from: 1, epoch: 14 }).frame("zombie"));
    turns();
    expect(program.told).toEqual(["c"]);
  });

  test("R8: an inbox whose message at the snapshot is another one is data loss", async () => {
    await append(new Sender().frame("a"));
    turns();
    const saved = { ...manifest(), anchor: 1 };
    await expect(open(saved)).rejects.toMatchObject({ code: "DATA_LOST" });
  });

  test("R8: so is one that has been trimmed further, or is shorter than what was read", async () => {
    const sender = new Sender();
    await append(sender.frame("a"), sender.frame("b"), sender.frame("c"));
    turns();
    const saved = manifest();
    await rig.result(log.trim(3));
    await expect(open({ ...saved, sequence: 1 })).rejects.toMatchObject({ code: "DATA_LOST" });
    rig.seams.logs.loseTail("inbox", 1);
    await expect(open(saved)).rejects.toMatchObject({ code: "DATA_LOST" });
  });

  test("R8: a log that is cut while it is read ends the feed with what is missing", async () => {
    await append(new Sender().frame("a"));
    turns();
    await rig.result(rig.seams.logs.delete("inbox"));
    expect(failures).toMatchObject([{ code: "DATA_LOST" }]);
  });
});

test("a message that is none is corruption, with its place", async () => {
  await append(Buffer.from("no message at all"));
  expect(() => feed.turn(true)).toThrow(
    expect.objectContaining({ code: "CORRUPT", message: expect.stringContaining("message 1") }),
  );
});

test("a row that a sink has refused is rejected once, also when it is refused again after a restore", async () => {
  const refusal = (number: number, timestamp = 5) =>
    encodeControl({
      kind: "refusal",
      sink: "out",
      number,
      reason: "no",
      value: defaultCodec.encode({ n: number }),
      timestamp,
    });
  await append(refusal(3), refusal(3), refusal(4, Number.NaN));
  while (feed.turn(true) !== "empty");
  expect(program.told).toEqual([
    ["out", "no", { n: 3 }, 5],
    ["out", "no", { n: 4 }, undefined],
  ]);
  expect(feed.state().refused).toEqual({ out: 4 });
  await open({ ...manifest(), sinks: [{ sink: "out", last: 9, prepared: [], refused: 4 }] });
  await append(refusal(4), refusal(6));
  while (feed.turn(true) !== "empty");
  expect(program.told).toEqual([["out", "no", { n: 6 }, 5]]);
});

describe("dead letters that are given again", () => {
  const again = (letter: number, value: unknown, timestamp = Number.NaN, on = 0) =>
    encodeControl({ kind: "redelivery", letter, edge: on, value: defaultCodec.encode(value), timestamp });
  const keyed: Edge = { ...edge(0), exchange: "keyed", key: (value) => (value as { k: string }).k };
  const keyedPlan: Plan = { ...plan, edges: [keyed, edge(1)] };

  test("each is taken once, in its place among the messages, also after a restore", async () => {
    const sender = new Sender();
    await append(sender.frame("a"), again(2, "b", 7), again(2, "b", 7), sender.frame("c"), again(1, "d"));
    expect(turns()).toEqual(["turned", "turned", "turned", "turned", "turned"]);
    expect(program.told).toEqual(["a", ["b", 7], "c", "d"]);
    expect(feed.state().redelivered).toEqual([{ first: 1, last: 2 }]);
    await open(manifest());
    await append(again(1, "d"), again(2, "b", 7), again(3, "e"));
    turns();
    expect(program.told).toEqual(["e"]);
  });

  test("records of an edge without keys are said to have none: those of a section, and one that is given again", async () => {
    const sender = new Sender({ edge: 1 });
    await append(sender.frame("a", "b"), again(1, "c", 7, 1));
    turns();
    expect(program.told).toEqual(["a", "b", ["c", 7]]);
    expect(program.keyless).toEqual([1, 1]);
  });

  test("R16: an idle instance asks before it takes one", async () => {
    await append(again(1, "a"));
    expect(feed.turn(false)).toBe("gated");
    expect(program.told).toEqual([]);
    turns();
    expect(program.told).toEqual(["a"]);
  });

  test("the key is that of the edge that the record came over", async () => {
    await open(undefined, 50, keyedPlan);
    await append(again(1, { k: "x" }), again(2, { k: 1 }, Number.NaN, 1));
    turns();
    expect(program.told).toEqual(["select x", { k: "x" }, { k: 1 }]);
  });

  test("a record without a key, or with one of another partition, is refused: it was changed before it failed", async () => {
    await open(undefined, 50, keyedPlan, { ...stage, partitions: 64 });
    await append(again(1, null), again(2, { k: {} }), again(3, { k: "x" }));
    turns();
    expect(program.told).toEqual([
      ["refuse", expect.stringContaining("edge e0: "), null],
      ["refuse", expect.stringContaining("edge e0: "), { k: {} }],
      ["refuse", expect.stringMatching(/"?x"? belongs to own\/\d+, .* came from own\/0: .*changed/), { k: "x" }],
    ]);
    expect(feed.state().redelivered).toEqual([{ first: 1, last: 3 }]);
  });

  test("an instance whose input has ended takes none, and it does not count as taken", async () => {
    await append(watermark(Infinity), watermark(Infinity, { edge: 1 }), again(1, "a"));
    expect(turns()).toEqual(["turned", "ended", "turned"]);
    expect(program.told).toEqual(["advance Infinity"]);
    expect(feed.state().redelivered).toEqual([]);
  });

  test("one of an edge that does not lead here is corruption", async () => {
    await append(again(1, "a", 0, 7));
    expect(() => feed.turn(true)).toThrow(expect.objectContaining({ code: "CORRUPT" }));
  });
});

test("a look says what lies behind the last message whose turn ended, and how large the log is", async () => {
  expect(await rig.result(feed.look())).toEqual({ lag: 0, bytes: 0 });
  const sender = new Sender();
  await append(sender.frame("a"), sender.frame("b"), sender.frame("c"));
  feed.turn(true);
  const { bytes } = await rig.result(log.info());
  expect(bytes).toBeGreaterThan(0);
  expect(await rig.result(feed.look())).toEqual({ lag: 2, bytes });
});
