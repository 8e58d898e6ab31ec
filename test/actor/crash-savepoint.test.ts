/** R17: whatever dies at whichever step of a savepoint, it comes about or is cancelled with a reason, and the job says what it would have said. */
import { describe, expect, test } from "vitest";
import { lookAtSavepoint } from "../../framework/administration/savepoint-look.ts";
import { openSavepoint } from "../../framework/administration/savepoints.ts";
import { job } from "../../framework/api/job.ts";
import { callback } from "../../framework/connectors/callback.ts";
import { fromArray } from "../../framework/connectors/memory.ts";
import { StreamError } from "../../framework/errors.ts";
import type { Blobs, Registers, Seams } from "../../framework/log/contracts.ts";
import { MemorySeams } from "../../framework/log/memory-seams.ts";
import { value } from "../../framework/state/descriptors.ts";
import { testJob, type TestJob } from "../../framework/testing/test-job.ts";
import { administrator, settled } from "../administration/administrator.ts";

function sums() {
  const adding = job("sums", { partitions: 2 });
  adding
    .source("numbers", fromArray<number>([]))
    .keyBy((n) => n % 5)
    .process({
      state: { sum: value<number>() },
      process: (n, { state, key }) => {
        state.sum.set((state.sum.get() ?? 0) + n);
        return [`${String(key)}: ${state.sum.get()}`];
      },
    })
    .named("sum")
    .to(callback("out", () => undefined));
  return adding;
}

const numbers = (from: number, count: number): number[] => Array.from({ length: count }, (_, at) => from + at);

/** Every step of a savepoint that leaves a trace outside: before and after it, somebody may die. */
interface Steps {
  /** Told of each, before it is taken and after it. */
  onStep: (step: string) => void;
}

function watchedSeams(clock: TestJob["virtualClock"], steps: Steps): Seams {
  const seams = new MemorySeams(clock);
  const around = async <T>(step: string, call: () => Promise<T>): Promise<T> => {
    steps.onStep(`before ${step}`);
    const result = await call();
    steps.onStep(`after ${step}`);
    return result;
  };
  const blobs = (inner: Blobs): Blobs => ({
    get: (name) => inner.get(name),
    list: (prefix) => inner.list(prefix),
    delete: (name) => inner.delete(name),
    put: (name, bytes) => around(`put ${name.split(".").slice(3, 5).join("/")}`, () => inner.put(name, bytes)),
  });
  const registers = (inner: Registers): Registers => ({
    get: (key) => inner.get(key),
    list: (prefix) => inner.list(prefix),
    delete: (key) => inner.delete(key),
    create: (key, bytes) => stepOf(key, () => inner.create(key, bytes)),
    update: (key, bytes, revision) => stepOf(key, () => inner.update(key, bytes, revision)),
  });
  const stepOf = <T>(key: string, call: () => Promise<T>): Promise<T> =>
    key.startsWith("savepoint.") ? around(`register ${key}`, call) : call();
  return {
    logs: seams.logs,
    bus: seams.bus,
    holdings: seams.holdings,
    registers: async (name) => registers(await seams.registers(name)),
    blobs: (name, generation) => seams.blobs(name, generation),
    savepoints: async (name) => blobs(await seams.savepoints(name)),
  };
}

type Victim = "actor" | "source" | "leader";

function kill(t: TestJob, victim: Victim): void {
  if (victim === "leader") return t.leader.scope.kill();
  const stage = victim === "source" ? "numbers" : "sum";
  const instances = t.workers.flatMap((worker) => worker.instances).filter(({ name }) => name.startsWith(`${stage}/`));
  instances[0]?.fail(new StreamError("UNAVAILABLE", "crashed by the test"));
}

interface Run {
  readonly steps: readonly string[];
  readonly rows: readonly string[];
  /** `complete`, or why it is not. */
  readonly outcome: string;
  /** Instances and positions that are in it. */
  readonly cut: string;
}

async function cutOf(t: TestJob): Promise<string> {
  const { stages } = await lookAtSavepoint(await openSavepoint(administrator(t), "sums", "first"));
  const source = stages[0]?.instances.map(({ position }) => position);
  return `${stages.map(({ instances }) => instances.length).join(" + ")} instances, read to ${source?.join()}`;
}

async function run(at: number | undefined, victim: Victim): Promise<Run> {
  const steps: string[] = [];
  const watch: Steps = { onStep: (step) => void steps.push(step) };
  const t = await testJob(sums(), { workers: 2, seams: (clock) => watchedSeams(clock, watch) });
  await t.feed("numbers", numbers(0, 20));
  watch.onStep = (step) => {
    if (steps.length === at) kill(t, victim);
    steps.push(step);
  };
  const outcome = await t.savepoint("first", { timeoutMs: 20_000 }).then(
    () => "complete",
    (error: unknown) => (error as StreamError).message,
  );
  const cut = outcome === "complete" ? await settled(t, cutOf(t)) : "";
  watch.onStep = () => undefined;
  await t.feed("numbers", numbers(20, 20));
  await t.endOfInput();
  const rows = t.take("out").map(({ value: row }) => String(row));
  return { steps, rows: rows.toSorted(), outcome, cut };
}

describe.each<Victim>(["actor", "source", "leader"])("R17: a savepoint in whose middle the %s dies", (victim) => {
  test("comes about, or is cancelled, and nothing is lost or doubled", async () => {
    const reference = await run(undefined, victim);
    expect(reference.outcome).toBe("complete");
    expect(reference.rows).toHaveLength(40);
    expect(reference.steps.length).toBeGreaterThan(10);
    const outcomes = new Map<string, number>();
    for (let at = 0; at < reference.steps.length; at += 1) {
      const { rows, outcome, cut } = await run(at, victim);
      expect(cut).toBe("1 + 2 instances, read to 20");
      expect(rows, `${victim} died ${reference.steps[at]}`).toEqual(reference.rows);
      outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
    }
    // What is frozen stands where its successor will: the savepoint goes on.
    expect([...outcomes.keys()]).toEqual(["complete"]);
  }, 60_000);
});
