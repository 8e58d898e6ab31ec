/** When a worker stands for leader; who leads is decided by the job log alone. */
import { beforeEach, describe, expect, test } from "vitest";
import { askedAfterMs, confirmedAfterMs } from "../../framework/actor/absence.ts";
import { Candidate } from "../../framework/actor/candidate.ts";
import type { JobBus } from "../../framework/actor/job-bus.ts";
import type { JobLogTail } from "../../framework/actor/job-log-tail.ts";
import { StreamError } from "../../framework/errors.ts";
import { JobLogView } from "../../framework/protocol/job-log.ts";
import type { Heartbeat, JobLogRecord } from "../../framework/record/messages.ts";
import { Rig } from "./rig.ts";

let rig: Rig;
let view: JobLogView;
let stood: (() => void)[];
let answer: () => Promise<Heartbeat>;
let candidate: Candidate;
/** How many come before it. */
let before: number;

beforeEach(() => {
  rig = new Rig();
  view = new JobLogView();
  stood = [];
  answer = () => Promise.reject(new StreamError("NO_RESPONDERS", "nobody"));
  const tail = {
    view,
    append: (_record: JobLogRecord, onStored: (sequence: number) => void) =>
      void stood.push(() => onStored(view.position + 1)),
  };
  const bus = { whoLeads: () => answer() };
  before = 0;
  candidate = new Candidate(rig.clock, "self", bus as unknown as JobBus, tail as unknown as JobLogTail, () => before);
});

function leads(worker: string): number {
  const epoch = view.position + 1;
  view.apply(epoch, 0, { kind: "leaderStart", worker });
  return epoch;
}

describe("at the beginning", () => {
  test("stands at once when the log has no leader", async () => {
    await candidate.begin();
    expect(stood).toHaveLength(1);
  });

  test("stands at once when nobody answers for the leader that the log names", async () => {
    leads("gone");
    await candidate.begin();
    expect(stood).toHaveLength(1);
  });

  test("does not stand when the leader answers, nor when it is only slow", async () => {
    const leader = leads("other");
    answer = () => Promise.resolve({ leader, worker: "other", loopRound: 0 });
    await candidate.begin();
    answer = () => Promise.reject(new StreamError("TIMEOUT", "slow"));
    await candidate.begin();
    expect(stood).toHaveLength(0);
  });

  test("does not stand when the job is over", async () => {
    const leader = leads("other");
    view.apply(leader + 1, 0, { kind: "outcome", leader, outcome: "completed", code: "", message: "" });
    await candidate.begin();
    expect(stood).toHaveLength(0);
  });
});

describe("later", () => {
  test("stands after a second of silence when twice nobody listens where the leader did, if it hears itself", async () => {
    leads("gone");
    await rig.pass(askedAfterMs);
    for (const hearsItself of [false, true]) {
      candidate.consider(hearsItself);
      await rig.pass(confirmedAfterMs);
      candidate.consider(hearsItself);
      await rig.pass(0);
      expect(stood).toHaveLength(hearsItself ? 1 : 0);
    }
  });

  test("stands after two seconds of silence, not while heartbeats come", async () => {
    const leader = leads("other");
    for (let beat = 0; beat < 10; beat += 1) {
      await rig.pass(500);
      expect(candidate.heard({ leader })).toBe(true);
      candidate.consider();
    }
    expect(stood).toHaveLength(0);
    await rig.pass(1_999);
    candidate.consider();
    expect(stood).toHaveLength(0);
    await rig.pass(1);
    candidate.consider();
    expect(stood).toHaveLength(1);
  });

  test("the heartbeat of a leader that has been superseded is none", async () => {
    const old = leads("old");
    leads("new");
    await rig.pass(2_000);
    expect(candidate.heard({ leader: old })).toBe(false);
    candidate.consider();
    expect(stood).toHaveLength(1);
  });

  test("one leader-start is on its way at a time", async () => {
    leads("other");
    candidate.stand();
    await rig.pass(10_000);
    candidate.consider();
    expect(stood).toHaveLength(1);
    stood[0]?.();
    candidate.consider();
    expect(stood).toHaveLength(2);
  });

  test("one that others come before lets their turns pass, and does not stand when one of them leads", async () => {
    leads("gone");
    before = 2;
    candidate.stand();
    await rig.pass(299);
    expect(stood).toHaveLength(0);
    leads("other");
    await rig.pass(1);
    expect(stood).toHaveLength(0);
  });

  test("it stands when they do not", async () => {
    leads("gone");
    before = 2;
    candidate.stand();
    await rig.pass(300);
    expect(stood).toHaveLength(1);
  });

  test("who leads does not stand against itself", async () => {
    leads("self");
    await rig.pass(60_000);
    candidate.consider();
    expect(stood).toHaveLength(0);
  });
});
