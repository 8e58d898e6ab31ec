/**
 * Count and sum per key in keyed state, one output per record.
 *
 * The counts of a key are 1, 2, 3 …, each once; a sum is the one before it plus the record's own number.
 */
import { job } from "../../../api/job.ts";
import { value } from "../../../state/descriptors.ts";
import type { SinkRowTaken, Violation, Workload } from "../contract.ts";
import { differences } from "./comparing.ts";
import { drawInput } from "./records.ts";

interface Counted {
  readonly id: number;
  readonly key: unknown;
  readonly n: number;
  readonly count: number;
  readonly sum: number;
}

/** Count and sum. */
export const counting: Workload = {
  name: "counting",
  draw(bench) {
    const { records, splits } = drawInput(bench);
    const sink = bench.sink("out");
    const program = job("counting");
    program
      .source("records", bench.source(splits).spec)
      .keyBy((record) => record.key)
      .process({
        state: { count: value<number>(), sum: value<number>() },
        process({ id, key, n }, { state }): readonly Counted[] {
          const count = (state.count.get() ?? 0) + 1;
          const sum = (state.sum.get() ?? 0) + n;
          state.count.set(count);
          state.sum.set(sum);
          return [{ id, key, n, count, sum }];
        },
      })
      .named("counts")
      .to(sink.spec);
    return {
      job: program,
      sinks: [sink],
      check: () => [
        ...differences(
          "O2",
          "records by id",
          idsOf(sink.rows()),
          records.map(({ id }) => id),
        ),
        ...checkSums(sink.rows().map((row) => row.value as Counted)),
      ],
    };
  },
};

function idsOf(rows: readonly SinkRowTaken[]): readonly number[] {
  return rows.map((row) => (row.value as Counted).id);
}

function checkSums(rows: readonly Counted[]): readonly Violation[] {
  const keys = new Map<string, Counted[]>();
  for (const row of rows) {
    const key = `${typeof row.key} ${JSON.stringify(row.key)}`;
    keys.set(key, [...(keys.get(key) ?? []), row]);
  }
  return [...keys].flatMap(([key, of]) => {
    let sum = 0;
    for (const [index, row] of of.toSorted((a, b) => a.count - b.count).entries()) {
      sum += row.n;
      if (row.count !== index + 1 || row.sum !== sum)
        return [
          { oracle: "O1" as const, what: `${key}: record ${row.id} has ${JSON.stringify(row)}, expected sum ${sum}` },
        ];
    }
    return [];
  });
}
