/**
 * A crash between any two steps of a snapshot: chunks, manifest, pointer, trim, collection. A new incarnation goes on from whatever is there, and the
 * output is what it is without a crash.
 */
import { expect, test } from "vitest";
import { testJob } from "tidemark/testing";
import { StreamError } from "../../framework/errors.ts";
import type { Blobs, Log, Logs, Registers, Seams } from "../../framework/log/contracts.ts";
import { MemorySeams } from "../../framework/log/memory-seams.ts";
import type { VirtualClock } from "../../framework/platform/virtual-clock.ts";
import { readings, twoExchanges } from "./jobs.ts";

/** One call by which a snapshot of `sums/0` changes something. */
type Step = "put" | "move" | "trim" | "delete";

/** Ends the incarnation at its `at`-th step: before it is carried out, or after. */
class Saboteur {
  readonly steps: Step[] = [];
  readonly #at: number | undefined;
  readonly #isAfter: boolean;

  constructor(at?: number, isAfter = false) {
    this.#at = at;
    this.#isAfter = isAfter;
  }

  async step<T>(step: Step, isOurs: boolean, carryOut: () => Promise<T>): Promise<T> {
    if (!isOurs) return carryOut();
    this.steps.push(step);
    const isHit = this.steps.length === this.#at;
    if (isHit && !this.#isAfter) throw crash();
    const result = await carryOut();
    if (isHit) throw crash();
    return result;
  }
}

function crash(): StreamError {
  return new StreamError("NOT_FOUND", "crashed by the test");
}

function watched(clock: VirtualClock, saboteur: Saboteur): Seams {
  const seams = new MemorySeams(clock);
  return {
    bus: seams.bus,
    holdings: seams.holdings,
    logs: watchedLogs(seams.logs, saboteur),
    registers: async (job) => watchedRegisters(await seams.registers(job), saboteur),
    savepoints: (job) => seams.savepoints(job),
    blobs: async (job, generation) => watchedBlobs(await seams.blobs(job, generation), saboteur),
  };
}

function watchedLogs(logs: Logs, saboteur: Saboteur): Logs {
  const watch = (log: Log): Log =>
    Object.assign(Object.create(log) as Log, {
      name: log.name,
      createdMs: log.createdMs,
      appender: log.appender.bind(log),
      append: log.append.bind(log),
      read: log.read.bind(log),
      get: log.get.bind(log),
      info: log.info.bind(log),
      resize: log.resize.bind(log),
      trim: (sequence: number) => saboteur.step("trim", log.name.endsWith("IN_sums_0"), () => log.trim(sequence)),
    });
  return {
    create: async (name, config) => watch(await logs.create(name, config)),
    open: async (name) => watch(await logs.open(name)),
    list: (prefix) => logs.list(prefix),
    delete: (name) => logs.delete(name),
  };
}

function watchedRegisters(registers: Registers, saboteur: Saboteur): Registers {
  return {
    get: (key) => registers.get(key),
    list: (prefix) => registers.list(prefix),
    delete: (key) => registers.delete(key),
    create: (key, value) => registers.create(key, value),
    update: (key, value, revision) =>
      saboteur.step("move", key.endsWith("sums.0"), () => registers.update(key, value, revision)),
  };
}

function watchedBlobs(blobs: Blobs, saboteur: Saboteur): Blobs {
  const isOurs = (name: string) => name.startsWith("sums.0.");
  return {
    get: (name) => blobs.get(name),
    list: (prefix) => blobs.list(prefix),
    put: (name, bytes) => saboteur.step("put", isOurs(name), () => blobs.put(name, bytes)),
    delete: (name) => saboteur.step("delete", isOurs(name), () => blobs.delete(name)),
  };
}

async function run(saboteur: Saboteur): Promise<string[]> {
  const t = await testJob(twoExchanges(), {
    snapshotBytes: 250,
    restart: { max: 10 },
    seams: (clock) => watched(clock, saboteur),
  });
  for (let at = 0; at < 2_500; at += 250) {
    await t.feed("readings", readings(3, at, at + 250));
    await t.watermark("readings", at + 249);
  }
  await t.endOfInput();
  expect(t.outcome).toBe("completed");
  return t
    .take("out")
    .map((row) => JSON.stringify(row))
    .toSorted();
}

const reference = new Saboteur();
const expected = await run(reference);

test("a run takes enough snapshots to crash in", () => {
  const count = (step: Step) => reference.steps.filter((each) => each === step).length;
  expect(expected).toHaveLength(9);
  expect(count("move")).toBeGreaterThan(3);
  expect(count("trim")).toBeGreaterThan(1);
  expect(count("delete")).toBeGreaterThan(1);
});

test.each(["before", "after"])(
  "the output is the same when the instance crashes %s any step",
  async (when) => {
    for (let at = 1; at <= reference.steps.length; at += 1) {
      const saboteur = new Saboteur(at, when === "after");
      const rows = await run(saboteur);
      expect(rows, `crashed ${when} step ${at}, ${reference.steps[at - 1]}`).toEqual(expected);
      expect(saboteur.steps.length).toBeGreaterThanOrEqual(at);
    }
  },
  60_000,
);
