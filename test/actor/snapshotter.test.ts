/** A snapshot step by step: what comes before what, what is kept, and what goes. */
import { beforeEach, describe, expect, test } from "vitest";
import type { Feed } from "../../framework/actor/feed.ts";
import type { Outputs } from "../../framework/actor/outputs.ts";
import { PointerRegister } from "../../framework/actor/pointer-register.ts";
import type { SinkQueue } from "../../framework/actor/sink-queue.ts";
import { SnapshotStore } from "../../framework/actor/snapshot-store.ts";
import { Snapshotter } from "../../framework/actor/snapshotter.ts";
import type { StageProgram } from "../../framework/operator/program.ts";
import type { EncodedSegment } from "../../framework/state/segment-cut.ts";
import { noCounts, Rig, WatchedBlobs } from "./rig.ts";

const owner = { stage: "sums", partition: 0, epoch: 5 };

/** A whole incarnation around a snapshotter, as small as it can be. */
class World {
  readonly rig = new Rig();
  readonly told: string[] = [];
  readonly blobs: WatchedBlobs;
  readonly pointer: PointerRegister;
  readonly snapshotter: Snapshotter;
  position = 0;
  ordinal = 0;
  segments: EncodedSegment[] = [];
  acknowledging: Promise<void> = Promise.resolve();
  committing: Promise<void> = Promise.resolve();
  slices = 0;

  constructor(blobs: WatchedBlobs, pointer: PointerRegister) {
    this.blobs = blobs;
    this.pointer = pointer;
    this.snapshotter = new Snapshotter(
      {
        identity: { generation: 1, ...owner, codeVersion: "v", runtimeVersion: "r" },
        program: { cut: () => this.#cut() } as unknown as StageProgram,
        feed: {
          state: () => this.#feedState(),
          trim: (sequence: number) => this.#say(`trim ${sequence}`),
        } as unknown as Feed,
        outputs: { states: () => [{ edge: 0, to: 0, last: this.ordinal, check: 0 }], ordinal: 0 } as unknown as Outputs,
        sinks: [this.#sink()],
        pointer,
        store: new SnapshotStore(blobs, owner),
        snapshotBytes: 1_000_000,
        acknowledged: () => this.#acknowledged(),
        pause: () => this.#say("pause"),
      },
      [],
    );
  }

  static async begin(): Promise<World> {
    const rig = new Rig();
    const registers = await rig.result(rig.seams.registers("job"));
    const told: string[] = [];
    const inner = await rig.result(rig.seams.blobs("job", 1));
    const pointer = new PointerRegister(rig.platform, registers, "pointer.1.sums.0", owner.epoch);
    await rig.result(pointer.claim("inbox"));
    const blobs = new WatchedBlobs(inner, (what) => told.push(what));
    const world = new World(blobs, pointer);
    Object.assign(world, { rig, told });
    const advance = pointer.advance.bind(pointer);
    pointer.advance = (ref) => {
      told.push("move pointer");
      return advance(ref);
    };
    return world;
  }

  /** Takes a snapshot at `position` with these segments changed; answers what happened, in order. */
  async take(position: number, segments: EncodedSegment[] = []): Promise<string[]> {
    await this.rig.result(this.start(position, segments));
    return [...this.told];
  }

  /** Begins a snapshot, which the test then drives. */
  start(position: number, segments: EncodedSegment[] = [], isRelease = false): Promise<number> {
    this.told.length = 0;
    this.position = position;
    this.segments = segments;
    return this.snapshotter.take(isRelease);
  }

  names(): Promise<readonly string[]> {
    return this.rig.result(this.blobs.list("sums.0."));
  }

  #say(what: string): Promise<void> {
    this.told.push(what);
    return Promise.resolve();
  }

  async #acknowledged(): Promise<void> {
    await this.acknowledging;
    this.told.push("acknowledged");
  }

  #sink(): SinkQueue {
    const queue = {
      cut: () => Promise.resolve({ sink: "rows", last: this.ordinal, prepared: [] }),
      commit: async () => {
        await this.committing;
        this.told.push("commit");
      },
    };
    return queue as unknown as SinkQueue;
  }

  #cut() {
    let left = this.slices;
    const { segments } = this;
    return {
      nowMs: 0,
      random: 0,
      counts: noCounts,
      watermark: -Infinity,
      operators: new Uint8Array(0),
      encodeSome: () => (left -= 1) < 0,
      segments: () => segments,
      discard: () => undefined,
    };
  }

  #feedState() {
    return {
      sequence: this.position,
      anchor: 1,
      storedAtMs: 2,
      leader: 3,
      watermark: -Infinity,
      channelsIn: [],
      redelivered: [],
      edges: [],
      refused: {},
    };
  }
}

const segment = (index: number, content: string): EncodedSegment => ({ segment: index, bytes: Buffer.from(content) });

let world: World;

beforeEach(async () => {
  world = await World.begin();
});

describe("order", () => {
  test("chunks, acks and manifest, pointer, commit, trim, collection", async () => {
    await world.take(10, [segment(0, "a")]);
    await world.take(20, [segment(0, "b")]);
    expect(await world.take(30, [segment(0, "c"), segment(1, "d")])).toEqual([
      "put chunk",
      "acknowledged",
      "put manifest",
      "move pointer",
      "commit",
      "trim 20",
      "delete sums.0.5.1.m",
      "delete sums.0.5.1.0",
    ]);
  });

  test("H1: while an output up to the cut is not acknowledged, the pointer does not move", async () => {
    const acks = Promise.withResolvers<void>();
    world.acknowledging = acks.promise;
    const taken = world.start(10, [segment(0, "a")]);
    await world.rig.clock.settle();
    expect(world.told).toEqual(["put chunk", "put manifest"]);
    expect(world.pointer.current?.current).toBeUndefined();
    acks.resolve();
    await world.rig.result(taken);
    expect(world.pointer.current?.current?.sequence).toBe(10);
  });

  test("nothing is trimmed or removed before the sinks have committed", async () => {
    await world.take(10);
    await world.take(20);
    const committed = Promise.withResolvers<void>();
    world.committing = committed.promise;
    const taken = world.start(30);
    await world.rig.clock.settle();
    expect(world.told.at(-1)).toBe("move pointer");
    committed.resolve();
    await world.rig.result(taken);
    expect(world.told.slice(-3)).toEqual(["commit", "trim 20", "delete sums.0.5.1.m"]);
  });

  test("the last one before a release ends when its sinks have committed: trimming and collecting is left to the successor", async () => {
    await world.take(10, [segment(0, "a")]);
    await world.take(20, [segment(0, "b")]);
    await world.rig.result(world.start(30, [segment(0, "c")], true));
    expect(world.told.slice(-2)).toEqual(["move pointer", "commit"]);
    expect(world.pointer.current?.current?.sequence).toBe(30);
  });

  test("chunks are written side by side, and the pointer moves after the last of them", async () => {
    const segments = Array.from({ length: 40 }, (_, index) => segment(index, `${index}`.padEnd(20_000)));
    const told = await world.take(10, segments);
    expect(told.filter((what) => what === "put chunk")).toHaveLength(40);
    const stored = Math.max(told.lastIndexOf("put chunk"), told.indexOf("put manifest"));
    expect(told.indexOf("move pointer")).toBeGreaterThan(stored);
  });

  test("state is encoded in slices, with a pause between them", async () => {
    world.slices = 3;
    expect((await world.take(10)).slice(0, 3)).toEqual(["pause", "pause", "pause"]);
  });
});

describe("R6", () => {
  test("a segment that has not changed is shared by naming its chunk again, and goes when no retained manifest names it", async () => {
    await world.take(10, [segment(0, "a"), segment(1, "b")]);
    await world.take(20, [segment(1, "c")]);
    await world.take(30, [segment(1, "d")]);
    const chunks = (await world.names()).filter((name) => !name.includes(".m."));
    expect(chunks.map((name) => name.split(".").slice(2, 5).join("."))).toEqual(["5.1.0", "5.2.1", "5.3.1"]);
  });

  test("a chunk is never shared because the store has its content already", async () => {
    await world.take(10, [segment(0, "same")]);
    await world.take(20, [segment(0, "same")]);
    const chunks = (await world.names()).filter((name) => !name.includes(".m."));
    expect(chunks).toHaveLength(2);
  });

  test("a segment without state leaves the manifest", async () => {
    await world.take(10, [segment(0, "a")]);
    await world.take(20, [{ segment: 0, bytes: undefined }]);
    const store = new SnapshotStore(world.blobs, owner);
    const ref = world.pointer.current?.current;
    const manifest = ref === undefined ? undefined : await world.rig.result(store.getManifest(ref));
    expect(manifest?.segments).toEqual([]);
  });

  test("the last two snapshots are kept, nothing older", async () => {
    for (const position of [10, 20, 30, 40]) await world.take(position, [segment(0, String(position))]);
    const manifests = (await world.names()).filter((name) => name.includes(".m."));
    expect(manifests.map((name) => name.split(".")[3])).toEqual(["3", "4"]);
  });

  test("what crashed incarnations have left is swept once, after the own pointer has moved", async () => {
    const other = new SnapshotStore(world.blobs, { ...owner, epoch: 3 });
    await world.rig.result(other.putSegment(1, 0, Buffer.from("left behind")));
    const newer = new SnapshotStore(world.blobs, { ...owner, epoch: 9 });
    await world.rig.result(newer.putSegment(1, 0, Buffer.from("of a successor")));
    await world.take(10);
    const epochs = (await world.names()).map((name) => name.split(".")[2]);
    expect(new Set(epochs)).toEqual(new Set(["5", "9"]));
  });

  test("a pointer that has been claimed by a successor is not moved, and nothing is trimmed or removed", async () => {
    await world.take(10, [segment(0, "a")]);
    await world.take(20, [segment(0, "b")]);
    const registers = await world.rig.result(world.rig.seams.registers("job"));
    await world.rig.result(new PointerRegister(world.rig.platform, registers, "pointer.1.sums.0", 6).claim("inbox"));
    await expect(world.take(30, [segment(0, "c")])).rejects.toMatchObject({ code: "FENCED" });
    expect(world.told.at(-1)).toBe("move pointer");
  });
});

test("R7: the first snapshot trims nothing, the second one up to the first", async () => {
  expect((await world.take(10)).filter((what) => what.startsWith("trim"))).toEqual([]);
  expect((await world.take(20)).filter((what) => what.startsWith("trim"))).toEqual(["trim 10"]);
});

test("its size is what a restore reads: the manifest and every segment, also those that have not changed", async () => {
  const sizeOf = (text: string) => world.rig.result(world.start(10, [segment(0, text)]));
  const small = await sizeOf("a".repeat(200));
  expect(await sizeOf("a".repeat(1_200))).toBe(small + 1_000);
  const unchanged = await world.rig.result(world.start(20));
  expect(unchanged).toBe(small + 1_000);
});
