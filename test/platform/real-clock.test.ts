/**
 * The clock of production.
 */
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test, vi } from "vitest";
import { installDeterminism, runDeterministically } from "../../framework/platform/determinism.ts";
import { realClock } from "../../framework/platform/real-clock.ts";

const run = promisify(execFile);

function after(delayMs: number): Promise<number> {
  const clock = realClock();
  return new Promise((resolve) => void clock.schedule(delayMs, () => resolve(clock.monotonicMs())));
}

test("T1: no wake-up comes early, even when the task that scheduled it goes on for long", async () => {
  const clock = realClock();
  const startMs = clock.monotonicMs();
  while (clock.monotonicMs() - startMs < 20);
  const scheduledMs = clock.monotonicMs();
  expect((await after(10)) - scheduledMs).toBeGreaterThanOrEqual(9.5);
});

test("without delay a wake-up comes after the task and its microtasks, in order", async () => {
  const order: string[] = [];
  const clock = realClock();
  const done = new Promise<void>((resolve) => {
    clock.schedule(0, () => order.push("first"));
    clock.schedule(0, () => {
      order.push("second");
      resolve();
    });
  });
  queueMicrotask(() => order.push("microtask"));
  order.push("task");
  await done;
  expect(order).toEqual(["task", "microtask", "first", "second"]);
});

test("a cancelled wake-up does not come, and cancelling is harmless afterwards", async () => {
  const clock = realClock();
  const calls: string[] = [];
  const cancels = [0, 1].map((delayMs) => clock.schedule(delayMs, () => calls.push("cancelled")));
  for (const cancel of cancels) cancel();
  await after(5);
  for (const cancel of cancels) cancel();
  expect(calls).toEqual([]);
});

test("a delay beyond what the system's timers can do does not fire at once", async () => {
  const clock = realClock();
  const calls: string[] = [];
  const cancel = clock.schedule(2 ** 40, () => calls.push("early"));
  await after(5);
  cancel();
  expect(calls).toEqual([]);
});

test("T2: background wake-ups do not keep a process alive", async () => {
  const module = fileURLToPath(new URL("../../framework/platform/real-clock.ts", import.meta.url));
  const program = `
    const { realClock } = await import(${JSON.stringify(module)});
    const beat = () => void realClock().schedule(10_000, beat, { background: true });
    beat();
    realClock().schedule(0, () => console.log("done"));`;
  const { stdout } = await run(process.execPath, ["--input-type=module", "--eval", program], { timeout: 8_000 });
  expect(stdout).toBe("done\n");
});

test("T3: during a turn the clock is the system's, and what is scheduled there wakes", async () => {
  installDeterminism();
  const clock = realClock();
  const startMs = clock.monotonicMs();
  const startAt = clock.now();
  const { promise, resolve } = Promise.withResolvers<void>();
  const seen = runDeterministically({ now: 1_234, random: () => 0.5 }, () => {
    clock.schedule(5, resolve);
    return { global: Date.now(), at: clock.now(), ms: clock.monotonicMs() };
  });
  expect(seen.global).toBe(1_234);
  expect(seen.at).toBeGreaterThanOrEqual(startAt);
  expect(seen.ms).toBeGreaterThanOrEqual(startMs);
  await promise;
  expect(clock.monotonicMs() - startMs).toBeGreaterThanOrEqual(4.5);
});

test("a process that was not scheduled for longer than a delay asks for no negative timeout", async () => {
  let nowMs = 0;
  const stopped = vi.spyOn(performance, "now").mockImplementation(() => (nowMs += 5));
  const asked = vi.spyOn(globalThis, "setTimeout");
  vi.resetModules();
  const { realClock: clockUnderLoad } = await import("../../framework/platform/real-clock.ts");
  await new Promise<void>((resolve) => clockUnderLoad().schedule(2, resolve));
  expect(asked.mock.calls.map(([, delayMs]) => delayMs)).toEqual([0]);
  stopped.mockRestore();
  asked.mockRestore();
});
