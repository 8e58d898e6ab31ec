/**
 * One stream becomes several: split by conditions, side outputs of a process function; and several become one.
 *
 * node examples/features/sides.ts
 */
import { fromArray, job, print, run, side, value } from "tidemark";

const positions = fromArray([
  { taxi: "t1", kmh: 50 },
  { taxi: "t2", kmh: 120 },
  { taxi: "t1", kmh: 95 },
]);

const traffic = job("sides");
const seen = traffic.source("positions", positions);

const { fast, slow } = seen.split({ fast: (p) => p.kmh > 90, slow: (p) => p.kmh <= 90 });
fast
  .map((p) => `${p.taxi} is fast`)
  .union(slow.map((p) => `${p.taxi} is slow`))
  .to(print("split and united"));

const counted = seen
  .keyBy((position) => position.taxi)
  .process({
    state: { count: value<number>() },
    sides: { speeding: side<{ readonly taxi: string; readonly by: number }>() },
    process({ kmh }, { key, state, sides }) {
      const count = (state.count.get() ?? 0) + 1;
      state.count.set(count);
      if (kmh > 90) sides.speeding.emit({ taxi: key, by: kmh - 90 });
      return [{ taxi: key, count }];
    },
  });
counted.to(print("positions so far"));
counted.side("speeding").to(print("speeding"));

export default traffic;
if (import.meta.main) await run(traffic);
