/**
 * Stateless operators: map, filter and flatMap of two sources together (union), some of whose records make a function throw.
 *
 * Every record comes out as often as plain code says, or is a dead letter. The last function hands out one object again and again: what has been said is said,
 * whatever becomes of the object.
 */
import { job } from "../../../api/job.ts";
import type { SimulatedRecord, Workload } from "../contract.ts";
import { deadIds, differences } from "./comparing.ts";
import { drawInput, poison } from "./records.ts";

const isPoison = ({ n }: SimulatedRecord) => n % 11 === 0;
const isKept = ({ n }: SimulatedRecord) => n % 3 !== 0;
const copies = ({ n }: SimulatedRecord) => n % 4;

function poisoned(record: SimulatedRecord): SimulatedRecord {
  if (isPoison(record)) throw poison(record);
  return record;
}

/** Map, filter, flatMap and union. */
export const mapping: Workload = {
  name: "mapping",
  draw(bench) {
    const left = drawInput(bench);
    const right = drawInput(bench, { firstId: 1_001 });
    const sink = bench.sink("out");
    const program = job("mapping");
    program
      .source("left", bench.source(left.splits).spec)
      .map(poisoned)
      .union(program.source("right", bench.source(right.splits).spec).filter(isKept))
      .flatMap(sparingCopies())
      .to(sink.spec);
    const kept = [...left.records.filter((record) => !isPoison(record)), ...right.records.filter(isKept)];
    return {
      job: program,
      sinks: [sink],
      check: ({ deadLetters }) => [
        ...differences(
          "O1",
          "records",
          sink.rows().map((row) => row.value),
          kept.flatMap(copiesOf),
        ),
        ...differences(
          "O2",
          "dead letters",
          deadIds(deadLetters),
          left.records.filter(isPoison).map(({ id }) => id),
        ),
      ],
    };
  },
};

/** The copies, all of them in the same object. */
function sparingCopies(): (record: SimulatedRecord) => Iterable<object> & object {
  const only = {};
  return function* (record) {
    for (const copy of copiesOf(record)) yield Object.assign(only, copy);
  };
}

function copiesOf(record: SimulatedRecord): readonly object[] {
  return Array.from({ length: copies(record) }, (_, copy) => ({ id: record.id, copy, n: -record.n }));
}
