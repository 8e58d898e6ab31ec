/**
 * Records further out of order than the program says: each is in its window, or late; none is both, and none is neither.
 *
 * What comes no more out of order than the program says is never late, whatever happens to the other splits (O4).
 */
import { job } from "../../../api/job.ts";
import { tumbling } from "../../../window/assigner.ts";
import type { SimulatedRecord, SplitScript, Workload } from "../contract.ts";
import { differences } from "./comparing.ts";
import { drawInput } from "./records.ts";

const sizeMs = 500;
const allowedMs = 300;

/** Late records, into a stream of their own or into the job's. */
export const lateness: Workload = {
  name: "lateness",
  draw(bench) {
    const { records, splits } = drawInput(bench, { disorderMs: 1_500 });
    const mayBeLate = bench.random.below(2) === 0;
    const [results, lateOnes] = [bench.sink("windows"), bench.sink("late")];
    const program = job("lateness");
    const windows = program
      .source("records", bench.source(splits).spec)
      .timestamps((record) => record.at, { outOfOrderness: allowedMs, idleTimeout: Infinity })
      .keyBy((record) => record.key)
      .window(tumbling(sizeMs))
      .aggregate<readonly number[], readonly number[]>({
        create: () => [],
        add: (ids, { id }) => [...ids, id],
        result: (ids) => ids,
      })
      .named("ids");
    windows.to(results.spec);
    if (mayBeLate) windows.late().to(lateOnes.spec);
    return {
      job: program,
      sinks: mayBeLate ? [results, lateOnes] : [results],
      check: ({ late }) => {
        const fired = results.rows().map((row) => row.value as Fired);
        const inWindows = fired.flatMap(({ value }) => value);
        const aside = mayBeLate ? lateOnes.rows() : late;
        const lateIds = aside.map((row) => (row.value as SimulatedRecord).id);
        const inTime = new Set(splits.flatMap(inTimeOf));
        return [
          ...differences(
            "O2",
            "records by id",
            [...inWindows, ...lateIds],
            records.map(({ id }) => id),
          ),
          ...differences("O1", "windows that fired again", repeated(fired.map(nameOf)), []),
          ...differences(
            "O4",
            "late records in time",
            lateIds.filter((id) => inTime.has(id)),
            [],
          ),
        ];
      },
    };
  },
};

interface Fired {
  readonly key: SimulatedRecord["key"];
  readonly window: { readonly start: number };
  readonly value: readonly number[];
}

function nameOf({ key, window }: Fired): string {
  return `${typeof key} ${JSON.stringify(key)} ${window.start}`;
}

function repeated(names: readonly string[]): readonly string[] {
  return names.filter((name, at) => names.indexOf(name) !== at);
}

/** Ids of the records that come no more out of order than the program says. */
function inTimeOf({ records }: SplitScript): readonly number[] {
  let largest = -Infinity;
  return records.flatMap(({ record: { id, at } }) => {
    largest = Math.max(largest, at);
    return at >= largest - allowedMs ? [id] : [];
  });
}
