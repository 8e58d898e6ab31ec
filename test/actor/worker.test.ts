/** Workers of a job: who leads, who hosts what, and what becomes of it when one goes. */
import { describe, expect, test } from "vitest";
import { callback, fromArray, job, type Job } from "tidemark";
import { testJob, type TestJob } from "tidemark/testing";
import { StreamError, type ErrorCode } from "../../framework/errors.ts";
import type { Log, Seams } from "../../framework/log/contracts.ts";
import { JobNames } from "../../framework/log/names.ts";
import { MemorySeams } from "../../framework/log/memory-seams.ts";
import type { Logger } from "../../framework/platform/platform.ts";
import type { VirtualClock } from "../../framework/platform/virtual-clock.ts";
import { encodeJobLogRecord } from "../../framework/record/wire/job-log.ts";
import { oneExchange, readings, twoExchanges } from "./jobs.ts";

/** Seams whose Bus loses what the test says. */
function losing(isLost: (subject: string) => boolean): (clock: VirtualClock) => Seams {
  return (clock) => {
    const seams = new MemorySeams(clock);
    return {
      logs: seams.logs,
      holdings: seams.holdings,
      registers: (name) => seams.registers(name),
      blobs: (name, generation) => seams.blobs(name, generation),
      savepoints: (name) => seams.savepoints(name),
      bus: {
        publish: (subject, payload) => {
          if (!isLost(subject)) seams.bus.publish(subject, payload);
        },
        subscribe: (subject, onMessage) => seams.bus.subscribe(subject, onMessage),
        request: (subject, payload, timeoutMs) => seams.bus.request(subject, payload, timeoutMs),
      },
    };
  };
}

/** Seams whose Bus has no answer to any ping. */
function unasked(clock: VirtualClock): Seams {
  const seams = losing(() => false)(clock);
  const { bus } = seams;
  const late = (subject: string) => Promise.reject(new StreamError("TIMEOUT", subject));
  return {
    ...seams,
    bus: {
      publish: (subject, payload) => bus.publish(subject, payload),
      subscribe: (subject, onMessage) => bus.subscribe(subject, onMessage),
      request: (subject, payload, timeoutMs) =>
        subject.endsWith(".ping") ? late(subject) : bus.request(subject, payload, timeoutMs),
    },
  };
}

const hostsOf = (t: TestJob) => new Set(t.status().instances.map(({ worker }) => worker));

/** The job log. */
async function opened(t: TestJob): Promise<Log> {
  const opening = t.seams.logs.open(new JobNames(t.plan.job, 1).jobLog);
  await t.clock(10);
  return opening;
}

async function finishes(t: TestJob): Promise<void> {
  await t.feed("readings", readings(4, 0, 2_000));
  await t.endOfInput();
  expect(t.outcome).toBe("completed");
  expect(t.take("out")).toHaveLength(8);
}

describe("leadership", () => {
  test("the first worker leads at once; the others do not stand", async () => {
    const t = await testJob(twoExchanges(), { workers: 3 });
    const { epoch } = t.status().leader as { epoch: number };
    expect(epoch).toBe(1);
    await t.clock(10_000);
    expect(t.status().leader).toMatchObject({ epoch: 1 });
    expect(t.workers.filter(({ isLeader }) => isLeader)).toHaveLength(1);
  });

  test("the leader lost: another worker leads with a higher epoch, and the job goes on", async () => {
    const t = await testJob(twoExchanges(), { workers: 3 });
    const before = t.status().leader as { epoch: number; worker: string };
    await t.crash("leader");
    const after = t.status().leader as { epoch: number; worker: string };
    expect(after.epoch).toBeGreaterThan(before.epoch);
    expect(after.worker).not.toBe(before.worker);
    expect(hostsOf(t).has(before.worker)).toBe(false);
    await finishes(t);
  });

  test("a leader that reads its successor and a stop at once leads no more", async () => {
    const t = await testJob(twoExchanges(), { workers: 2 });
    const leader = t.workers.find(({ isLeader }) => isLeader);
    const log = await opened(t);
    void log.append(encodeJobLogRecord({ kind: "leaderStart", worker: "another one" }));
    void log.append(encodeJobLogRecord({ kind: "command", command: "stop", by: "ada" }));
    await t.virtualClock.until(() => leader?.phase !== "working", 5_000);
    expect([leader?.phase, leader?.isLeader]).toEqual(["leaving", false]);
  });

  test("heartbeats that nobody hears: another one stands after two seconds, and both come to one leader", async () => {
    let isDeaf = false;
    const t = await testJob(twoExchanges(), {
      workers: 2,
      seams: losing((subject) => isDeaf && subject.endsWith(".heartbeat")),
    });
    isDeaf = true;
    await t.clock(1_500);
    expect(t.status().leader).toMatchObject({ epoch: 1 });
    await t.clock(1_500);
    isDeaf = false;
    await t.clock(5_000);
    expect((t.status().leader as { epoch: number }).epoch).toBeGreaterThan(1);
    expect(t.workers.filter(({ isLeader }) => isLeader)).toHaveLength(1);
    await finishes(t);
  });
});

describe("a leader that goes", () => {
  test("leads until another one does: nobody waits for a silence", async () => {
    const t = await testJob(twoExchanges(), { workers: 3 });
    const before = t.status().leader as { epoch: number; worker: string };
    const leaving = t.workers.find(({ isLeader }) => isLeader);
    const sinceMs = t.virtualClock.monotonicMs();
    const stopped = leaving?.stop();
    await t.virtualClock.until(() => leaving?.phase === "left", 5_000);
    await stopped;
    expect(t.virtualClock.monotonicMs() - sinceMs).toBeLessThan(200);
    await t.clock(200);
    const { instances, leader, totals } = t.status();
    expect((leader as { worker: string }).worker).not.toBe(before.worker);
    expect(instances.every(({ state, worker }) => state === "running" && worker !== before.worker)).toBe(true);
    expect(totals.restarts).toBe(0);
    await finishes(t);
  });

  test("the last worker goes at once", async () => {
    const t = await testJob(twoExchanges(), { workers: 1 });
    const [only] = t.workers;
    const sinceMs = t.virtualClock.monotonicMs();
    const stopped = only?.stop();
    await t.virtualClock.until(() => only?.phase === "left", 5_000);
    await stopped;
    expect(t.virtualClock.monotonicMs() - sinceMs).toBeLessThan(200);
  });

  test("one that is reported dead has one successor, not one per worker", async () => {
    const said: string[] = [];
    const logger: Logger = { log: (_level, message) => void said.push(message), child: () => logger };
    const t = await testJob(twoExchanges(), { workers: 5, logger });
    await t.crash("leader");
    await t.clock(1_000);
    expect(said.filter((message) => message === "leading")).toHaveLength(2);
  });
});

/** How long it takes until the others have what a worker had that ends without a word, ms. */
async function bereavedMs(t: TestJob): Promise<number> {
  const victim = t.workers.find(({ isLeader }) => !isLeader);
  const sinceMs = t.virtualClock.monotonicMs();
  victim?.kill();
  await t.virtualClock.until(() => !hostsOf(t).has(victim?.id ?? ""), 10_000);
  return t.virtualClock.monotonicMs() - sinceMs;
}

test("a worker that is gone loses its instances when nobody listens where it did, after a second of silence", async () => {
  const t = await testJob(twoExchanges(), { workers: 2 });
  await t.clock(3_000);
  const tookMs = await bereavedMs(t);
  expect(tookMs).toBeGreaterThan(500);
  expect(tookMs).toBeLessThan(1_550);
});

test("a leader that is gone is followed in the same way", async () => {
  const t = await testJob(twoExchanges(), { workers: 3 });
  await t.clock(3_000);
  const sinceMs = t.virtualClock.monotonicMs();
  t.workers.find(({ isLeader }) => isLeader)?.kill();
  await t.virtualClock.until(() => t.workers.some(({ isLeader }) => isLeader), 10_000);
  expect(t.virtualClock.monotonicMs() - sinceMs).toBeLessThan(1_700);
  await finishes(t);
});

test("a worker that says nothing any more and cannot be asked loses its instances two seconds after its last word, not with a later heartbeat", async () => {
  const t = await testJob(twoExchanges(), { workers: 2, seams: unasked });
  expect(await bereavedMs(t)).toBeLessThan(2_050);
});

describe("placement", () => {
  test("a worker that joins is given its share, by graceful moves: nothing crashes and nothing is lost", async () => {
    const t = await testJob(twoExchanges(), { partitions: 4 });
    await t.feed("readings", readings(4, 0, 1_000));
    const joined = await t.startWorker();
    await t.clock(5_000);
    const counts = new Map<string, number>();
    for (const { worker } of t.status().instances) counts.set(worker, (counts.get(worker) ?? 0) + 1);
    expect(counts.size).toBe(2);
    expect(Math.abs((counts.get(joined.id) ?? 0) - t.status().instances.length / 2)).toBeLessThanOrEqual(1);
    expect(t.status().totals.restarts).toBe(0);
    await t.feed("readings", readings(4, 1_000, 2_000));
    await t.endOfInput();
    expect(t.take("out")).toHaveLength(8);
  });

  test("a worker lost: its instances go to the others, and it does not count as their crash", async () => {
    const t = await testJob(twoExchanges(), { workers: 3, partitions: 3, restart: { max: 0 } });
    const victim = t.workers.find(({ isLeader }) => !isLeader)?.id ?? "";
    const others = t.status().instances.filter(({ worker }) => worker !== victim);
    await t.crash(victim);
    await t.clock(5_000);
    expect(hostsOf(t).has(victim)).toBe(false);
    const now = new Map(t.status().instances.map((instance) => [instance.name, instance]));
    const stayed = others.filter(({ name, worker }) => now.get(name)?.worker === worker);
    expect(stayed.length).toBeGreaterThan(0);
    expect(stayed.map(({ name }) => now.get(name)?.epoch)).toEqual(stayed.map(({ epoch }) => epoch));
    await finishes(t);
  });

  test("what is assigned to a worker that goes already is let go by it at once: nobody waits for its silence", async () => {
    const t = await testJob(twoExchanges(), { workers: 2, partitions: 2 });
    const { instances, leader } = t.status();
    const { epoch } = leader as { epoch: number };
    const leaving = t.workers.find(({ isLeader }) => !isLeader);
    const moved = instances.find(({ worker, name }) => worker !== leaving?.id && name.endsWith("/0"));
    const stage = t.plan.stages.findIndex(({ name }) => moved?.name === `${name}/0`);
    const log = await opened(t);
    const assignment = {
      instance: { stage, partition: 0 },
      worker: leaving?.id ?? "",
      cause: "balance",
      detail: "",
    } as const;
    void log.append(encodeJobLogRecord({ kind: "assignment", leader: epoch, ...assignment }));
    const stopped = leaving?.stop();
    await t.virtualClock.until(() => leaving?.phase === "left", 5_000);
    await stopped;
    await t.clock(500);
    const now = t.status().instances.find(({ name }) => name === moved?.name);
    expect(now?.epoch).toBeGreaterThan((moved?.epoch ?? 0) + 1);
    expect(now).toMatchObject({ state: "running", worker: moved?.worker });
    await finishes(t);
  });

  test("a worker that is asked to go takes last snapshots, releases, and everything goes on elsewhere", async () => {
    const t = await testJob(twoExchanges(), { workers: 2, partitions: 2 });
    await t.feed("readings", readings(4, 0, 1_000));
    const leaving = t.workers.find(({ isLeader }) => !isLeader);
    const stopped = leaving?.stop();
    await t.clock(5_000);
    await stopped;
    expect(leaving?.phase).toBe("left");
    expect(hostsOf(t).has(leaving?.id ?? "")).toBe(false);
    expect(t.status().instances.every(({ state }) => state === "running")).toBe(true);
    await t.feed("readings", readings(4, 1_000, 2_000));
    await t.endOfInput();
    expect(t.take("out")).toHaveLength(8);
  });
});

describe("reports", () => {
  test("a lost report is made good by the next one, without anything new to say", async () => {
    let isLost = false;
    const t = await testJob(twoExchanges(), {
      // A snapshot would be something new to say.
      snapshotInterval: "1h",
      seams: losing((subject) => isLost && subject.endsWith(".reports")),
    });
    await t.feed("readings", readings(1, 0, 1_000));
    isLost = true;
    await t.watermark("readings", 999);
    expect(t.take("out")).toEqual([]);
    isLost = false;
    await t.settle();
    expect(t.take("out")).toEqual([]);
    await t.clock(3_100);
    expect(t.take("out")).toHaveLength(1);
  });

  test("a new leader is told everything at once, not with the next round of reports", async () => {
    const t = await testJob(twoExchanges(), { workers: 5 });
    for (let round = 0; round < 4; round += 1) {
      const before = t.virtualClock.monotonicMs();
      await t.crash("leader");
      expect(t.virtualClock.monotonicMs() - before).toBeLessThan(250);
      await t.clock(260);
    }
  });
});

describe("the end", () => {
  test("drain ends the sources where they are, fires everything and completes", async () => {
    const t = await testJob(twoExchanges(), { workers: 2 });
    await t.feed("readings", readings(3, 0, 1_500));
    const drained = t.workers.find(({ isLeader }) => !isLeader)?.drain();
    await t.clock(5_000);
    await drained;
    expect(t.outcome).toBe("completed");
    expect(t.take("out")).toHaveLength(6);
  });

  test("the restart budget exhausted: the job fails, with the instance and its reason", async () => {
    let isArmed = false;
    const t = await testJob(twoExchanges(), {
      restart: { max: 2 },
      crashAt: ({ stage, partition }) => (isArmed && stage === "sums" && partition === 0 ? "actor" : undefined),
    });
    isArmed = true;
    await t.feed("readings", readings(8, 0, 1_000));
    await t.watermark("readings", 900);
    await expect(t.endOfInput()).rejects.toMatchObject({ code: "RESTARTS_EXHAUSTED" });
    expect(t.failure?.message).toMatch(/sums\/0.*crashed by the test/s);
  });

  test("crashes with progress in between do not count", async () => {
    const t = await testJob(twoExchanges(), { restart: { max: 2 } });
    for (let round = 0; round < 6; round += 1) {
      await t.feed("readings", readings(4, round * 1_000, round * 1_000 + 500));
      await t.clock(12_000);
      await t.crash("sums/0");
    }
    expect(t.outcome).toBeUndefined();
  });

  test("crashes that are long past do not count, though the job log has had nothing to say since", async () => {
    const t = await testJob(twoExchanges(), { restart: { max: 2, within: "60s" }, snapshotInterval: "1h" });
    for (let round = 0; round < 3; round += 1) {
      await t.crash("totals/1");
      await t.crash("totals/1");
      await t.clock(61_000);
    }
    expect(t.outcome).toBeUndefined();
  });

  test("a job that fails before it runs says why", async () => {
    const crashing = testJob(twoExchanges(), {
      restart: { max: 0 },
      crashAt: ({ stage }) => (stage === "sums" ? "actor" : undefined),
    });
    await expect(crashing).rejects.toMatchObject({ code: "RESTARTS_EXHAUSTED" });
  });

  test("a corrupt input is the end of the job, not a crash", async () => {
    const t = await testJob(twoExchanges());
    const inbox = t.seams.logs.open("TM_two-exchanges_1_IN_sums_0");
    await t.settle();
    const appender = (await inbox).appender(
      () => undefined,
      () => undefined,
    );
    appender.append(Buffer.from("not a message of ours"), 1, 1);
    await t.clock(1_000);
    expect(t.outcome).toBe("failed");
    expect(t.failure).toMatchObject({ code: "CORRUPT", message: expect.stringContaining("sums") });
  });
});

describe("preparing the job", () => {
  test("a place that cannot be reached for a moment is no reason for the job to fail", async () => {
    const refusals = { left: 3 };
    const t = await testJob(short(), { seams: refusing("_DEAD", refusals, "UNAVAILABLE") });
    expect(refusals.left).toBe(0);
    expect(t.outcome).toBeUndefined();
    await t.endOfInput();
    expect(t.outcome).toBe("completed");
  });

  test("a leader that may not create the logs leads no more; another worker that may does", async () => {
    const refusals = { left: 1 };
    const t = await testJob(short(), { workers: 2, seams: refusing("_DEAD", refusals, "SERVER_REFUSED") });
    expect(refusals.left).toBe(0);
    expect(t.status().leader).toMatchObject({ worker: t.workers[1]?.id });
    await t.endOfInput();
    expect(t.outcome).toBe("completed");
  });
});

/** Seams in memory whose first creations of logs of a kind fail. */
function refusing(ending: string, refusals: { left: number }, code: ErrorCode): (clock: VirtualClock) => Seams {
  return (clock) => {
    const seams = new MemorySeams(clock);
    const { logs } = seams;
    const create: typeof logs.create = (name, config) => {
      if (!name.endsWith(ending) || refusals.left === 0) return logs.create(name, config);
      refusals.left -= 1;
      return Promise.reject(new StreamError(code, "not today"));
    };
    return {
      logs: { create, open: logs.open.bind(logs), list: logs.list.bind(logs), delete: logs.delete.bind(logs) },
      bus: seams.bus,
      holdings: seams.holdings,
      registers: (name) => seams.registers(name),
      blobs: (name, generation) => seams.blobs(name, generation),
      savepoints: (name) => seams.savepoints(name),
    };
  };
}

function short(): Job {
  const plant = job("short", { partitions: 1, version: "test" });
  plant.source("numbers", fromArray<number>([])).to(callback("out", () => undefined));
  return plant;
}

describe("status", () => {
  test("names each restart and move with its cause and how long the keys were down", async () => {
    const t = await testJob(twoExchanges(), { workers: 3, partitions: 3 });
    await t.crash("sums/1");
    const victim = t.workers.find(({ isLeader }) => !isLeader)?.id ?? "";
    await t.crash(victim);
    await t.clock(5_000);
    const { outages } = t.status();
    const crash = outages.find(({ cause }) => cause === "crash");
    expect(crash).toMatchObject({ instance: "sums/1", detail: expect.stringContaining("crashed") });
    expect(crash?.downMs).toBeLessThan(1_000);
    const lost = outages.filter(({ cause }) => cause === "workerLost");
    expect(lost.length).toBeGreaterThan(0);
    for (const { downMs } of lost) expect(downMs).toBeLessThan(1_000);
    await finishes(t);
  });

  test("an instance that waits for its restart is parked", async () => {
    const t = await testJob(twoExchanges());
    for (let crashes = 0; crashes < 3; crashes += 1) await t.crash("sums/0");
    const state = () => t.status().instances.find(({ name }) => name === "sums/0")?.state;
    const [crashing] = t.workers.flatMap(({ instances }) => instances).filter(({ name }) => name === "sums/0");
    crashing?.fail(new StreamError("UNAVAILABLE", "crashed by the test"));
    await t.virtualClock.until(() => state() === "parked", 1_000);
    await t.virtualClock.until(() => state() === "running", 5_000);
    expect(t.status().outages.at(-1)?.downMs).toBeGreaterThan(100);
    await finishes(t);
  });

  test("a worker that has just joined is idle for a moment: nothing to warn of", async () => {
    const t = await testJob(oneExchange(), { partitions: 4 });
    const joined = await t.startWorker();
    const { workers, warnings } = t.status();
    expect(workers.map(({ worker }) => worker)).toContain(joined.id);
    expect(warnings).toEqual([]);
  });

  test("more workers than instances: the idle ones are counted, and named as idle", async () => {
    const t = await testJob(oneExchange(), { workers: 12, partitions: 2 });
    await t.clock(1_000);
    const { workers, warnings, instances } = t.status();
    const idle = workers.filter((worker) => worker.instances === 0);
    expect(idle).toHaveLength(12 - instances.length);
    expect(workers.filter(({ isLeader }) => isLeader)).toHaveLength(1);
    expect(warnings).toEqual([expect.stringContaining(`${idle.length} of 12 workers are idle`)]);
  });
});
