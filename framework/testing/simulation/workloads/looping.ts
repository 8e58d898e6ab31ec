/**
 * Records that go round: each as often as it says, every time to the partition of another key, and then out, into windows behind the loop.
 *
 * What goes round may be late behind the loop, as chance will have it: but every record is either in a window or late, and the job ends only when all are out
 * (G4 to G6).
 */
import { job } from "../../../api/job.ts";
import { count } from "../../../operator/aggregates.ts";
import type { Windowed } from "../../../operator/window.ts";
import { value } from "../../../state/descriptors.ts";
import { tumbling } from "../../../window/assigner.ts";
import type { SimulatedRecord, Workload } from "../contract.ts";
import { differences } from "./comparing.ts";
import { drawInput } from "./records.ts";

const roundsMax = 5;

interface Hop extends SimulatedRecord {
  readonly left: number;
}

/** What is said of a visit, or at the end of a place. */
interface Seen {
  readonly hop: Hop | undefined;
  readonly said: string;
}

/** Event time of nothing: it comes with the end alone. */
const afterAllMs = 1_000_000;

/** Where a record is on its n-th round. */
const placeOf = ({ n, left }: Hop): string => `${n % 3}.${left % 4}`;

/** A loop. */
export const looping: Workload = {
  name: "looping",
  draw(bench) {
    const { records, splits } = drawInput(bench, { count: 20 + bench.random.below(40) });
    const hops = records.map((record): Hop => ({ ...record, left: record.n % roundsMax }));
    const [out, visits, windows, late] = ["out", "visits", "windows", "too-late"].map((name) => bench.sink(name));
    const program = job("looping");
    const again = program.feedback<Hop>("again");
    const seen = program
      .source("records", bench.source(splits).spec)
      .timestamps((record) => record.at)
      .map((record): Hop => ({ ...record, left: record.n % roundsMax }))
      .union(again)
      .keyBy(placeOf)
      .process({
        state: { visits: value<number>() },
        process(hop: Hop, { state, timers, key }): readonly Seen[] {
          const n = (state.visits.get() ?? 0) + 1;
          state.visits.set(n);
          timers.onEventTime(afterAllMs);
          return [{ hop, said: `${key}: ${n}` }];
        },
        onTimer: (_time, { state, key }): readonly Seen[] => [
          { hop: undefined, said: `${key}: ${state.visits.get()} in all` },
        ],
      })
      .named("visit");
    seen.map(({ said }) => said).to(visits!.spec);
    const { more, done } = seen
      .flatMap(({ hop }) => (hop === undefined ? [] : [hop]))
      .split({ more: (hop) => hop.left > 0, done: (hop) => hop.left === 0 });
    more.map((hop) => ({ ...hop, left: hop.left - 1 })).to(again);
    done.map(({ id }) => id).to(out!.spec);
    const counted = done
      .keyBy(({ id }) => id % 3)
      .window(tumbling("500ms"))
      .aggregate(count())
      .named("count");
    counted.to(windows!.spec);
    counted.late().to(late!.spec);
    const valuesOf = (sink: typeof out) => sink!.rows().map((row) => row.value);
    return {
      job: program,
      sinks: [out!, visits!, windows!, late!],
      check: () => {
        const ids = hops.map(({ id }) => id);
        const inWindows = valuesOf(windows).reduce(
          (sum: number, fired) => sum + (fired as Windowed<number, number>).value,
          0,
        );
        const sums = [`${inWindows + valuesOf(late).length} records behind the loop`];
        return [
          ...differences("O1", "records by id", valuesOf(out), ids),
          ...differences("O1", "visits", valuesOf(visits), reference(hops)),
          ...differences("O2", "windows and late records", sums, [`${ids.length} records behind the loop`]),
        ];
      },
    };
  },
};

/** Each visit of each place, once per record and round; and at the end, when nothing goes round any more, how many there were. */
function reference(hops: readonly Hop[]): readonly string[] {
  const counts = new Map<string, number>();
  const visits: string[] = [];
  for (const hop of hops) {
    for (let { left } = hop; left >= 0; left -= 1) {
      const place = placeOf({ ...hop, left });
      const n = (counts.get(place) ?? 0) + 1;
      counts.set(place, n);
      visits.push(`${place}: ${n}`);
    }
  }
  return [...visits, ...[...counts].map(([place, n]) => `${place}: ${n} in all`)];
}
