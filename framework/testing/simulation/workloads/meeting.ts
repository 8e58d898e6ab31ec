/**
 * Operators with two inputs, and windows that merge: records of two sources meet in state that both sides share, rules go to every partition and through all
 * of its keys, and one of the sources is cut into sessions.
 *
 * What meets is said by a timer behind all input, so it does not depend on which side came first; sessions have their records, because no split is out of
 * order.
 */
import { job } from "../../../api/job.ts";
import { list, map, value } from "../../../state/descriptors.ts";
import { session } from "../../../window/session.ts";
import type { SimulatedRecord, Workload } from "../contract.ts";
import { differences } from "./comparing.ts";
import { drawInput } from "./records.ts";

const behindMs = 10_000;
const rightsFrom = 1_001;
const rulesFrom = 2_001;

interface Met {
  readonly key: SimulatedRecord["key"];
  readonly left: readonly number[];
  readonly right: readonly number[];
}

interface Ruled {
  readonly key: SimulatedRecord["key"];
  readonly count: number;
  readonly rules: readonly (readonly [number, number])[];
}

/** Two inputs. */
export const meeting: Workload = {
  name: "meeting",
  draw(bench) {
    const { random } = bench;
    const left = drawInput(bench, { count: 15 + random.below(40) });
    const right = drawInput(bench, { count: 5 + random.below(30), firstId: rightsFrom });
    const rules = drawInput(bench, { count: 1 + random.below(10), splits: 1 + random.below(2), firstId: rulesFrom });
    const gapMs = [60, 200, 700][random.below(3)] ?? 200;
    const [met, ruled, sessions] = [bench.sink("met"), bench.sink("ruled"), bench.sink("sessions")];
    const program = job("meeting");
    const records = (name: string, { splits }: typeof left) =>
      program.source(name, bench.source(splits).spec).timestamps((record) => record.at, { idleTimeout: Infinity });
    const byKey = records("left", left).keyBy((record) => record.key);
    byKey
      .connect(records("right", right).keyBy((record) => record.key))
      .process({
        state: { left: list<number>(), right: list<number>() },
        left({ id }, { state, timers }) {
          state.left.append(id);
          timers.onEventTime(behindMs);
        },
        right({ id }, { state, timers }) {
          state.right.append(id);
          timers.onEventTime(behindMs);
        },
        onTimer: (_time, { key, state }) => [
          { key, left: sorted(state.left.values()), right: sorted(state.right.values()) },
        ],
      })
      .named("met")
      .to(met.spec);
    byKey
      .connect(records("rules", rules).broadcast())
      .process({
        rules: map<number, number>(),
        state: { count: value<number>(), visits: value<number>() },
        process(_record, { state, timers }) {
          state.count.set((state.count.get() ?? 0) + 1);
          timers.onEventTime(behindMs);
        },
        // How often a key is visited depends on what came first; that it is visited again in a replay is seen by the oracle of determinism.
        onBroadcast({ id, n }, { rules: known, forEachKey }) {
          known.set(id, n);
          forEachKey((_key, { state }) => state.visits.set((state.visits.get() ?? 0) + 1));
        },
        onTimer: (_time, { key, state, rules: known }) => [
          { key, count: state.count.get() ?? 0, rules: [...known.entries()].toSorted(([a], [b]) => a - b) },
        ],
      })
      .named("ruled")
      .to(ruled.spec);
    byKey
      .window(session(gapMs))
      .aggregate<readonly number[], readonly number[]>({
        create: () => [],
        add: (ids, { id }) => [...ids, id],
        result: (ids) => sorted(ids),
        merge: (older, newer) => [...older, ...newer],
      })
      .named("sessions")
      .to(sessions.spec);
    const rowsOf = (sink: typeof met) => sink.rows().map((row) => row.value);
    return {
      job: program,
      sinks: [met, ruled, sessions],
      check: ({ late }) => [
        ...differences("O1", "what met", rowsOf(met), meetings(left.records, right.records)),
        ...differences("O1", "what was ruled", rowsOf(ruled), rulings(left.records, rules.records)),
        ...differences("O1", "sessions", rowsOf(sessions), sessionsOf(left.records, gapMs)),
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

function sorted(ids: Iterable<number>): readonly number[] {
  return [...ids].toSorted((a, b) => a - b);
}

function byKeyOf(records: readonly SimulatedRecord[]): ReadonlyMap<string, readonly SimulatedRecord[]> {
  return Map.groupBy(records, ({ key }) => `${typeof key} ${JSON.stringify(key)}`);
}

function meetings(lefts: readonly SimulatedRecord[], rights: readonly SimulatedRecord[]): readonly Met[] {
  return [...byKeyOf([...lefts, ...rights]).values()].map((of) => {
    const ids = of.map(({ id }) => id);
    const key = of[0]?.key ?? "";
    return {
      key,
      left: sorted(ids.filter((id) => id < rightsFrom)),
      right: sorted(ids.filter((id) => id >= rightsFrom)),
    };
  });
}

function rulings(records: readonly SimulatedRecord[], rules: readonly SimulatedRecord[]): readonly Ruled[] {
  const known = rules.map(({ id, n }) => [id, n] as const);
  return [...byKeyOf(records).values()].map((of) => ({ key: of[0]?.key ?? "", count: of.length, rules: known }));
}

function sessionsOf(records: readonly SimulatedRecord[], gapMs: number): readonly unknown[] {
  return [...byKeyOf(records).values()].flatMap((of) => {
    const sessions: { start: number; end: number; ids: number[] }[] = [];
    for (const { id, at } of of.toSorted((a, b) => a.at - b.at)) {
      const last = sessions.at(-1);
      if (last === undefined || at > last.end) sessions.push({ start: at, end: at + gapMs, ids: [id] });
      else {
        last.end = at + gapMs;
        last.ids.push(id);
      }
    }
    return sessions.map(({ start, end, ids }) => ({ key: of[0]?.key, window: { start, end }, value: sorted(ids) }));
  });
}
