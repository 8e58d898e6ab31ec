/**
 * Joins of two sources: by an interval of time, by windows, and grouped by them; the state of both sides comes and goes with event time.
 *
 * No split is out of order, so nobody is late, and what is joined is what lies close enough, however the sources race.
 */
import { job } from "../../../api/job.ts";
import type { Outputs } from "../../../operator/emit-all.ts";
import { tumbling } from "../../../window/assigner.ts";
import type { SimulatedRecord, Workload } from "../contract.ts";
import { differences } from "./comparing.ts";
import { drawInput } from "./records.ts";

const sizeMs = 500;
const rightsFrom = 1_001;

/** Two ids, of which one may be missing. */
type Pair = readonly [left: number | null, right: number | null];

/** The joins. */
export const joining: Workload = {
  name: "joining",
  draw(bench) {
    const { random } = bench;
    const left = drawInput(bench, { count: 20 + random.below(60) });
    const right = drawInput(bench, { count: 20 + random.below(60), firstId: rightsFrom });
    const lowerMs = random.below(1_500) - 1_000;
    const upperMs = lowerMs + 300 + random.below(1_500);
    const [close, paired, grouped] = [bench.sink("close"), bench.sink("paired"), bench.sink("grouped")];
    const program = job("joining");
    const byKey = (name: string, { splits }: typeof left) =>
      program
        .source(name, bench.source(splits).spec)
        .timestamps((record) => record.at, { idleTimeout: Infinity })
        .keyBy((record) => record.key);
    const [lefts, rights] = [byKey("left", left), byKey("right", right)];
    lefts
      .intervalJoin(rights, { lower: lowerMs, upper: upperMs, type: "full" })
      .select(pairOf)
      .named("close")
      .to(close.spec);
    lefts.join(rights, { type: "left" }).window(tumbling(sizeMs)).select(pairOf).named("paired").to(paired.spec);
    lefts.coGroup(rights).window(tumbling(sizeMs)).select(groupOf).named("grouped").to(grouped.spec);
    const rowsOf = (sink: typeof close) => sink.rows().map((row) => row.value);
    const isClose = (a: SimulatedRecord, b: SimulatedRecord) => b.at >= a.at + lowerMs && b.at <= a.at + upperMs;
    const both = [left.records, right.records] as const;
    const pairs = pairsOf(both, isInOneWindow);
    return {
      job: program,
      sinks: [close, paired, grouped],
      check: ({ late }) => [
        ...differences("O1", "what is close", rowsOf(close), pairsOf(both, isClose)),
        ...differences(
          "O1",
          "pairs",
          rowsOf(paired),
          pairs.filter(([one]) => one !== null),
        ),
        ...differences("O1", "groups", rowsOf(grouped), groupsOf(both)),
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

function pairOf(left: SimulatedRecord | undefined, right: SimulatedRecord | undefined): Pair {
  return [left?.id ?? null, right?.id ?? null];
}

function groupOf(left: readonly SimulatedRecord[], right: readonly SimulatedRecord[]): Outputs<readonly number[]> {
  return [[...left, ...right].map(({ id }) => id).toSorted((a, b) => a - b)];
}

function windowOf({ key, at }: SimulatedRecord): string {
  return `${typeof key} ${JSON.stringify(Object.is(key, -0) ? 0 : key)} ${Math.floor(at / sizeMs)}`;
}

function isInOneWindow(a: SimulatedRecord, b: SimulatedRecord): boolean {
  return windowOf(a) === windowOf(b);
}

type Both = readonly [lefts: readonly SimulatedRecord[], rights: readonly SimulatedRecord[]];

/** Everybody with everybody who fits, and everybody who has nobody. */
function pairsOf([lefts, rights]: Both, fits: (a: SimulatedRecord, b: SimulatedRecord) => boolean): readonly Pair[] {
  const pairs = lefts.flatMap((a) => rights.filter((b) => a.key === b.key && fits(a, b)).map((b) => pairOf(a, b)));
  const met = new Set(pairs.flat());
  const alone = (records: readonly SimulatedRecord[]) => records.filter(({ id }) => !met.has(id));
  return [
    ...pairs,
    ...alone(lefts).map((a) => pairOf(a, undefined)),
    ...alone(rights).map((b) => pairOf(undefined, b)),
  ];
}

function groupsOf([lefts, rights]: Both): readonly (readonly number[])[] {
  const groups = Map.groupBy([...lefts, ...rights], windowOf);
  return [...groups.values()].map((group) => group.map(({ id }) => id).toSorted((a, b) => a - b));
}
