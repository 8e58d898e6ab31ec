/**
 * Virtual time: nothing passes unless the test says so.
 */
import { describe, expect, test } from "vitest";
import { seededRandom } from "../../framework/platform/random.ts";
import { VirtualClock } from "../../framework/platform/virtual-clock.ts";

const wallMs = 1_000_000;

/** Schedules a note per entry; answers the notes and the clock. */
function noting(clock: VirtualClock, delays: readonly number[], background = false): string[] {
  const notes: string[] = [];
  for (const delayMs of delays) {
    clock.schedule(delayMs, () => notes.push(`${delayMs}@${clock.monotonicMs()}`), { background });
  }
  return notes;
}

describe("settle", () => {
  test("runs everything in the order in which it is due, and wall time stands still", async () => {
    const clock = new VirtualClock({ wallMs });
    const notes = noting(clock, [30, 10, 0, 20]);
    await clock.settle();
    expect(notes).toEqual(["0@0", "10@10", "20@20", "30@30"]);
    expect(clock.now()).toBe(wallMs);
    expect(clock.monotonicMs()).toBe(30);
  });

  test("V2: runs tasks due at the same time in the order in which they were scheduled", async () => {
    const clock = new VirtualClock();
    const order: number[] = [];
    for (let task = 0; task < 100; task++) clock.schedule(5, () => order.push(task));
    await clock.settle();
    expect(order).toEqual(order.toSorted((left, right) => left - right));
  });

  test("leaves background wake-ups of the future alone, and runs those that are due on the way", async () => {
    const clock = new VirtualClock();
    const background = noting(clock, [5, 500], true);
    const foreground = noting(clock, [10]);
    await clock.settle();
    expect({ background, foreground }).toEqual({ background: ["5@5"], foreground: ["10@10"] });
    expect(clock.pending).toEqual({ foreground: 0, background: 1 });
  });

  test("V1: lets promise chains finish between two tasks", async () => {
    const clock = new VirtualClock();
    const order: string[] = [];
    clock.schedule(0, () => {
      const chain = async (): Promise<void> => {
        for (let step = 0; step < 50; step++) await Promise.resolve();
        order.push("chain");
      };
      void chain();
    });
    clock.schedule(0, () => order.push("next"));
    await clock.settle();
    expect(order).toEqual(["chain", "next"]);
  });

  test("runs what tasks schedule, and what promise chains schedule at the end", async () => {
    const clock = new VirtualClock();
    const sleep = (ms: number): Promise<void> => new Promise((resolve) => void clock.schedule(ms, resolve));
    const times: number[] = [];
    const worker = async (): Promise<void> => {
      for (const ms of [5, 0, 7]) {
        await sleep(ms);
        times.push(clock.monotonicMs());
      }
    };
    void worker();
    await clock.settle();
    expect(times).toEqual([5, 5, 12]);
  });

  test("V4: a cancelled task neither runs nor moves time", async () => {
    const clock = new VirtualClock();
    const notes = noting(clock, [5]);
    const cancel = clock.schedule(1_000, () => notes.push("cancelled"));
    cancel();
    cancel();
    await clock.settle();
    expect(notes).toEqual(["5@5"]);
    expect(clock.monotonicMs()).toBe(5);
  });

  test("gives up when a foreground task reschedules itself for ever", async () => {
    const clock = new VirtualClock({ settleMsMax: 1_000 });
    const again = (): void => void clock.schedule(100, again);
    again();
    await expect(clock.settle()).rejects.toThrow(/not at rest after 1000 ms/);
  });

  test("hands on what a task throws", async () => {
    const clock = new VirtualClock();
    clock.schedule(0, () => {
      throw new Error("in a task");
    });
    await expect(clock.settle()).rejects.toThrow("in a task");
  });
});

describe("advance", () => {
  test("V3: moves both clocks and stops at each wake-up, background ones included", async () => {
    const clock = new VirtualClock({ wallMs });
    const seen: [number, number][] = [];
    const every = (): void => {
      seen.push([clock.now() - wallMs, clock.monotonicMs()]);
      clock.schedule(100, every, { background: true });
    };
    clock.schedule(100, every, { background: true });
    await clock.advance(350);
    expect(seen).toEqual([
      [100, 100],
      [200, 200],
      [300, 300],
    ]);
    expect(clock.now()).toBe(wallMs + 350);
  });

  test("moves wall time by exactly what was asked, while settling moves monotonic time further", async () => {
    const clock = new VirtualClock({ wallMs });
    clock.schedule(10, () => void clock.schedule(25, () => {}), { background: true });
    await clock.advance(20);
    expect(clock.now()).toBe(wallMs + 20);
    expect(clock.monotonicMs()).toBe(45);
  });

  test("by nothing is settle", async () => {
    const clock = new VirtualClock({ wallMs });
    const notes = noting(clock, [3]);
    await clock.advance(0);
    expect(notes).toEqual(["3@3"]);
    expect(clock.now()).toBe(wallMs);
  });
});

describe("until", () => {
  test("lets background wake-ups happen until the predicate holds, and no longer", async () => {
    const clock = new VirtualClock({ wallMs });
    let beats = 0;
    const beat = (): void => {
      beats++;
      clock.schedule(500, beat, { background: true });
    };
    beat();
    await clock.until(() => beats === 4, 10_000);
    expect(clock.monotonicMs()).toBe(1_500);
    expect(clock.now()).toBe(wallMs + 1_500);
  });

  test("V3: recovering takes monotonic time alone", async () => {
    const clock = new VirtualClock({ wallMs });
    let hasBeaten = false;
    clock.schedule(500, () => void (hasBeaten = true), { background: true });
    await clock.recover(() => hasBeaten, 10_000);
    expect(clock.monotonicMs()).toBe(500);
    expect(clock.now()).toBe(wallMs);
  });

  test("throws when the limit has passed", async () => {
    const clock = new VirtualClock();
    const beat = (): void => void clock.schedule(500, beat, { background: true });
    beat();
    await expect(clock.until(() => false, 2_000)).rejects.toThrow(/does not hold after 2000 ms/);
    expect(clock.monotonicMs()).toBeLessThanOrEqual(2_000);
  });

  test("throws when nothing is left that could happen", async () => {
    await expect(new VirtualClock().until(() => false, 2_000)).rejects.toThrow(/nothing is left/);
  });
});

describe("a seeded clock", () => {
  async function orderOf(seed: number): Promise<readonly number[]> {
    const clock = new VirtualClock({ random: seededRandom(seed) });
    const order: number[] = [];
    for (let task = 0; task < 50; task++) clock.schedule(task < 40 ? 0 : 1, () => order.push(task));
    await clock.settle();
    return order;
  }

  test("V2: draws the order of tasks due at the same time, and only of those", async () => {
    const order = await orderOf(1);
    expect(order).not.toEqual(order.toSorted((left, right) => left - right));
    expect(order.slice(0, 40).every((task) => task < 40)).toBe(true);
  });

  test("repeats itself from the same seed", async () => {
    expect(await orderOf(7)).toEqual(await orderOf(7));
    expect(await orderOf(7)).not.toEqual(await orderOf(8));
  });
});

describe("for drivers", () => {
  test("step runs one task, and says when there is none", async () => {
    const clock = new VirtualClock();
    const notes = noting(clock, [5, 9]);
    noting(clock, [100], true);
    expect(await clock.step()).toBe(true);
    expect(notes).toEqual(["5@5"]);
    expect(await clock.step()).toBe(true);
    expect(await clock.step()).toBe(false);
    expect(notes).toEqual(["5@5", "9@9"]);
  });

  test("wall time can jump by itself, both ways", () => {
    const clock = new VirtualClock({ wallMs });
    clock.jumpWall(3_600_000);
    clock.jumpWall(-7_200_000);
    expect(clock.now()).toBe(wallMs - 3_600_000);
    expect(clock.monotonicMs()).toBe(0);
  });

  test("two at a time are refused", async () => {
    const clock = new VirtualClock();
    const first = clock.settle();
    await expect(clock.settle()).rejects.toThrow(/one driver at a time/);
    await first;
  });
});
