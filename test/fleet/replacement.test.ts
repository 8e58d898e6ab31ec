/** What follows the end of a worker process (F1 to F3). */
import { describe, expect, test } from "vitest";
import { decideReplacement, type Life, noRecord, type Record } from "../../framework/fleet/replacement.ts";
import { noTotals, type JobEnd } from "../../framework/job-handle.ts";

/** A worker that has joined, and been killed after a second. */
const killed: Life = { exitCode: null, signal: "SIGKILL", lastWord: undefined, hasJoined: true, livedMs: 1_000 };

function ended(state: JobEnd["state"], message = ""): Life {
  return {
    ...killed,
    exitCode: 0,
    signal: null,
    lastWord: { kind: "ended", end: { state, message, totals: noTotals } },
  };
}

function refused(code: string): Life {
  const lastWord = { kind: "refused", code, message: "no" } as const;
  return { ...killed, exitCode: 1, signal: null, hasJoined: false, lastWord };
}

/** The delays before the replacements of one worker that has `lives` in succession. */
function delays(lives: readonly Life[], chance = 1): number[] {
  let record = noRecord;
  return lives.map((life) => {
    const next = decideReplacement(life, record, chance);
    if (next.kind !== "replace") throw new Error(`not replaced: ${next.message}`);
    record = next.record;
    return next.delayMs;
  });
}

describe("F1", () => {
  test.each([
    ["completed", ""],
    ["failed", "the sink is gone"],
    ["stopped", "stopped by a command"],
  ] as const)("a worker that says the job has %s ends the fleet", (state, message) => {
    expect(decideReplacement(ended(state, message), noRecord, 0)).toEqual({ kind: "end", state, message });
  });

  test.each([
    ["killed", killed],
    ["asked by somebody to go", ended("stopped")],
    ["crashed", { ...killed, signal: null, exitCode: 1 }],
  ])("one that was %s is replaced", (_how, life) => {
    expect(decideReplacement(life, noRecord, 0)).toMatchObject({ kind: "replace", delayMs: 0 });
  });
});

describe("F2", () => {
  test("at once, then twice as long each time, up to 10 s", () => {
    const lives = Array.from({ length: 10 }, () => killed);
    expect(delays(lives)).toEqual([0, 100, 200, 400, 800, 1_600, 3_200, 6_400, 10_000, 10_000]);
  });

  test("with jitter: at least half of it", () => {
    expect(delays([killed, killed, killed], 0)).toEqual([0, 50, 100]);
  });

  test("a life of 30 s begins anew", () => {
    const long = { ...killed, livedMs: 30_000 };
    expect(delays([killed, killed, killed, long, killed, killed])).toEqual([0, 100, 200, 0, 100, 200]);
  });
});

describe("F3", () => {
  test.each(["PLAN_INVALID", "OPTION_INVALID", "PATH_UNUSABLE", "JOB_MISMATCH", "JOB_NOT_RUNNABLE"])(
    "%s ends the fleet with what the worker said",
    (code) => {
      expect(decideReplacement(refused(code), noRecord, 0)).toEqual({ kind: "refuse", code, message: "no" });
    },
  );

  test.each(["SERVER_UNREACHABLE", "SERVER_UNSUITABLE", "SERVER_FULL", "UNAVAILABLE"])(
    "%s is tried again for ever",
    (code) => {
      expect(delays(Array.from({ length: 20 }, () => refused(code))).at(-1)).toBe(10_000);
    },
  );

  const mute: Life = { ...killed, signal: null, exitCode: 1, hasJoined: false };

  test("a usage error without a word ends the fleet at once", () => {
    expect(decideReplacement({ ...mute, exitCode: 2 }, noRecord, 0)).toMatchObject({
      kind: "refuse",
      message: expect.stringContaining("exit code 2") as string,
    });
  });

  test("so does the fifth process in succession that ends by itself before it has joined", () => {
    let record: Record = noRecord;
    for (let count = 1; count < 5; count += 1) {
      const next = decideReplacement(mute, record, 0);
      if (next.kind !== "replace") throw new Error(next.message);
      ({ record } = next);
    }
    expect(decideReplacement(mute, record, 0)).toMatchObject({
      kind: "refuse",
      message: expect.stringContaining("5 times in succession (exit code 1)") as string,
    });
  });

  test("killed ones are not counted, and one that joins begins anew", () => {
    const lives = [
      mute,
      mute,
      mute,
      mute,
      { ...mute, signal: "SIGKILL" as const, exitCode: null },
      mute,
      mute,
      mute,
      mute,
    ];
    expect(delays(lives)).toHaveLength(9);
    expect(delays([mute, mute, mute, mute, killed, mute, mute, mute, mute])).toHaveLength(9);
  });
});
