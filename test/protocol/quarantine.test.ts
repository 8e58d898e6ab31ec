/** Who is put in quarantine: evidence, and what is none. */
import { describe, expect, test } from "vitest";
import type { Incident, QuarantineView } from "../../framework/protocol/fleet-view.ts";
import { decideQuarantine, type SuspectedWorker } from "../../framework/protocol/quarantine.ts";

const nowMs = 1_000_000;
/** Workers a1 and a2 on host a, b1 on host b, and so on. */
const hostOf = (worker: string) => worker.slice(0, 1);

function living(...names: readonly string[]): SuspectedWorker[] {
  return names.map((worker) => {
    return { worker, host: hostOf(worker), isLeaving: false, standing: "open" as const, unstoredMs: 0 };
  });
}

const incident = (kind: Incident["kind"], worker: string, partition: number, agoMs = 1_000): Incident => {
  return { kind, worker, instance: { stage: 0, partition }, atMs: nowMs - agoMs };
};
const crash = (worker: string, partition: number, agoMs?: number) => incident("crash", worker, partition, agoMs);
const death = (worker: string, agoMs?: number) => incident("death", worker, 0, agoMs);

function decide(
  incidents: readonly Incident[],
  workers: readonly SuspectedWorker[] = living("a1", "b1"),
  before: readonly QuarantineView[] = [],
) {
  return decideQuarantine({ nowMs, incidents, workers, hostOf, before });
}

describe("Q1: crashes there, and not elsewhere", () => {
  const three = [crash("a1", 0), crash("a1", 1), crash("a1", 1)];

  test("Q1: three crashes on one worker, none elsewhere: the worker, with its evidence", () => {
    expect(decide(three)).toEqual({
      scope: "worker",
      subject: "a1",
      evidence: "3 crashes of 2 instances there within 2 min, and none of them elsewhere",
      durationMs: 60_000,
    });
  });

  test("Q1: two, or three long ago, are none", () => {
    expect(decide(three.slice(1))).toBeUndefined();
    expect(decide([...three.slice(1), crash("a1", 0, 120_000)])).toBeUndefined();
  });

  test("Q1: an instance that crashes elsewhere, too, speaks against no worker", () => {
    expect(decide([...three, crash("b1", 1)])).toBeUndefined();
  });

  test("Q1: a program that crashes everywhere speaks against no worker, whatever the instances", () => {
    expect(decide([...three, crash("b1", 2), crash("b1", 3)])).toBeUndefined();
  });

  test("Q1: the same on several workers of one host: the host", () => {
    const both = [crash("a1", 0), crash("a2", 1), crash("a2", 2)];
    expect(decide(both, living("a1", "a2", "b1"))).toMatchObject({ scope: "host", subject: "a" });
  });
});

describe("Q2: deaths of workers of a host, and not of others", () => {
  const three = [death("a1"), death("a2"), death("a3")];

  test("Q2: three there, none elsewhere: the host", () => {
    expect(decide(three, living("a4", "b1"))).toMatchObject({
      scope: "host",
      subject: "a",
      evidence: "3 workers have died on a within 5 min, and 0 elsewhere",
    });
  });

  test("Q2: two, three long ago, or one worker with three instances, are none", () => {
    expect(decide(three.slice(1), living("a4", "b1"))).toBeUndefined();
    expect(decide([...three.slice(1), death("a1", 300_000)], living("a4", "b1"))).toBeUndefined();
    expect(decide([death("a1"), death("a1"), death("a1")], living("a4", "b1"))).toBeUndefined();
  });

  test("Q2: where workers of other hosts die, too, nothing speaks against this one", () => {
    expect(decide([...three, death("b1"), death("b2")], living("a4", "b3"))).toBeUndefined();
  });

  test("Q2: what is known of no host speaks against none", () => {
    const nowhere = living("a4", "b1").map((worker) => ({ ...worker, host: "" }));
    const facts = { nowMs, incidents: three, workers: nowhere, hostOf: () => "", before: [] };
    expect(decideQuarantine(facts)).toBeUndefined();
  });
});

describe("Q3: what it sends is not stored, and what the others send is", () => {
  const sending = (mine: number, others: number) =>
    living("a1", "b1", "c1").map((worker, at) => ({ ...worker, unstoredMs: at === 0 ? mine : others }));

  test("Q3: for ten seconds", () => {
    expect(decide([], sending(10_000, 0))).toMatchObject({ scope: "worker", subject: "a1" });
    expect(decide([], sending(9_999, 0))).toBeUndefined();
  });

  test("Q3: a server that stores nothing from anybody speaks against nobody", () => {
    expect(decide([], sending(20_000, 15_000))).toBeUndefined();
    expect(decide([], sending(20_000, 1_000))).toBeUndefined();
  });
});

describe("Q4: somebody stays", () => {
  const three = [crash("a1", 0), crash("a1", 1), crash("a1", 1)];

  test("Q4: never the last worker: not one that leaves, is drained or in quarantine itself", () => {
    expect(decide(three, living("a1"))).toBeUndefined();
    const with_ = (other: Partial<SuspectedWorker>) => {
      const [a, b] = living("a1", "b1");
      return decide(three, [a!, { ...b!, ...other }]);
    };
    expect(with_({ isLeaving: true })).toBeUndefined();
    expect(with_({ standing: "drained" })).toBeUndefined();
    expect(with_({ standing: "quarantine" })).toBeUndefined();
    expect(with_({})).toBeDefined();
  });

  test("Q4: never all hosts", () => {
    expect(decide([death("a1"), death("a2"), death("a3")], living("a4", "a5"))).toBeUndefined();
  });

  test("Q4: who is in quarantine is not put there again", () => {
    const [a, b] = living("a1", "b1");
    expect(decide(three, [{ ...a!, standing: "quarantine" }, b!])).toBeUndefined();
  });
});

describe("Q5: for longer each time, and nothing counts twice", () => {
  const quarantine = (times: number, sinceMs: number, untilMs: number): QuarantineView => {
    return { scope: "worker", subject: "a1", evidence: "", times, sinceMs, untilMs };
  };
  const again = [crash("a1", 0, 3), crash("a1", 1, 2), crash("a1", 1, 1)];
  const ended = nowMs - 100;

  test.each([
    [1, 120_000],
    [2, 240_000],
    [5, 1_920_000],
    [20, 3_600_000],
  ])("Q5: after %i times %i ms", (times, durationMs) => {
    expect(decide(again, living("a1", "b1"), [quarantine(times, ended - 60_000, ended)])).toMatchObject({ durationMs });
  });

  test("Q5: after an hour without it begins anew", () => {
    const long = nowMs - 3_600_000;
    expect(decide(again, living("a1", "b1"), [quarantine(5, long - 60_000, long)])).toMatchObject({
      durationMs: 60_000,
    });
  });

  test("Q5: what led to the last one does not lead to the next", () => {
    const old = [crash("a1", 0, 90_000), crash("a1", 1, 90_000), crash("a1", 1, 90_000)];
    expect(decide(old, living("a1", "b1"), [quarantine(1, nowMs - 80_000, nowMs - 20_000)])).toBeUndefined();
  });
});
