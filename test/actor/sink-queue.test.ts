/** The queue into a sink: order of calls, what counts as out, and what happens when the sink fails. */
import { beforeEach, describe, expect, test } from "vitest";
import { SinkQueue, type SinkCut } from "../../framework/actor/sink-queue.ts";
import { StreamError } from "../../framework/errors.ts";
import type { RefusedRow, SinkGuarantee, SinkRow, SinkWriter } from "../../framework/log/sink.ts";
import { Rig, sinkSpec } from "./rig.ts";

/** A sink that waits for the test before each call returns, and tells what was called. */
class StepSink implements SinkWriter {
  readonly calls: string[] = [];
  isAutomatic = true;
  fails = 0;
  refused: RefusedRow[] = [];
  overlaps = 0;
  #inCall = false;
  #go: (() => void) | undefined;

  async write(rows: readonly SinkRow[]): Promise<readonly RefusedRow[]> {
    await this.#call(`write ${rows.map(({ value }) => String(value)).join(" ")}`);
    return this.refused.splice(0);
  }
  async prepare(): Promise<Uint8Array | undefined> {
    await this.#call("prepare");
    return Buffer.from(`p${this.calls.filter((call) => call === "prepare").length}`);
  }
  async commit(prepared: Uint8Array): Promise<void> {
    await this.#call(`commit ${Buffer.from(prepared).toString()}`);
  }
  async recover(listed: readonly Uint8Array[]): Promise<void> {
    await this.#call(`recover ${listed.map((each) => Buffer.from(each).toString()).join(" ")}`);
  }
  close(): Promise<void> {
    this.calls.push("close");
    return Promise.resolve();
  }

  /** Lets the call under way return. */
  go(): void {
    this.#go?.();
    this.#go = undefined;
  }

  async #call(what: string): Promise<void> {
    this.calls.push(what);
    if (this.#inCall) this.overlaps += 1;
    this.#inCall = true;
    if (!this.isAutomatic) await new Promise<void>((resolve) => (this.#go = resolve));
    this.#inCall = false;
    if (this.fails > 0) {
      this.fails -= 1;
      throw new StreamError("SINK_UNAVAILABLE", "down");
    }
  }
}

let rig: Rig;
let sink: StepSink;
let told: string[];
let ordinal: number;

beforeEach(() => {
  rig = new Rig();
  sink = new StepSink();
  told = [];
  ordinal = 0;
});

function queue(guarantee: SinkGuarantee = "idempotent", state?: SinkCut): SinkQueue {
  return new SinkQueue("rows", sinkSpec(guarantee), state, rig.platform, {
    onProgress: () => told.push("progress"),
    onRefused: ({ row, reason }) => {
      told.push(`refused ${row.number} ${reason}`);
      return Promise.resolve();
    },
    onFailed: (error) => told.push(`failed ${String(error)}`),
  });
}

/** A writer's calls, to leave some out. */
function methodsOf(writer: StepSink): Required<SinkWriter> {
  return {
    write: (rows) => writer.write(rows),
    prepare: () => writer.prepare(),
    commit: (prepared) => writer.commit(prepared),
    recover: (listed) => writer.recover(listed),
    close: () => writer.close(),
  };
}

function add(into: SinkQueue, ...values: string[]): void {
  for (const value of values) into.add(value, 0, (ordinal += 1));
  into.flush();
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

test("K1: rows come in order of their numbers, and calls never overlap", async () => {
  const rows = queue();
  await rows.open(sink);
  sink.isAutomatic = false;
  add(rows, "a");
  add(rows, "b", "c");
  expect(sink.calls.at(-1)).toBe("write a");
  sink.go();
  await turn();
  expect(sink.calls.at(-1)).toBe("write b c");
  const cut = rows.cut();
  add(rows, "d");
  await turn();
  sink.go();
  await turn();
  expect((await cut).last).toBe(3);
  sink.go();
  await turn();
  expect(sink.calls.slice(1)).toEqual(["write a", "write b c", "write d"]);
  expect(sink.overlaps).toBe(0);
});

test("H1: a row counts as out when it has been confirmed, the oldest first", async () => {
  const rows = queue();
  await rows.open(sink);
  sink.isAutomatic = false;
  add(rows, "a");
  add(rows, "b");
  expect(rows.firstUnacknowledged).toBe(1);
  sink.go();
  await turn();
  expect(rows.firstUnacknowledged).toBe(2);
  sink.go();
  await turn();
  expect(rows.firstUnacknowledged).toBe(Infinity);
  expect(told).toEqual(["progress", "progress"]);
});

describe("cuts", () => {
  test("a cut resolves when everything before it is out; what comes after it waits for it", async () => {
    const rows = queue("twoPhase");
    await rows.open(sink);
    add(rows, "a", "b");
    const cut = rows.cut();
    add(rows, "c");
    await turn();
    expect(await cut).toEqual({ sink: "rows", last: 2, prepared: [Buffer.from("p1")] });
    await turn();
    expect(sink.calls.slice(1)).toEqual(["write a b", "prepare", "write c"]);
  });

  test("rows that nobody has flushed yet are written before the cut is prepared, however many batches they make", async () => {
    const rows = queue("twoPhase");
    await rows.open(sink);
    for (let count = 1; count <= 600; count += 1) rows.add("x", 0, (ordinal += 1));
    const state = await rows.cut();
    expect(state.last).toBe(600);
    expect(sink.calls.slice(1).map((call) => call.slice(0, 7))).toEqual(["write x", "write x", "prepare"]);
  });

  test("a commit goes before anything else, and takes what it made visible off the list", async () => {
    const rows = queue("twoPhase");
    await rows.open(sink);
    add(rows, "a");
    const first = await rows.cut();
    add(rows, "b");
    const second = await rows.cut();
    expect(second.prepared).toHaveLength(2);
    await rows.commit(first);
    expect(sink.calls.at(-1)).toBe("commit p1");
    add(rows, "c");
    expect((await rows.cut()).prepared.map((each) => Buffer.from(each).toString())).toEqual(["p2", "p3"]);
  });

  test("K2: after a claim what the snapshot lists is recovered before the first row is written", async () => {
    const rows = queue("twoPhase", { sink: "rows", last: 41, prepared: [Buffer.from("x"), Buffer.from("y")] });
    add(rows, "next");
    expect(sink.calls).toEqual([]);
    await rows.open(sink);
    await turn();
    expect(sink.calls).toEqual(["recover x y", "write next"]);
    expect(rows.last).toBe(42);
  });

  test("a transactional sink hands the next incarnation what it knows at a snapshot, and has nothing to commit for it", async () => {
    const { commit: _, ...without } = { ...methodsOf(sink) };
    const rows = queue("transactional");
    await rows.open(without);
    add(rows, "a");
    const state = await rows.cut();
    expect(state).toEqual({ sink: "rows", last: 1, prepared: [Buffer.from("p1")] });
    await rows.commit(state);
    expect((await rows.cut()).prepared).toEqual([Buffer.from("p2")]);
    const next = queue("transactional", state);
    await next.open(sink);
    expect(sink.calls.at(-1)).toBe("recover p1");
  });

  test("a sink that is not two-phase prepares nothing", async () => {
    const rows = queue("idempotent");
    await rows.open(sink);
    add(rows, "a");
    expect(await rows.cut()).toEqual({ sink: "rows", last: 1, prepared: [] });
    expect(sink.calls).not.toContain("prepare");
  });
});

describe("failures", () => {
  test("an outage is back-pressure: the same rows are offered again after a back-off, and new ones do not hurry it", async () => {
    const rows = queue();
    await rows.open(sink);
    sink.fails = 2;
    add(rows, "a");
    await turn();
    add(rows, "b");
    await turn();
    expect(sink.calls.slice(1)).toEqual(["write a"]);
    expect(rows.firstUnacknowledged).toBe(1);
    await rig.pass(51);
    expect(sink.calls.slice(1)).toEqual(["write a", "write a b"]);
    await rig.pass(101);
    expect(sink.calls.slice(1)).toEqual(["write a", "write a b", "write a b"]);
    expect(rows.firstUnacknowledged).toBe(Infinity);
    expect(told.filter((what) => what.startsWith("failed"))).toEqual([]);
  });

  test("a failed prepare or commit is repeated, and never skipped", async () => {
    const rows = queue("twoPhase");
    await rows.open(sink);
    add(rows, "a");
    await turn();
    sink.fails = 1;
    const cut = rows.cut();
    await turn();
    await rig.pass(51);
    const state = await cut;
    sink.fails = 1;
    const committed = rows.commit(state);
    await turn();
    await rig.pass(51);
    await committed;
    expect(sink.calls.slice(2)).toEqual(["prepare", "prepare", "commit p2", "commit p2"]);
  });

  test("a try that has waited for an answer has waited: the next one comes at once", async () => {
    const rows = queue();
    await rows.open(sink);
    sink.fails = 6;
    add(rows, "a");
    for (const waitMs of [50, 100, 200, 400]) {
      await turn();
      await rig.pass(waitMs + 1);
    }
    sink.isAutomatic = false;
    await rig.pass(801);
    expect(sink.calls.slice(1)).toHaveLength(6);
    await rig.pass(5_000);
    sink.go();
    await turn();
    await rig.pass(51);
    expect(sink.calls.slice(1)).toHaveLength(7);
    sink.go();
    await turn();
    expect(rows.firstUnacknowledged).toBe(Infinity);
  });

  test("what is no outage ends the incarnation", async () => {
    const rows = queue();
    await rows.open({ write: () => Promise.reject(new Error("bug")), close: () => Promise.resolve() });
    add(rows, "a");
    await turn();
    expect(told).toEqual([expect.stringContaining("failed")]);
  });

  test("a row refused for good is told, and the rest goes on", async () => {
    const rows = queue();
    await rows.open(sink);
    sink.refused = [{ row: { number: 1, value: "a", timestamp: 0 }, reason: "too long" }];
    add(rows, "a", "b");
    await turn();
    expect(told).toEqual(["refused 1 too long", "progress"]);
    expect(rows.firstUnacknowledged).toBe(Infinity);
  });
});

test("undo takes back the rows of a step, and their numbers", async () => {
  const rows = queue();
  await rows.open(sink);
  rows.mark(1);
  rows.add("kept", 0, 1);
  rows.mark(1);
  rows.add("gone", 0, 2);
  rows.add("gone", 0, 3);
  rows.undo();
  rows.add("next", 0, 2);
  rows.flush();
  await turn();
  expect(sink.calls.slice(1)).toEqual(["write kept next"]);
  expect(rows.last).toBe(2);
});

test("R13: above its bound the queue has no room until the sink has taken something", async () => {
  const rows = queue();
  for (let count = 0; count < 4_095; count += 1) rows.add("x", 0, count + 1);
  expect(rows.hasRoom).toBe(true);
  rows.add("x", 0, 4_096);
  expect(rows.hasRoom).toBe(false);
  await rows.open(sink);
  await turn();
  expect(rows.hasRoom).toBe(true);
});

test("a closed queue calls its writer no more", async () => {
  const rows = queue();
  await rows.open(sink);
  await rows.close();
  add(rows, "a");
  await turn();
  expect(sink.calls).toEqual(["recover ", "close"]);
});

test("a row is taken as it is in the turn: what happens to the object afterwards changes nothing", async () => {
  const rows = queue();
  const row = { celsius: 1, tags: ["a"] };
  rows.add(row, 0, 1);
  row.celsius = 99;
  row.tags.push("b");
  const written: unknown[] = [];
  const write = (given: readonly SinkRow[]) => Promise.resolve((written.push(...given.map(({ value }) => value)), []));
  await rows.open({ write, close: () => Promise.resolve() });
  await turn();
  expect(written).toEqual([{ celsius: 1, tags: ["a"] }]);
});
