/**
 * Numbers, summed per key, some of which do harm: `poisoned.ts NAME HOW WORKERS NATS`, or without the last two alone, where the environment says.
 *
 * HOW: `throws`, `exits` (process.exit), `kills` (SIGKILL), `loops`, or several with commas; each is done by one number of its own.
 */
import { fleet, generator, job, print, run, value } from "tidemark";

const [name = "poisoned", hows = "throws", workers, servers] = process.argv.slice(2);

const harms: Readonly<Record<string, () => void>> = {
  throws: () => {
    throw new Error("it does not like this one");
  },
  exits: () => process.exit(3),
  kills: () => process.kill(process.pid, "SIGKILL"),
  loops: () => {
    for (;;);
  },
};
/** 100 does the first harm, 200 the second, and so on. */
const harmful = new Map(hows.split(",").map((how, index) => [100 * (index + 1), harms[how]]));

const poisoned = job(name, {
  partitions: 4,
  snapshotInterval: "1s",
  restart: { max: 0 },
  poison: { turnTimeout: "800ms" },
});

poisoned
  .source("numbers", generator({ make: (index) => ({ index, key: index % 8 }), count: 600, rate: 400 }))
  .keyBy(({ key }) => key)
  .process({
    state: { sum: value<number>() },
    process({ index, key }, { state }) {
      harmful.get(index)?.();
      const sum = (state.sum.get() ?? 0) + index;
      state.sum.set(sum);
      return [{ key, index, sum }];
    },
  })
  .named("sums")
  .to(print());

export default poisoned;

const home =
  workers === undefined
    ? undefined
    : fleet({ workers: Number(workers), nats: servers === undefined ? undefined : { servers } });
if (import.meta.main)
  await run(poisoned, home, { onEnd: ({ state, totals }) => console.error(`${state}: ${JSON.stringify(totals)}`) });
