/**
 * Steps that throw when they have done everything that a step can do: changed state, registered timers, drawn random numbers, said records, issued requests.
 *
 * Nothing of such a step may be left: counts, random numbers and timers are as if its record had never been. What the program sees of processing time is looked
 * at besides: it never goes back, and no timer fires before it.
 */
import { job } from "../../../api/job.ts";
import { value } from "../../../state/descriptors.ts";
import type { Bench, SimulatedRecord, Violation, Workload } from "../contract.ts";
import { deadIds, differences } from "./comparing.ts";
import { foreignDraws } from "./random-reference.ts";
import { drawInput, poison } from "./records.ts";

/** Event time from a record to its timer. */
const timerMs = 700;

interface Said {
  readonly id: number;
  readonly key: unknown;
  readonly n: number;
  readonly copy: number;
  /** Which record of its key it is. */
  readonly count: number;
  readonly drawn: number;
}

interface Fired {
  readonly key: unknown;
  readonly time: number;
}

/** Makes an answer nearly as large as one may be. */
const pad = "?".repeat(800);

/** What a program may never see. */
interface Oddity {
  readonly odd: string;
}

type Row = Said | Fired | Oddity;

/** Steps that fail. */
export const failing: Workload = {
  name: "failing",
  draw(bench) {
    const { random } = bench;
    const { records, splits } = drawInput(bench);
    const [direct, answers] = [bench.sink("steps"), bench.sink("answers")];
    const longestMs = [20, 300, 3_000][random.below(3)] ?? 300;
    const program = job("failing");
    const steps = program
      .source("records", bench.source(splits).spec)
      .timestamps((record) => record.at, { idleTimeout: Infinity })
      .keyBy((record) => record.key)
      .process({
        state: { count: value<number>(), nowMs: value<number>() },
        process({ id, key, n }, { state, timers, timestamp, now, random: draw }): readonly Row[] {
          const count = (state.count.get() ?? 0) + 1;
          state.count.set(count);
          const [beforeMs, nowMs] = [state.nowMs.get() ?? 0, now()];
          state.nowMs.set(nowMs);
          timers.onEventTime(timestamp + timerMs);
          timers.onProcessingTime(nowMs + 1 + ((n * 7) % longestMs));
          const said = { id, key, n, count, drawn: draw() };
          const oddities = nowMs < beforeMs ? [{ odd: `it was ${beforeMs}, and is ${nowMs}` }] : [];
          return [{ ...said, copy: 1 }, ...oddities, { ...said, copy: 2 }];
        },
        onTimer(time, { key, domain, now }): readonly Row[] {
          if (domain === "event") return [{ key, time }];
          return now() < time ? [{ odd: `the timer of ${time} fires at ${now()}` }] : [];
        },
      })
      .named("steps")
      .map((row) => thrown(row, isPoison));
    steps.to(direct.spec);
    steps
      .filter((row) => "copy" in row)
      .keyBy((row) => idOf(row) % 5)
      .process({ process: (row) => [row, { ...row, copy: 3 }] })
      .named("twice")
      .map((row) => thrown(row, isRefused))
      .mapAsync(calleeOf(bench), { order: "ordered", capacity: 3, timeout: "10m", resultBytes: 1_024 })
      .named("ask")
      .to(answers.spec);
    const good = records.filter((record) => !isPoison(record));
    return {
      job: program,
      sinks: [direct, answers],
      check: ({ deadLetters }) => {
        const rows = direct.rows().map((row) => row.value as Row);
        const said = rows.filter((row) => "copy" in row);
        return [
          ...differences("O2", "records said", said.map(nameOf), good.flatMap(copiesOf)),
          ...differences(
            "O2",
            "answers",
            answers.rows().map((row) => nameOf(row.value as Said)),
            good.flatMap(answersOf),
          ),
          ...differences("O2", "dead letters", deadIds(deadLetters), deadOf(records)),
          ...differences(
            "O1",
            "timers",
            rows.filter((row) => "time" in row),
            good.map(timerOf),
          ),
          ...differences(
            "O1",
            "counts",
            said.map(({ key, count }) => ({ key, count })),
            countsOf(good),
          ),
          ...differences(
            "O1",
            "what a program may not see",
            rows.filter((row) => "odd" in row),
            [],
          ),
          ...drawsOf(said),
        ];
      },
    };
  },
};

const isPoison = ({ n }: Pick<SimulatedRecord, "n">) => n % 7 === 0;
const isRefused = ({ n }: Pick<SimulatedRecord, "n">) => n % 5 === 0;

/** The later one of two copies throws, when the first has been said. */
function thrown<R extends Row>(row: R, isBad: (said: Said) => boolean): R {
  if ("copy" in row && row.copy > 1 && isBad(row)) throw poison(row as Said & SimulatedRecord);
  return row;
}

function idOf(row: Row): number {
  return "id" in row ? row.id : 0;
}

/** Answers what it is asked at length, after a while of its own. */
function calleeOf(bench: Bench): (row: Row) => Promise<Row> {
  const moods = bench.random.fork("callee");
  const latencyMsMax = [5, 50, 400][bench.random.below(3)] ?? 50;
  return async (row) => {
    await bench.later(moods.below(latencyMsMax));
    return { ...row, pad };
  };
}

function nameOf({ id, copy }: Pick<Said, "id" | "copy">): string {
  return `${id} ${copy}`;
}

function copiesOf({ id }: SimulatedRecord): readonly string[] {
  return [`${id} 1`, `${id} 2`];
}

/** Each copy again, and a third of each; both or none. */
function answersOf(record: SimulatedRecord): readonly string[] {
  return isRefused(record) ? [] : [...copiesOf(record), `${record.id} 3`, `${record.id} 3`];
}

/** The second stage has two letters of a record: one for each copy. */
function deadOf(records: readonly SimulatedRecord[]): readonly number[] {
  return records.flatMap((record) => {
    if (isPoison(record)) return [record.id];
    return isRefused(record) ? [record.id, record.id] : [];
  });
}

function timerOf({ key, at }: SimulatedRecord): Fired {
  return { key, time: at + timerMs };
}

/** Each record has been said twice. */
function countsOf(good: readonly SimulatedRecord[]): readonly unknown[] {
  const counts = new Map<string, number>();
  return good.flatMap(({ key }) => {
    const name = `${typeof key} ${JSON.stringify(key)}`;
    const count = (counts.get(name) ?? 0) + 1;
    counts.set(name, count);
    return [
      { key, count },
      { key, count },
    ];
  });
}

function drawsOf(said: readonly Said[]): readonly Violation[] {
  const draws = said.filter(({ copy }) => copy === 1).map(({ drawn }) => drawn);
  return foreignDraws("steps", draws).map((what) => ({ oracle: "O1", what }));
}
