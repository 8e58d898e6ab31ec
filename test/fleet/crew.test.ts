/** The worker processes of a fleet, with processes that do what the test says, on a virtual clock (C1 to C4). */
import { beforeEach, describe, expect, test } from "vitest";
import { Crew, type CrewEnd } from "../../framework/fleet/crew.ts";
import type { FromWorker, ToWorker } from "../../framework/fleet/membership.ts";
import type { ProcessEars } from "../../framework/fleet/worker-process.ts";
import { noTotals, type JobEnd } from "../../framework/job-handle.ts";
import { Rig } from "../actor/rig.ts";

/** A process as the crew sees it, in the hands of the test. */
class FakeProcess {
  readonly index: number;
  readonly told: ToWorker[] = [];
  readonly signals: NodeJS.Signals[] = [];
  isGone = false;
  readonly #ears: ProcessEars;

  constructor(index: number, ears: ProcessEars) {
    this.index = index;
    this.#ears = ears;
  }

  says(...messages: readonly FromWorker[]): this {
    for (const message of messages) this.#ears.onSaid(message);
    return this;
  }

  joins(worker: string): this {
    return this.says({ kind: "started", worker }, { kind: "joined" });
  }

  exits(exitCode: number | null, signal: NodeJS.Signals | null = null): void {
    this.isGone = true;
    this.#ears.onExit();
    this.#ears.onClosed({ exitCode, signal });
  }

  ends(state: JobEnd["state"], totals = noTotals, message = ""): void {
    this.says({ kind: "ended", end: { state, message, totals } }).exits(0);
  }
}

let rig: Rig;
let processes: FakeProcess[];
let dead: string[];
let end: CrewEnd | undefined;
let crew: Crew;

beforeEach(() => {
  rig = new Rig();
  processes = [];
  dead = [];
  end = undefined;
  crew = new Crew(rig.platform, 3, {
    startProcess: (index, ears) => {
      const process = new FakeProcess(index, ears);
      processes.push(process);
      return {
        tell: (message) => void process.told.push(message),
        kill: (signal) => void process.signals.push(signal),
      };
    },
    onGone: (worker) => void dead.push(worker),
  });
  void crew.ended.then((how) => {
    end = how;
  });
  crew.start();
});

/** The living process of worker `index`. */
function at(index: number): FakeProcess {
  const found = processes.findLast((process) => process.index === index && !process.isGone);
  if (found === undefined) throw new Error(`worker ${index} has no process`);
  return found;
}

function allJoin(): void {
  for (const index of [0, 1, 2]) at(index).joins(`w${index}`);
}

test("as many processes as asked for, and ready when the first has joined", async () => {
  expect(processes.map(({ index }) => index)).toEqual([0, 1, 2]);
  at(1).joins("w1");
  expect(await rig.result(crew.ready)).toBeUndefined();
});

test("C1, C2: one that dies is told of at once and replaced, with the same index", async () => {
  allJoin();
  at(1).exits(null, "SIGKILL");
  expect(dead).toEqual(["w1"]);
  await rig.pass(1);
  expect(at(1).index).toBe(1);
  expect(processes).toHaveLength(4);
  at(1).exits(null, "SIGKILL");
  expect(dead).toEqual(["w1"]);
  await rig.pass(40);
  expect(processes).toHaveLength(4);
  await rig.pass(60);
  expect(processes).toHaveLength(5);
  expect(end).toBeUndefined();
});

test("C1: one that somebody asked to go is replaced", async () => {
  allJoin();
  at(2).ends("stopped");
  await rig.pass(1);
  expect(at(2).told).toEqual([]);
  expect(processes).toHaveLength(4);
});

describe("the job is over", () => {
  test("C3: when the first says so nobody is replaced, and the last to go ends the fleet, with the newest totals", async () => {
    allJoin();
    at(0).ends("completed", { ...noTotals, recordsIn: 5 });
    at(1).ends("completed", { ...noTotals, recordsIn: 9 });
    await rig.pass(500);
    expect({ processes: processes.length, end }).toEqual({ processes: 3, end: undefined });
    at(2).ends("completed", { ...noTotals, recordsIn: 7 });
    await rig.pass(1);
    expect(end).toMatchObject({ state: "completed", message: "", totals: { recordsIn: 9 } });
    expect(dead).toEqual(["w0"]);
  });

  test("a failure comes with its message", async () => {
    allJoin();
    for (const index of [0, 1, 2]) at(index).ends("failed", noTotals, "the sink is gone");
    await rig.pass(1);
    expect(end).toMatchObject({ state: "failed", message: "the sink is gone" });
  });

  test("C3: one that does not notice is told to leave, then killed", async () => {
    allJoin();
    at(0).ends("completed");
    at(1).ends("completed");
    await rig.pass(1_001);
    expect(at(2).told).toEqual([{ kind: "stop" }]);
    await rig.pass(9_001);
    expect(at(2).signals).toEqual(["SIGKILL"]);
    at(2).exits(null, "SIGKILL");
    await rig.pass(1);
    expect(end).toMatchObject({ state: "completed" });
  });

  test("C1: a worker that waits for its replacement is not started any more", async () => {
    allJoin();
    at(0).exits(null, "SIGKILL");
    await rig.pass(1);
    at(0).joins("w3").exits(null, "SIGKILL");
    at(1).ends("completed");
    at(2).ends("completed");
    await rig.pass(1_001);
    expect(processes).toHaveLength(4);
    expect(end).toMatchObject({ state: "completed" });
  });
});

describe("what no worker can start with", () => {
  test("ends the fleet: the others are told to leave, and the refusal is the end's", async () => {
    at(1).joins("w1");
    at(0).says({ kind: "refused", code: "JOB_MISMATCH", message: "another generation" }).exits(1);
    await rig.pass(1_001);
    expect(at(1).told).toEqual([{ kind: "stop" }]);
    expect(at(2).signals).toEqual(["SIGTERM"]);
    at(1).ends("stopped");
    at(2).exits(null, "SIGTERM");
    await rig.pass(1);
    expect(end).toMatchObject({ state: "failed", refusal: { code: "JOB_MISMATCH", message: "another generation" } });
    expect(await rig.result(crew.ready)).toBeUndefined();
  });

  test("is what the fleet is ready with when nobody has joined", async () => {
    for (const index of [0, 1, 2]) at(index).exits(2);
    expect(await rig.result(crew.ready)).toMatchObject({ refusal: { code: "OPTION_INVALID" } });
  });
});

describe("stop", () => {
  test("C3: those that have joined are told, the others ended; the fleet has stopped when all are gone", async () => {
    at(0).joins("w0");
    at(1).joins("w1");
    crew.stop();
    expect([at(0).told, at(1).told, at(2).told]).toEqual([[{ kind: "stop" }], [{ kind: "stop" }], []]);
    expect(at(2).signals).toEqual(["SIGTERM"]);
    at(2).exits(null, "SIGTERM");
    at(0).ends("stopped", { ...noTotals, recordsIn: 3 });
    expect(end).toBeUndefined();
    at(1).ends("stopped");
    await rig.pass(1);
    expect(end).toMatchObject({ state: "stopped", totals: { recordsIn: 3 } });
    expect({ dead, processes: processes.length }).toEqual({ dead: [], processes: 3 });
  });

  test("C3: who has not left within 9 s is killed", async () => {
    allJoin();
    crew.stop();
    at(0).ends("stopped");
    at(1).ends("stopped");
    await rig.pass(8_900);
    expect(at(2).signals).toEqual([]);
    await rig.pass(101);
    expect(at(2).signals).toEqual(["SIGKILL"]);
  });

  test("of a fleet whose workers are all between two lives", async () => {
    for (const index of [0, 1, 2]) at(index).joins(`w${index}`).exits(null, "SIGKILL");
    crew.stop();
    await rig.pass(1_000);
    expect(end).toMatchObject({ state: "stopped" });
    expect(processes).toHaveLength(3);
  });

  test("kill ends all at once", () => {
    allJoin();
    crew.kill();
    expect(processes.map(({ signals }) => signals)).toEqual([["SIGKILL"], ["SIGKILL"], ["SIGKILL"]]);
  });
});

describe("C4: how many there are may change", () => {
  test("C4: more are started at once, with the next indexes", () => {
    allJoin();
    crew.resize(5);
    expect([crew.size, crew.joined]).toEqual([5, 3]);
    at(3).joins("w3");
    at(4).joins("w4");
    expect(crew.joined).toBe(5);
  });

  test("C4: the last to come leave in good order, and are not replaced", async () => {
    allJoin();
    crew.resize(1);
    expect([0, 1, 2].map((index) => at(index).told)).toEqual([[], [{ kind: "stop" }], [{ kind: "stop" }]]);
    at(1).ends("stopped");
    at(2).ends("stopped");
    await rig.pass(60_000);
    expect([processes.length, crew.size, crew.joined]).toEqual([3, 1, 1]);
    expect(end).toBeUndefined();
  });

  test("C4: those that have been drained are the first to go; who comes next takes the place that is free", async () => {
    allJoin();
    crew.resize(2, new Set(["w0", "a worker of somebody else"]));
    expect([0, 1, 2].map((index) => at(index).told)).toEqual([[{ kind: "stop" }], [], []]);
    at(0).ends("stopped");
    await rig.pass(60_000);
    expect([processes.length, crew.size, crew.joined]).toEqual([3, 2, 2]);
    crew.resize(4);
    expect(processes.slice(3).map(({ index }) => index)).toEqual([0, 3]);
    crew.resize(3);
    expect([0, 1, 2, 3].filter((index) => at(index).signals.length + at(index).told.length > 0)).toEqual([3]);
    expect(crew.size).toBe(3);
  });

  test("C4: one that does not leave is killed after 9 s", async () => {
    allJoin();
    crew.resize(2);
    await rig.pass(8_999);
    expect(at(2).signals).toEqual([]);
    await rig.pass(1);
    expect(at(2).signals).toEqual(["SIGKILL"]);
    at(2).exits(null, "SIGKILL");
    await rig.pass(60_000);
    expect(processes).toHaveLength(3);
  });

  test("C4: one that waits for its replacement is not started any more", async () => {
    allJoin();
    at(2).exits(null, "SIGKILL");
    crew.resize(2);
    await rig.pass(60_000);
    expect(processes).toHaveLength(3);
  });

  test("C4: one that is wanted again while it leaves comes back when it has gone", async () => {
    allJoin();
    crew.resize(2);
    crew.resize(3);
    at(2).ends("stopped");
    await rig.pass(1);
    expect(at(2).told).toEqual([]);
    expect([crew.size, processes.length]).toEqual([3, 4]);
  });

  test("C4: a job that ends while workers leave ends the crew as it would have", async () => {
    allJoin();
    crew.resize(1);
    at(2).ends("completed");
    at(1).ends("stopped");
    at(0).ends("completed");
    await rig.pass(1);
    expect(end?.state).toBe("completed");
    crew.resize(3);
    expect(processes).toHaveLength(3);
  });
});
