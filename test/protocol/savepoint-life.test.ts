/** R17: the life of savepoints, as the job log tells it. */
import { describe, expect, test } from "vitest";
import { JobLogView } from "../../framework/protocol/job-log.ts";
import type { JobLogRecord } from "../../framework/record/messages.ts";
import type { SavepointMode } from "../../framework/record/savepoint-record.ts";

const storedAtMs = 1_000;

function viewOf(...records: readonly JobLogRecord[]): JobLogView {
  const view = new JobLogView();
  for (const [index, record] of records.entries()) view.apply(index + 1, storedAtMs + index, record);
  return view;
}

const leaderStart: JobLogRecord = { kind: "leaderStart", worker: "w1" };
const request = (name: string, mode: SavepointMode = "resume"): JobLogRecord => ({
  kind: "savepoint",
  name,
  by: "ada",
  mode,
  timeoutMs: 60_000,
});
const end = (savepoint: number, outcome: "complete" | "cancelled" = "complete", leader = 1): JobLogRecord => ({
  kind: "savepointEnd",
  leader,
  savepoint,
  outcome,
  reason: outcome === "complete" ? "" : "a copy failed",
});
const command = (what: "stop" | "restart" | "drain"): JobLogRecord => ({ kind: "command", command: what, by: "bob" });
const resume = (savepoint: number): JobLogRecord => ({ kind: "resume", savepoint, by: "ada" });

describe("R17: a savepoint", () => {
  test("is open from its request on, under the sequence of that, whoever leads", () => {
    const view = viewOf(leaderStart, request("before"), leaderStart);
    expect(view.savepoints.open).toMatchObject({ id: 2, name: "before", by: "ada", state: "freezing", atMs: 1_001 });
  });

  test("a request counts also when nobody leads", () => {
    expect(viewOf(request("before")).savepoints.open?.id).toBe(1);
  });

  test("SP1: while one is open another one is refused, with its name", () => {
    const view = viewOf(leaderStart, request("first"), request("second"));
    expect(view.savepoints.open?.id).toBe(2);
    expect(view.savepoints.of(3)).toMatchObject({ state: "refused", reason: "savepoint first is being taken" });
  });

  test("SP1: a job that does not run, or is being drained, takes none", () => {
    const stopped = viewOf(leaderStart, command("stop"), request("late"));
    expect(stopped.savepoints.of(3)).toMatchObject({ state: "refused", reason: "the job is stopped" });
    const draining = viewOf(leaderStart, command("drain"), request("late"));
    expect(draining.savepoints.of(3)).toMatchObject({ state: "refused", reason: "the job is being drained" });
    expect(draining.savepoints.open).toBeUndefined();
  });

  test("after it the job goes on, and another one may be taken", () => {
    const view = viewOf(leaderStart, request("first"), end(2), request("second"));
    expect(view.savepoints.of(2)?.state).toBe("complete");
    expect(view.savepoints.open?.id).toBe(4);
    expect(view.isOver).toBe(false);
  });

  test("SP2: the first end counts, and only that of the open one; an older leader's is void", () => {
    const view = viewOf(leaderStart, request("first"), leaderStart, end(2, "complete", 1), end(1, "cancelled", 3));
    expect(view.savepoints.open?.id).toBe(2);
    view.apply(6, storedAtMs, end(2, "cancelled", 3));
    view.apply(7, storedAtMs, end(2, "complete", 3));
    expect(view.savepoints.of(2)).toMatchObject({ state: "cancelled", reason: "a copy failed" });
  });

  test("in mode stop the job is stopped by it, and goes on with a restart", () => {
    const view = viewOf(leaderStart, request("last", "stop"), end(2));
    expect(view.life).toMatchObject({ state: "stopped", since: 3, by: "ada" });
    expect(view.savepoints.of(2)?.state).toBe("complete");
    view.apply(4, storedAtMs, command("restart"));
    expect(view.isOver).toBe(false);
    expect(view.savepoints.open).toBeUndefined();
  });

  test("in mode stop a cancelled one stops nothing", () => {
    expect(viewOf(leaderStart, request("last", "stop"), end(2, "cancelled")).isOver).toBe(false);
  });

  test("SP3: in mode hold it stays open until it is resumed", () => {
    const view = viewOf(leaderStart, request("upgrade", "hold"), end(2));
    expect(view.savepoints.open).toMatchObject({ id: 2, state: "held" });
    view.apply(4, storedAtMs, resume(1));
    expect(view.savepoints.open?.state).toBe("held");
    view.apply(5, storedAtMs, resume(2));
    expect(view.savepoints.open).toBeUndefined();
    expect(view.savepoints.of(2)?.state).toBe("complete");
  });

  test("what is still being taken is not resumed: only its end lets go", () => {
    expect(viewOf(leaderStart, request("first"), resume(2)).savepoints.open?.id).toBe(2);
  });

  test.each([
    [command("stop"), "the job was stopped by bob"],
    [command("drain"), "the job is being drained, by bob"],
    [{ kind: "outcome", leader: 1, outcome: "failed", code: "DIVERGED", message: "" } as const, "the job has failed"],
  ])("SP4: %o cancels it", (record, reason) => {
    const view = viewOf(leaderStart, request("first"), record, end(2));
    expect(view.savepoints.of(2)).toMatchObject({ state: "cancelled", reason });
    expect(view.savepoints.open).toBeUndefined();
  });

  test("SP3: a drain waits for the resume of a hold", () => {
    const view = viewOf(leaderStart, request("upgrade", "hold"), end(2), command("drain"));
    expect(view.isDraining).toBe(true);
    expect(view.savepoints.open?.state).toBe("held");
    view.apply(5, storedAtMs, resume(2));
    expect(view.savepoints.open).toBeUndefined();
    expect(view.savepoints.of(2)?.state).toBe("complete");
  });

  test("SP3: a stop ends a hold, and the savepoint is complete all the same", () => {
    const view = viewOf(leaderStart, request("upgrade", "hold"), end(2), command("stop"));
    expect(view.savepoints.of(2)).toMatchObject({ state: "complete", reason: "" });
  });

  test("SP5: instances stand at the open one, and at the one with which the job has ended, until it is restarted", () => {
    expect(viewOf(leaderStart).savepoints.standing).toBe(0);
    expect(viewOf(leaderStart, request("first")).savepoints.standing).toBe(2);
    expect(viewOf(leaderStart, request("first"), end(2)).savepoints.standing).toBe(0);
    const ended = [
      viewOf(leaderStart, request("upgrade", "hold"), end(2), command("stop")),
      viewOf(leaderStart, request("last", "stop"), end(2)),
    ];
    for (const view of ended) {
      expect(view.savepoints.open).toBeUndefined();
      expect(view.savepoints.standing).toBe(2);
      view.apply(view.position + 1, storedAtMs, command("restart"));
      expect(view.savepoints.standing).toBe(0);
    }
  });

  test("SP5: at one that did not come about before the job was stopped nobody stands", () => {
    expect(viewOf(leaderStart, request("upgrade", "hold"), command("stop")).savepoints.standing).toBe(0);
  });

  test("the open one and the newest others are remembered, and no more", () => {
    const records = Array.from({ length: 30 }, () => [request("again"), end(0)]).flat();
    const view = viewOf(leaderStart, ...records);
    expect(view.savepoints.all).toHaveLength(20);
    expect(view.savepoints.open?.id).toBe(2);
    expect(view.savepoints.of(60)?.state).toBe("refused");
  });
});
