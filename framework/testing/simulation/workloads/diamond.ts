/**
 * Fan-out and fan-in: a keyed stage whose output takes two ways, and meets again in windows of a third; and two edges between the same two stages.
 */
import { job } from "../../../api/job.ts";
import { value } from "../../../state/descriptors.ts";
import { tumbling } from "../../../window/assigner.ts";
import type { SimulatedRecord, Workload } from "../contract.ts";
import { differences } from "./comparing.ts";
import { drawInput } from "./records.ts";

const sizeMs = 1_000;

interface Branch {
  readonly id: number;
  readonly at: number;
  readonly way: string;
  readonly n: number;
}

/** The diamond. */
export const diamond: Workload = {
  name: "diamond",
  draw(bench) {
    const { random } = bench;
    const { records, splits } = drawInput(bench, { count: 15 + random.below(30) });
    const sink = bench.sink("out");
    const program = job("diamond");
    const entry = program
      .source("records", bench.source(splits).spec)
      .timestamps((record) => record.at, { idleTimeout: Infinity })
      .keyBy((record) => record.key)
      .process({
        state: { seen: value<number>() },
        process(record, { state }) {
          state.seen.set((state.seen.get() ?? 0) + 1);
          return [record];
        },
      })
      .named("entry");
    const direct = entry.map(branch("direct"));
    const second = entry.filter(({ n }) => n % 2 === 0).map(branch("second"));
    const around = entry
      .keyBy((record) => record.n % 5)
      .process({ process: (record) => [branch("around")(record)] })
      .named("around");
    direct
      .union(second, around)
      .keyBy((each) => each.id % 7)
      .window(tumbling(sizeMs))
      .aggregate<readonly string[], readonly string[]>({
        create: () => [],
        add: (ways, { id, way }) => [...ways, `${id} ${way}`],
        result: (ways) => ways.toSorted(),
      })
      .named("exit")
      .to(sink.spec);
    return {
      job: program,
      sinks: [sink],
      check: ({ late }) => [
        ...differences(
          "O1",
          "windows",
          sink.rows().map((row) => row.value),
          reference(records),
        ),
        ...differences(
          "O4",
          "late records",
          late.map((record) => record.value),
          [],
        ),
      ],
    };
  },
};

function branch(way: string): (record: SimulatedRecord) => Branch {
  return ({ id, at, n }) => ({ id, at, way, n });
}

function reference(records: readonly SimulatedRecord[]): readonly unknown[] {
  const groups = new Map<string, string[]>();
  for (const { id, at, n } of records) {
    const name = `${id % 7} ${Math.floor(at / sizeMs) * sizeMs}`;
    const ways = ["direct", "around", ...(n % 2 === 0 ? ["second"] : [])].map((way) => `${id} ${way}`);
    groups.set(name, [...(groups.get(name) ?? []), ...ways]);
  }
  return [...groups].map(([name, ways]) => {
    const [key = 0, start = 0] = name.split(" ").map(Number);
    return { key, window: { start, end: start + sizeMs }, value: ways.toSorted() };
  });
}
