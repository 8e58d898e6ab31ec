/** One incarnation: the order of a claim, what it says when it ends, and what it leaves running when it ends too early. */
import { beforeEach, describe, expect, test } from "vitest";
import { callback, fromArray, job, type Job, type SourceSpec } from "tidemark";
import { noMarks, type InstanceHost, type Reporter } from "../../framework/actor/host.ts";
import { Instance } from "../../framework/actor/instance.ts";
import { StreamError } from "../../framework/errors.ts";
import type { Registers } from "../../framework/log/contracts.ts";
import { JobLogView } from "../../framework/protocol/job-log.ts";
import { JobNames } from "../../framework/log/names.ts";
import { compile } from "../../framework/plan/compile.ts";
import { embeddedDefaults } from "../../framework/plan/options.ts";
import type { Plan } from "../../framework/plan/plan.ts";
import { json } from "../../framework/record/json-codec.ts";
import { decodeMessage, encodeControl } from "../../framework/record/frame.ts";
import type { SplitRecord } from "../../framework/record/messages.ts";
import { decodePointer, encodePointer } from "../../framework/record/wire/snapshot.ts";
import { Rig } from "./rig.ts";

/** A source, a keyed stage of two partitions, and another one behind it. */
function chain(source: SourceSpec<number> = fromArray<number>([])): Job {
  const plant = job("chain", { partitions: 2, version: "test" });
  plant
    .source("numbers", source)
    .keyBy((number) => number)
    .process({ process: (number) => [number] })
    .named("first")
    .keyBy((number) => number)
    .process({ process: (number) => [number] })
    .named("second")
    .to(callback("out", () => undefined));
  return plant;
}

let rig: Rig;
let told: string[];
/** Fences wait here until the test lets them be stored. */
let gate: Promise<void> | undefined;
/** Where the job log has assignments of the instance. */
let named: Set<number>;

beforeEach(() => {
  rig = new Rig();
  told = [];
  gate = undefined;
  named = new Set();
});

const planOf = (program: Job): Plan => compile(program, { defaults: embeddedDefaults, version: "test" });

async function hostOf(plan: Plan): Promise<InstanceHost> {
  const names = new JobNames(plan.job, 1);
  const registers = await rig.result(rig.seams.registers(plan.job));
  const blobs = await rig.result(rig.seams.blobs(plan.job, 1));
  const write = (what: string, key: string) => told.push(`${what} ${key.split(".").slice(2).join("/")}`);
  const watched: Registers = {
    get: (key) => registers.get(key),
    list: (prefix) => registers.list(prefix),
    delete: (key) => registers.delete(key),
    create: (key, value) => (write("claim", key), registers.create(key, value)),
    update: (key, value, revision) => (write("claim", key), registers.update(key, value, revision)),
  };
  const open = (stage: number, partition: number) =>
    rig.seams.logs.create(names.inbox(plan.stages[stage]?.name ?? "", partition), {
      maxBytes: 1_000_000,
      full: "refuse",
    });
  return {
    platform: rig.platform,
    plan,
    names,
    registers: watched,
    blobs: () => blobs,
    probe: {},
    marks: noMarks,
    originOf: () => Promise.resolve(undefined),
    isHeld: false,
    skipsOf: () => [],
    ends: { cluster: undefined, logger: rig.platform.logger },
    startedMs: 0,
    codeVersion: "test",
    findLane: () => ({
      hasRoom: true,
      isFilling: false,
      join: () => undefined,
      leave: () => undefined,
      offer: () => undefined,
      forget: () => undefined,
      onPending: () => undefined,
    }),
    openInbox: open,
    openIngress: () => rig.seams.logs.create(names.ingress("numbers", 0), { maxBytes: 1_000_000, full: "refuse" }),
    appendControl: async (stage, partition, payload) => {
      const message = decodeMessage(payload);
      const whose = message.kind === "epochStart" ? `${message.instance.stage}/${message.instance.partition}` : "";
      told.push(`${message.kind} of ${whose} into ${stage}/${partition}`);
      await gate;
      return told.length;
    },
    splitOf: (stage, index): SplitRecord => ({
      kind: "split",
      leader: 1,
      stage,
      index,
      name: "0",
      identity: "array of 0",
    }),
    assignsAt: (sequence) => Promise.resolve(named.has(sequence)),
    isDraining: false,
    savepoints: new JobLogView(),
    openSavepoints: () => rig.seams.savepoints(plan.job),
    hasManualWatermarks: false,
    onChanged: () => undefined,
  };
}

async function start(epoch: number, plan = planOf(chain()), stage = 1): Promise<Instance> {
  const of = plan.stages[stage];
  if (of === undefined) throw new Error("no such stage");
  const instance = new Instance(await hostOf(plan), { stage, partition: 1 }, of, epoch);
  instance.start();
  await rig.clock.settle();
  return instance;
}

describe("R5: a claim", () => {
  test("the pointer first, then the own inbox, then every inbox downstream", async () => {
    const instance = await start(7);
    expect(told).toEqual([
      "claim first/1",
      "epochStart of 1/1 into 1/1",
      "epochStart of 1/1 into 2/0",
      "epochStart of 1/1 into 2/1",
    ]);
    expect(instance.phase).toBe("replaying");
  });

  test("nothing is restored or read before every fence has been stored", async () => {
    const stored = Promise.withResolvers<void>();
    gate = stored.promise;
    const instance = await start(7);
    expect(instance.phase).toBe("claiming");
    expect(told).toEqual(["claim first/1", "epochStart of 1/1 into 1/1"]);
    stored.resolve();
    await rig.clock.settle();
    expect(instance.phase).toBe("replaying");
  });

  test("nor before the last of the fences downstream", async () => {
    const last = Promise.withResolvers<number>();
    const instance = await start(6);
    expect(instance.phase).toBe("replaying");
    const plan = planOf(chain());
    const host = await hostOf(plan);
    const slow: InstanceHost = {
      ...host,
      appendControl: (stage, partition) => (stage === 2 && partition === 1 ? last.promise : Promise.resolve(1)),
    };
    const next = new Instance(slow, { stage: 1, partition: 1 }, plan.stages[1] as Plan["stages"][number], 9);
    next.start();
    await rig.clock.settle();
    expect(next.phase).toBe("claiming");
    last.resolve(1);
    await rig.clock.settle();
    expect(next.phase).toBe("replaying");
  });

  test("a lower epoch ends quietly, having fenced nobody", async () => {
    named.add(7);
    await start(7);
    told.length = 0;
    const older = await start(6);
    expect(older.phase).toBe("fenced");
    expect(told.filter((what) => what.startsWith("epochStart"))).toEqual([]);
    expect(older.report().failure).toBe("");
  });

  test("R8: an epoch in the pointer that the job log does not name is one that it has lost", async () => {
    await start(7);
    expect((await start(6)).report().failure).toContain(
      "DATA_LOST: first/1: epoch 6 finds its pointer with epoch 7, which the job log does not name",
    );
  });

  test("R4: a newer epoch that claims between this one's look and its claim is the one that the job log is asked about", async () => {
    named.add(7);
    const plan = planOf(chain());
    const host = await hostOf(plan);
    const registers: Registers = {
      ...host.registers,
      create: async (key, value) => {
        await host.registers.create(key, encodePointer({ ...decodePointer(value), token: "another", epoch: 7 }));
        return host.registers.create(key, value);
      },
    };
    const late = { ...host, registers };
    const instance = new Instance(late, { stage: 1, partition: 1 }, plan.stages[1] as Plan["stages"][number], 6);
    instance.start();
    await rig.clock.settle();
    expect(instance.report().failure).toBe("");
    expect(instance.phase).toBe("fenced");
  });

  test("R4: the own epoch in the pointer has been given out twice: the job log has lost the first one", async () => {
    named.add(7);
    await start(7);
    expect((await start(7)).report().failure).toContain("DATA_LOST");
  });
});

describe("R8: a chunk of a snapshot that is gone when it is read back has been swept by a successor", () => {
  test.each([
    ["takes", (instance: Instance) => instance.considerSnapshot()],
    ["takes last", (instance: Instance) => Promise.resolve(instance.release())],
  ] as const)("whatever snapshot it is that it %s", async (_what, take) => {
    const plan = planOf(chain());
    const host = await hostOf(plan);
    const blobs = { ...host.blobs(() => false), put: () => Promise.resolve(), get: () => Promise.resolve(undefined) };
    const first = plan.stages[1] as Plan["stages"][number];
    const instance = new Instance({ ...host, blobs: () => blobs }, { stage: 1, partition: 1 }, first, 7);
    instance.start();
    const inbox = await rig.result(host.openInbox(1, 1));
    await rig.result(inbox.append(encodeControl({ kind: "epochStart", instance: instance.id, epoch: 7, floors: [] })));
    await rig.clock.settle();
    expect(instance.phase).toBe("running");
    await start(9);
    await rig.clock.advance(60_000);
    await rig.result(take(instance));
    await rig.clock.settle();
    expect(instance.report().failure).toBe("");
    expect(instance.phase).toBe("fenced");
  });
});

describe("how it ends", () => {
  test("a failure is told with its code, and is not the end of anybody else", async () => {
    const instance = await start(7);
    instance.fail(new StreamError("UNAVAILABLE", "the disk"));
    expect(instance.phase).toBe("failed");
    expect(instance.report()).toMatchObject({ state: "failed", failure: "UNAVAILABLE: the disk", epoch: 7 });
  });

  test.each([
    ["failed", (instance: Instance) => instance.fail(new Error("the disk"))],
    ["released", (instance: Instance) => instance.release()],
  ] as const)("%s: that is news at the very moment at which it is told", async (phase, end) => {
    const plan = planOf(chain());
    const news: [string, boolean][] = [];
    const onChanged = ({ phase: now, hasNews }: Reporter) => void news.push([now, hasNews]);
    const host = { ...(await hostOf(plan)), onChanged };
    const instance = new Instance(host, { stage: 1, partition: 1 }, plan.stages[1] as Plan["stages"][number], 7);
    instance.start();
    await rig.clock.settle();
    instance.report();
    end(instance);
    await rig.clock.settle();
    expect(news.at(-1)).toEqual([phase, true]);
  });

  test("superseded: quietly", async () => {
    const instance = await start(7);
    instance.supersede(9);
    expect(instance.phase).toBe("fenced");
    expect(instance.report().failure).toBe("");
  });

  test("released: after that nothing moves it", async () => {
    const instance = await start(7);
    instance.release();
    await rig.clock.settle();
    expect(instance.phase).toBe("released");
    instance.fail(new Error("late"));
    expect(instance.phase).toBe("released");
  });

  test("released: it does not wait for ever for those who are gone before", async () => {
    const plan = planOf(chain(fromArray([1, 2, 3])));
    const split: SplitRecord = { kind: "split", leader: 1, stage: 0, index: 0, name: "0", identity: "array of 3" };
    const host = { ...(await hostOf(plan)), splitOf: () => split };
    const instance = new Instance(host, { stage: 0, partition: 0 }, plan.stages[0] as Plan["stages"][number], 7);
    instance.start();
    await rig.pass(100);
    instance.release();
    await rig.pass(4_000);
    expect(instance.phase).toBe("draining");
    await rig.pass(2_000);
    expect(instance.phase).toBe("released");
  });

  test("R8: an inbox that is gone is data loss for the owner of the pointer", async () => {
    const instance = await start(7);
    await rig.result(rig.seams.logs.delete("TM_chain_1_IN_first_1"));
    expect(instance.phase).toBe("failed");
    expect(instance.report().failure).toContain("DATA_LOST");
  });

  test("R8: for anybody else it is only fenced: the successor may have trimmed what is missing", async () => {
    const instance = await start(7);
    const registers = await rig.result(rig.seams.registers("chain"));
    const found = await rig.result(registers.get("pointer.1.first.1"));
    const pointer = decodePointer(found?.value ?? new Uint8Array(0));
    await rig.result(
      registers.update(
        "pointer.1.first.1",
        encodePointer({ ...pointer, epoch: 8, token: "newer" }),
        found?.revision ?? 0,
      ),
    );
    await rig.result(rig.seams.logs.delete("TM_chain_1_IN_first_1"));
    expect(instance.phase).toBe("fenced");
  });
});

describe("ended while it is being restored", () => {
  let producers: number;

  /** A push source whose producer is counted while it runs. */
  function pushing(): SourceSpec<number> {
    return {
      description: "pushing",
      reader: {
        kind: "push",
        codec: json<number>(),
        splits: () => Promise.resolve([{ name: "0", identity: "array of 0" }]),
        produce: () => {
          producers += 1;
          return () => void (producers -= 1);
        },
      },
    };
  }

  beforeEach(() => {
    producers = 0;
  });

  test("a producer runs while its instance does", async () => {
    const instance = await start(7, planOf(chain(pushing())), 0);
    expect(producers).toBe(1);
    instance.supersede(9);
    expect(producers).toBe(0);
  });

  test("one that has been superseded meanwhile leaves no producer and no reader behind", async () => {
    const plan = planOf(chain(pushing()));
    const host = await hostOf(plan);
    const opening = Promise.withResolvers<void>();
    const slow: InstanceHost = {
      ...host,
      openIngress: async (stage, split) => {
        await opening.promise;
        return host.openIngress(stage, split);
      },
    };
    const instance = new Instance(slow, { stage: 0, partition: 0 }, plan.stages[0] as Plan["stages"][number], 7);
    instance.start();
    await rig.clock.settle();
    expect(instance.phase).toBe("restoring");
    instance.supersede(9);
    opening.resolve();
    await rig.clock.settle();
    expect(instance.phase).toBe("fenced");
    expect(producers).toBe(0);
  });
});
