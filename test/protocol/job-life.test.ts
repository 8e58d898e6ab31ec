/** The life of a job, as a specification: what ends it, and what lets it go on. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { JobLife } from "../../framework/protocol/job-life.ts";
import type { JobCommand, OutcomeRecord } from "../../framework/record/messages.ts";

type Step = JobCommand | "completed" | "failed";

const steps = fc.array(fc.constantFrom<Step[]>("stop", "restart", "drain", "completed", "failed"), { maxLength: 12 });

function outcome(what: "completed" | "failed"): OutcomeRecord {
  return { kind: "outcome", leader: 1, outcome: what, code: what === "failed" ? "DIVERGED" : "", message: "" };
}

/** Applies `step` as the record at `sequence`. */
function apply(life: JobLife, step: Step, sequence: number): void {
  if (step === "completed" || step === "failed") life.end(sequence, outcome(step));
  else life.command(sequence, { kind: "command", command: step, by: `at ${sequence}` });
}

function lifeOf(given: readonly Step[]): JobLife {
  const life = new JobLife();
  for (const [at, step] of given.entries()) apply(life, step, at + 1);
  return life;
}

test("a job that nobody speaks of runs", () => {
  expect(new JobLife()).toMatchObject({ state: "running", since: 0, by: "", outcome: undefined, isDraining: false });
});

test.each<[Step[], string, number]>([
  [["stop"], "stopped", 1],
  [["failed"], "failed", 1],
  [["completed"], "completed", 1],
  [["stop", "restart"], "running", 2],
  [["failed", "restart"], "running", 2],
  [["completed", "restart"], "completed", 1],
  [["restart"], "running", 0],
  [["stop", "completed"], "stopped", 1],
  [["failed", "stop"], "failed", 1],
  [["stop", "restart", "failed"], "failed", 3],
])("%j: %s since %i", (given, state, since) => {
  expect(lifeOf(given)).toMatchObject({ state, since });
});

test("L1: said twice, a command is the same as said once", () => {
  fc.assert(
    fc.property(steps, (given) => {
      const [once, twice] = [new JobLife(), new JobLife()];
      for (const [at, step] of given.entries()) {
        apply(once, step, 2 * at + 1);
        apply(twice, step, 2 * at + 1);
        apply(twice, step, 2 * at + 2);
      }
      expect(twice).toEqual(once);
    }),
  );
});

test("L2, L3: an end stands until a restart, and a completed job never goes on", () => {
  fc.assert(
    fc.property(steps, steps, (given, after) => {
      const life = lifeOf(given);
      const before = { state: life.state, since: life.since };
      for (const [at, step] of after.filter((each) => each !== "restart").entries()) apply(life, step, 100 + at);
      expect(before.state === "running" ? before : life).toMatchObject(before);
      apply(life, "restart", 200);
      expect(life.state).toBe(life.outcome?.outcome === "completed" ? "completed" : "running");
    }),
  );
});

test("L4: a drain is for good, unless the job was over when it came", () => {
  expect(lifeOf(["drain", "stop", "restart"]).isDraining).toBe(true);
  expect(lifeOf(["stop", "drain", "restart"]).isDraining).toBe(false);
});

test("the newest failure is known after a restart, and who gave the last command", () => {
  const life = lifeOf(["failed", "restart"]);
  expect(life).toMatchObject({ outcome: undefined, lastFailure: { code: "DIVERGED" }, by: "at 2" });
});
