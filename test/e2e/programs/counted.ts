/**
 * Counts per key in state, for the tests of restores and upgrades. Arguments: name of the job, file for the results, version of the program, partitions.
 *
 * Version 1 holds a number, the others an object; the migrations of `slow` and `slower` take their time, that of `broken` throws; `other` has state of another name.
 */
import { file, generator, job, schema, value, type Job } from "tidemark";

interface Tick {
  readonly key: string;
}

interface Boxed {
  readonly sum: number;
}

const never = new Int32Array(new SharedArrayBuffer(4));

/** Each key takes so many milliseconds. */
function slowly(ms: number) {
  return (sum: number): Boxed => {
    Atomics.wait(never, 0, 0, ms);
    return { sum };
  };
}

const migrations: Readonly<Record<string, (old: number) => Boxed>> = {
  2: (sum) => ({ sum }),
  slow: slowly(50),
  slower: slowly(150),
  broken: () => {
    throw new Error("no way from here");
  },
};

/** The job. */
export default function counted([name = "counted", path = "", version = "1", partitions = "8"]: string[]): Job {
  const program = job(name, {
    version,
    partitions: Number(partitions),
    snapshotInterval: "500ms",
    inboxBytes: 4 * 1024 * 1024,
    snapshotBytes: 1024 * 1024,
  });
  const ticks = program
    .source("ticks", generator({ rate: 400, splits: 2, make: (index): Tick => ({ key: `k${index % 23}` }) }))
    .keyBy((tick) => tick.key);
  const migrate = migrations[version];
  const counts =
    migrate === undefined
      ? ticks.process({
          state: version === "other" ? { total: value<number>() } : { sum: value<number>() },
          process: ({ key }, { state }) => {
            const [held] = Object.values(state);
            const sum = (held?.get() ?? 0) + 1;
            held?.set(sum);
            return [{ key, sum, version }];
          },
        })
      : ticks.process({
          state: { sum: value({ schema: schema<number>().migrate(migrate) }) },
          process: ({ key }, { state }) => {
            const sum = (state.sum.get()?.sum ?? 0) + 1;
            state.sum.set({ sum });
            return [{ key, sum, version }];
          },
        });
  counts.named("counts").to(file(path));
  return program;
}
