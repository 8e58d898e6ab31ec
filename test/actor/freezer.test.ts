/** R17 in one incarnation: when it takes no turn because of a savepoint, and what it says of that. */
import { beforeEach, describe, expect, test } from "vitest";
import type { Incarnation } from "../../framework/actor/assembly.ts";
import { Freezer, type FreezeOwner } from "../../framework/actor/freezer.ts";
import { JobNames } from "../../framework/log/names.ts";
import { JobLogView } from "../../framework/protocol/job-log.ts";
import type { JobLogRecord } from "../../framework/record/messages.ts";

let view: JobLogView;
let changes: number;
let mustReadTo: number;
let snapshots: (() => boolean)[];

beforeEach(() => {
  view = new JobLogView();
  changes = 0;
  mustReadTo = 0;
  snapshots = [];
});

const append = (record: JobLogRecord) => view.apply(view.position + 1, 0, record);
const request = () => append({ kind: "savepoint", name: "first", by: "ada", mode: "resume", timeoutMs: 1_000 });
const end = (savepoint: number) =>
  append({ kind: "savepointEnd", leader: 0, savepoint, outcome: "cancelled", reason: "enough" });

function freezerOf(isSource: boolean): Freezer {
  const host = { savepoints: view, names: new JobNames("job", 1) } as unknown as FreezeOwner["host"];
  return new Freezer({
    host,
    chunks: { stage: "sum", partition: 0, epoch: 3 },
    isSource,
    mustReadTo: () => mustReadTo,
    changed: () => void (changes += 1),
    snapshot: (isOver) => {
      snapshots.push(isOver);
      return new Promise(() => undefined);
    },
    failed: (error) => {
      throw error;
    },
  });
}

/** What a freezer sees of an incarnation. */
interface Seen {
  position: number;
  drained: number;
}

const incarnation = (feed: Seen, producer?: object): Incarnation => ({ feed, producer }) as unknown as Incarnation;

describe("R17: a source", () => {
  test("takes no turn from the request on, and goes on when the savepoint is over", () => {
    const freezer = freezerOf(true);
    const source = incarnation({ position: 7, drained: 0 });
    expect(freezer.holds(source)).toBe(false);
    request();
    expect(freezer.holds(source)).toBe(true);
    end(1);
    expect(freezer.holds(source)).toBe(false);
  });

  test("that pushes reads what was pushed before, and nothing is pushed until it goes on", async () => {
    const calls: string[] = [];
    const pausing = Promise.withResolvers<number>();
    const producer = { pause: () => (calls.push("pause"), pausing.promise), start: () => calls.push("start") };
    const feed = { position: 3, drained: 0 };
    const source = incarnation(feed, producer);
    const freezer = freezerOf(true);
    request();
    freezer.look(source, true);
    freezer.look(source, true);
    expect(calls).toEqual(["pause"]);
    expect(freezer.holds(source)).toBe(false);
    pausing.resolve(5);
    await pausing.promise;
    expect(freezer.holds(source)).toBe(false);
    feed.position = 5;
    expect(freezer.holds(source)).toBe(true);
    end(1);
    freezer.look(source, true);
    expect(calls).toEqual(["pause", "start"]);
  });
});

describe("SP5: the job is stopped with what is held", () => {
  const stop = (): void => {
    append({ kind: "leaderStart", worker: "w1" });
    append({ kind: "savepoint", name: "upgrade", by: "ada", mode: "hold", timeoutMs: 1_000 });
    append({ kind: "savepointEnd", leader: 1, savepoint: 2, outcome: "complete", reason: "" });
    append({ kind: "command", command: "stop", by: "upgrade to generation 2" });
  };

  test("no instance takes a turn any more, be it old or just restored", () => {
    stop();
    expect(freezerOf(true).holds(incarnation({ position: 7, drained: 0 }))).toBe(true);
    expect(freezerOf(false).holds(incarnation({ position: 7, drained: 2 }))).toBe(true);
    expect(freezerOf(false).holds(incarnation({ position: 7, drained: 0 }))).toBe(false);
  });

  test("what is frozen stays so", () => {
    append({ kind: "leaderStart", worker: "w1" });
    append({ kind: "savepoint", name: "upgrade", by: "ada", mode: "hold", timeoutMs: 1_000 });
    const freezer = freezerOf(false);
    const frozen = incarnation({ position: 7, drained: 2 });
    freezer.look(frozen, true);
    append({ kind: "savepointEnd", leader: 1, savepoint: 2, outcome: "complete", reason: "" });
    append({ kind: "command", command: "stop", by: "upgrade to generation 2" });
    freezer.look(frozen, true);
    expect(freezer.isFrozen).toBe(true);
  });

  test("nothing is pushed", () => {
    stop();
    const calls: string[] = [];
    const producer = { pause: () => (calls.push("pause"), Promise.resolve(7)), start: () => calls.push("start") };
    freezerOf(true).look(incarnation({ position: 7, drained: 0 }, producer), true);
    expect(calls).toEqual(["pause"]);
  });
});

describe("R17: an instance with an inbox", () => {
  test("takes no turn where the drains of all its edges have been read, and not before", () => {
    const freezer = freezerOf(false);
    const feed = { position: 7, drained: 0 };
    request();
    expect(freezer.holds(incarnation(feed))).toBe(false);
    feed.drained = 1;
    expect(freezer.holds(incarnation(feed))).toBe(true);
  });

  test("reads first what it has said to itself", () => {
    const freezer = freezerOf(false);
    const feed = { position: 7, drained: 1 };
    request();
    mustReadTo = 9;
    expect(freezer.holds(incarnation(feed))).toBe(false);
    feed.position = 9;
    expect(freezer.holds(incarnation(feed))).toBe(true);
  });

  test("FZ1: says that it is frozen when all that it has said is acknowledged; then alone it is copied", () => {
    const freezer = freezerOf(false);
    const frozen = incarnation({ position: 7, drained: 1 });
    request();
    freezer.look(frozen, false);
    expect(freezer.isFrozen).toBe(true);
    expect(freezer.freeze).toBeUndefined();
    expect(snapshots).toHaveLength(0);
    freezer.look(frozen, true);
    expect(freezer.freeze).toEqual({ savepoint: 1, manifest: [], failure: "" });
    freezer.look(frozen, true);
    expect(snapshots).toHaveLength(1);
  });

  test("F1: freezes for a request that its worker has not read yet, and is copied when it has", () => {
    const freezer = freezerOf(false);
    const frozen = incarnation({ position: 7, drained: 1 });
    freezer.look(frozen, true);
    expect(freezer.isFrozen).toBe(true);
    expect(freezer.freeze).toBeUndefined();
    request();
    freezer.look(frozen, true);
    expect(freezer.freeze?.savepoint).toBe(1);
  });

  test("what is being copied is not wanted any more when the savepoint is over", () => {
    const freezer = freezerOf(false);
    const frozen = incarnation({ position: 7, drained: 1 });
    request();
    freezer.look(frozen, true);
    expect(snapshots[0]?.()).toBe(false);
    end(1);
    freezer.look(frozen, true);
    expect(snapshots[0]?.()).toBe(true);
    expect(freezer.freeze).toBeUndefined();
    expect(changes).toBeGreaterThan(0);
  });
});
