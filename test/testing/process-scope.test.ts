/** A simulated process that is killed, stopped and slowed down. */
import { describe, expect, test } from "vitest";
import { MemorySeams } from "../../framework/log/memory-seams.ts";
import { silentLogger } from "../../framework/platform/logger.ts";
import { seededRandom } from "../../framework/platform/random.ts";
import { VirtualClock } from "../../framework/platform/virtual-clock.ts";
import { ProcessScope } from "../../framework/testing/process-scope.ts";

function world() {
  const clock = new VirtualClock();
  const scope = new ProcessScope();
  const platform = scope.platform({ clock, random: seededRandom(1), logger: silentLogger });
  const seams = scope.seams(new MemorySeams(clock));
  return { clock, scope, inside: platform.clock, seams };
}

describe("a process that is paused", () => {
  test("PS1: does after it goes on, in order, what would have been done meanwhile", async () => {
    const { clock, scope, inside } = world();
    const done: string[] = [];
    inside.schedule(10, () => done.push("first"));
    inside.schedule(20, () => done.push("second"));
    scope.pause();
    await clock.settle();
    expect(done).toEqual([]);
    scope.resume();
    inside.schedule(0, () => done.push("third"));
    await clock.settle();
    expect(done).toEqual(["first", "second", "third"]);
  });

  test("PS1: learns of what others have said meanwhile, and of the outcome of its calls, when it goes on", async () => {
    const { clock, scope, seams } = world();
    const heard: string[] = [];
    seams.bus.subscribe("news", (payload) => heard.push(Buffer.from(payload).toString()));
    const log = seams.logs.create("log", { maxBytes: 1_000, full: "refuse" }).then(({ name }) => heard.push(name));
    scope.pause();
    seams.bus.publish("news", Buffer.from("hello"));
    await clock.settle();
    expect(heard).toEqual([]);
    scope.resume();
    await clock.settle();
    await log;
    expect(heard.toSorted()).toEqual(["hello", "log"]);
  });

  test("PS2: does not do what it has called off before its turn comes", async () => {
    const { clock, scope, inside } = world();
    const done: string[] = [];
    inside.schedule(1, () => cancel());
    const cancel = inside.schedule(2, () => done.push("called off"));
    scope.pause();
    await clock.settle();
    scope.resume();
    await clock.settle();
    expect(done).toEqual([]);
  });

  test("stays silent for ever when it is killed before it goes on", async () => {
    const { clock, scope, inside } = world();
    const done: string[] = [];
    inside.schedule(1, () => done.push("ran"));
    scope.pause();
    await clock.settle();
    scope.kill();
    scope.resume();
    await clock.settle();
    expect(done).toEqual([]);
  });
});

test("a slow process takes its time for every task, and none once it is fast again", async () => {
  const { clock, scope, inside } = world();
  const atMs: number[] = [];
  scope.slowDown(7);
  for (let task = 0; task < 3; task += 1) inside.schedule(0, () => atMs.push(clock.monotonicMs()));
  await clock.settle();
  scope.slowDown(0);
  inside.schedule(0, () => atMs.push(clock.monotonicMs()));
  await clock.settle();
  expect(atMs).toEqual([7, 14, 21, 21]);
});

test("a dead process hears of nothing, not even that a call has failed", async () => {
  const { clock, scope, seams } = world();
  const heard: string[] = [];
  scope.kill();
  // An error that nobody hears of would end the process of the test.
  void seams.bus.request("nobody", new Uint8Array(0), 1_000).then(
    () => heard.push("answer"),
    () => heard.push("error"),
  );
  await clock.settle();
  expect(heard).toEqual([]);
});
