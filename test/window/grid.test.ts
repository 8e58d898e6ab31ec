import fc from "fast-check";
import { expect, test } from "vitest";
import { sliding } from "../../framework/window/assigner.ts";
import { floorMod, saturatingAdd, WindowGrid } from "../../framework/window/grid.ts";

const anyGrid = fc
  .record({
    size: fc.integer({ min: 1, max: 40 }),
    slide: fc.integer({ min: 1, max: 40 }),
    offset: fc.integer({ min: -39, max: 39 }),
  })
  .map(({ size, slide, offset }) => sliding(size, slide, { offset: offset % slide }));

test("G1: the newest window is the last on the grid that begins at or before the time, for any safe integer", () => {
  fc.assert(
    fc.property(anyGrid, fc.bigInt({ min: -(2n ** 53n) + 100n, max: 2n ** 53n - 100n }), (assigner, time) => {
      const newest = BigInt(new WindowGrid(assigner).newestStart(Number(time)));
      const slide = BigInt(assigner.slideMs);
      expect((newest - BigInt(assigner.offsetMs)) % slide).toBe(0n);
      expect(newest <= time && time < newest + slide).toBe(true);
    }),
    { numRuns: 1000 },
  );
});

test("G1: large sizes and offsets stay exact", () => {
  const size = 2 ** 51 + 1;
  const grid = new WindowGrid(sliding(size, size, { offset: size - 1 }));
  for (const time of [2 ** 52, -(2 ** 52), 2 ** 53 - 2 ** 51 - 9]) {
    const into = (((BigInt(time) - BigInt(size - 1)) % BigInt(size)) + BigInt(size)) % BigInt(size);
    expect(BigInt(grid.newestStart(time))).toBe(BigInt(time) - into);
  }
});

test("G1: the last millisecond of a window belongs to it, also at the far end of the safe integers", () => {
  for (const slide of [3, 1_000_000, 1_000_003, 2 ** 26, 94_906_267, 2 ** 40 + 1]) {
    const grid = new WindowGrid(sliding(slide, slide));
    const end = Math.floor((2 ** 53 - 1) / slide) * slide;
    expect([end - 1, end, 1 - end].map((time) => grid.newestStart(time))).toEqual([end - slide, end, -end]);
  }
});

test("the oldest window is the first on the grid that contains the time", () => {
  fc.assert(
    fc.property(anyGrid, fc.integer({ min: -1000, max: 1000 }), (assigner, time) => {
      const grid = new WindowGrid(assigner);
      fc.pre(time < grid.newestStart(time) + assigner.sizeMs);
      const oldest = grid.oldestStart(time);
      expect(oldest <= time && time < oldest + assigner.sizeMs).toBe(true);
      expect(time).toBeGreaterThanOrEqual(oldest - assigner.slideMs + assigner.sizeMs);
    }),
    { numRuns: 1000 },
  );
});

test("G2, G3: two times are in the same windows if they are in the same pane, and a pane's start is in the pane", () => {
  fc.assert(
    fc.property(
      anyGrid,
      fc.integer({ min: -300, max: 300 }),
      fc.integer({ min: 0, max: 60 }),
      (assigner, time, later) => {
        const grid = new WindowGrid(assigner);
        const windowsOf = (at: number): number[] => {
          const starts = [];
          for (let start = grid.newestStart(at); start > at - assigner.sizeMs; start -= assigner.slideMs)
            starts.push(start);
          return starts;
        };
        fc.pre(windowsOf(time).length > 0 && windowsOf(time + later).length > 0);
        const pane = grid.paneStart(time);
        expect(pane).toBeLessThanOrEqual(time);
        expect(grid.paneStart(pane)).toBe(pane);
        const end = grid.paneEnd(time);
        expect(end).toBeGreaterThan(time);
        expect([grid.paneEnd(pane), grid.paneEnd(end - 1)]).toEqual([end, end]);
        expect(grid.paneStart(end)).toBe(end);
        expect(windowsOf(pane)).toEqual(windowsOf(time));
        const other = grid.paneStart(time + later) === pane ? time + later : time;
        expect(windowsOf(other)).toEqual(windowsOf(time));
      },
    ),
    { numRuns: 1000 },
  );
});

test("G2: there are at most two panes per slide", () => {
  const grid = new WindowGrid(sliding(60_001, 1_000));
  const panes = new Set(Array.from({ length: 10_000 }, (_, time) => grid.paneStart(time)));
  expect(panes.size).toBe(20);
});

test("no start is -0", () => {
  const grid = new WindowGrid(sliding(10, 5));
  for (const time of [0, -0, 3]) {
    expect(Object.is(grid.newestStart(time), 0)).toBe(true);
    expect(Object.is(grid.paneStart(time), 0)).toBe(true);
  }
});

test("the remainder is never negative", () => {
  expect([7, -7, 0, -5].map((value) => floorMod(value, 5))).toEqual([2, 3, 0, -0]);
});

test("a sum beyond the safe integers is the end of time", () => {
  expect(saturatingAdd(5, 6)).toBe(11);
  expect(saturatingAdd(Number.MAX_SAFE_INTEGER, 0)).toBe(Number.MAX_SAFE_INTEGER);
  expect(saturatingAdd(Number.MAX_SAFE_INTEGER, 1)).toBe(Infinity);
});
