/**
 * Records that are dealt in turn to instances without a key, and state that comes back to what it was: each key goes round through a few phases.
 *
 * No call of the API deals records yet; the plan knows the exchange, so the one into the batch turn is made one here (R1: dealt by number, never by load).
 * A segment has the same bytes again after some records: a chunk that were named by them alone would be mixed up with one on its way out (R6).
 */
import { job } from "../../../api/job.ts";
import type { Plan } from "../../../plan/plan.ts";
import { value } from "../../../state/descriptors.ts";
import type { SimulatedRecord, Workload } from "../contract.ts";
import { differences } from "./comparing.ts";
import { drawInput } from "./records.ts";

const phases = 3;

interface Turned {
  readonly id: number;
  readonly key: number;
  readonly phase: number;
}

/** Dealing, and state in a circle. */
export const cycling: Workload = {
  name: "cycling",
  draw(bench) {
    const { records, splits } = drawInput(bench, { count: 40 + bench.random.below(60) });
    const keys = 1 + bench.random.below(2);
    // Handed out for each record: what has been said is said, whatever becomes of the object.
    const only = {};
    const keyOf = ({ n }: SimulatedRecord) => n % keys;
    const sink = bench.sink("out");
    const program = job("cycling");
    program
      .source("records", bench.source(splits).spec)
      .mapBatch({ deterministic: true, version: "1", run: (batch) => Promise.resolve(batch) })
      .named("dealt")
      .keyBy(keyOf)
      .process({
        state: { phase: value<number>() },
        process(record, { state, key }): readonly Turned[] {
          const phase = ((state.phase.get() ?? -1) + 1) % phases;
          state.phase.set(phase);
          return [Object.assign(only, { id: record.id, key, phase })];
        },
      })
      .named("phases")
      .to(sink.spec);
    return {
      job: program,
      rewired: dealing,
      sinks: [sink],
      check: () => {
        const rows = sink.rows().map((row) => row.value as Turned);
        return [
          ...differences(
            "O2",
            "records by id",
            rows.map(({ id }) => id),
            records.map(({ id }) => id),
          ),
          ...differences(
            "O1",
            "phases",
            rows.map(({ key, phase }) => `${key} in ${phase}`),
            reference(records.map(keyOf)),
          ),
        ];
      },
    };
  },
};

/** The plan with what goes straight on dealt in turn. */
function dealing(plan: Plan): Plan {
  const edges = plan.edges.map((edge) =>
    edge.exchange === "forward" ? { ...edge, exchange: "rebalance" as const } : edge,
  );
  return { ...plan, edges };
}

/** The phases of each key: one after the other, as often as it has records. */
function reference(keys: readonly number[]): readonly string[] {
  const counts = new Map<number, number>();
  return keys.map((key) => {
    const count = counts.get(key) ?? 0;
    counts.set(key, count + 1);
    return `${key} in ${count % phases}`;
  });
}
