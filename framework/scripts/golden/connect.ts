/**
 * The family `connect`: programs over two inputs that share state and timers of a key, and one whose second input goes to every instance.
 */
import { job } from "../../api/job.ts";
import type { BroadcastFunctions, CoProcessFunctions } from "../../api/connected-streams.ts";
import type { Stream } from "../../api/stream.ts";
import { callback } from "../../connectors/callback.ts";
import type { ProcessContext } from "../../operator/process-context.ts";
import { map, value, type MapDescriptor, type States } from "../../state/descriptors.ts";
import { type Family, numberIn, recordsOf, valueOf } from "./family.ts";
import { goldenTime, type GoldenCase, type GoldenOutput, type GoldenRecord } from "./format.ts";
import { named } from "./named.ts";

type Pipeline = GoldenCase["pipeline"];
type Records = ReturnType<typeof recordsOf>;
type Program = (left: Records, right: Records) => Stream<GoldenOutput>;
type Rules = MapDescriptor<string, number>;

/** What a record of a script says. */
interface Script {
  readonly del?: readonly number[];
  readonly reg?: readonly number[];
  readonly emit?: boolean;
}

const keyOf = ({ key }: GoldenRecord): string => key;

function both<S extends States>(
  functions: CoProcessFunctions<string, GoldenRecord, GoldenRecord, S, GoldenOutput, GoldenOutput, GoldenOutput>,
): Program {
  return (left, right) => left.keyBy(keyOf).connect(right.keyBy(keyOf)).process(functions);
}

function ruled<S extends States>(
  functions: BroadcastFunctions<string, GoldenRecord, GoldenRecord, Rules, S, GoldenOutput, GoldenOutput, GoldenOutput>,
): Program {
  return (left, right) => left.keyBy(keyOf).connect(right.broadcast()).process(functions);
}

const waiting = { left: value<number>(), right: value<number>(), armed: value<number>() };
type Waiting = ProcessContext<string, typeof waiting>;

/** Pairs the record with the one that waits on the other side, or lets it wait. */
function meet(side: "left" | "right", record: GoldenRecord, timeout: number, context: Waiting): GoldenOutput[] {
  const { state, timers, key, timestamp } = context;
  const other = state[side === "left" ? "right" : "left"];
  const found = other.get();
  timers.cancelEventTime(state.armed.get());
  if (found !== undefined) {
    other.clear();
    state.armed.clear();
    const [left, right] = side === "left" ? [valueOf(record), found] : [found, valueOf(record)];
    return [{ key, kind: "element", left, right }];
  }
  state[side].set(valueOf(record));
  state.armed.set(timers.onEventTime(timestamp + timeout));
  return [];
}

const counting = { count: value<number>() };
type Counting = ProcessContext<string, typeof counting>;

function run(record: GoldenRecord, input: number, { state, timers, key, watermark }: Counting): GoldenOutput[] {
  const { del = [], reg = [], emit } = record as GoldenRecord & Script;
  for (const at of del) timers.cancelEventTime(at);
  for (const at of reg) timers.onEventTime(at);
  const count = (state.count.get() ?? 0) + 1;
  state.count.set(count);
  return emit === true ? [{ key, kind: "element", input, watermark: goldenTime(watermark), count }] : [];
}

const programs: Readonly<Record<string, (pipeline: Pipeline) => Program>> = {
  enrich: () =>
    both({
      state: { known: value<number>() },
      left: (record, { key, state }) => [
        { key, kind: "element", value: valueOf(record), state: state.known.get() ?? null },
      ],
      right: (record, { state }) => state.known.set(valueOf(record)),
    }),
  rendezvous: (pipeline) =>
    both({
      state: waiting,
      left: (record, context) => meet("left", record, numberIn(pipeline, "timeout"), context),
      right: (record, context) => meet("right", record, numberIn(pipeline, "timeout"), context),
      onTimer(timer, { key, state }) {
        const left = state.left.get();
        const number = left ?? state.right.get();
        for (const cell of [state.left, state.right, state.armed]) cell.clear();
        return [{ key, kind: "timer", timer, side: left === undefined ? 1 : 0, value: number }];
      },
    }),
  script: () =>
    both({
      state: counting,
      left: (record, context) => run(record, 0, context),
      right: (record, context) => run(record, 1, context),
      onTimer: (timer, { key, state, watermark }) => [
        { key, kind: "timer", timer, count: state.count.get() ?? 0, watermark: goldenTime(watermark) },
      ],
    }),
  broadcast: () =>
    ruled({
      state: counting,
      rules: map<string, number>(),
      process(record, { key, state, timers, rules, watermark }) {
        const { reg = [] } = record as GoldenRecord & Script;
        const count = (state.count.get() ?? 0) + 1;
        state.count.set(count);
        for (const at of reg) timers.onEventTime(at);
        const known = Object.fromEntries(rules.entries());
        return [
          { key, kind: "element", value: valueOf(record), count, rules: known, watermark: goldenTime(watermark) },
        ];
      },
      onBroadcast(record, { rules, forEachKey }) {
        const type = String(record["type"]);
        if (valueOf(record) === 0) rules.delete(type);
        else rules.set(type, valueOf(record));
        const applied: GoldenOutput[] = [];
        if (record["applyAll"] !== true) return applied;
        forEachKey((key, { state }) => {
          const count = state.count.get();
          if (count === undefined) return;
          applied.push({ key, kind: "applied", count });
          if (record["reset"] === true) state.count.clear();
        });
        return applied;
      },
      onTimer(timer, { key, state, rules, watermark }) {
        const known = Object.fromEntries(rules.entries());
        const count = state.count.get() ?? 0;
        return [{ key, kind: "timer", timer, count, rules: known, watermark: goldenTime(watermark) }];
      },
    }),
};

/** A case of the family as a job. @throws RangeError when its program is none of the format */
export const connect: Family = ({ pipeline }) => {
  const make = named(programs, String(pipeline["program"]), "program");
  const golden = job("golden");
  const [left, right] = [recordsOf(golden, "left"), recordsOf(golden, "right")];
  make(pipeline)(left, right)
    .named("tested")
    .to(callback("main", () => undefined));
  return { job: golden, sources: ["left", "right"], stage: "tested", hasLate: false };
};
