/**
 * What a program is written with: streams behind `keyBy`.
 *
 * Owns the types and their documentation; `recorded.ts` implements them. Everything here begins a stage of its own, with state per key.
 */
import type { Outputs } from "../operator/emit-all.ts";
import type { JoinType } from "../operator/join-type.ts";
import type { ProcessContext, TimerContext } from "../operator/process-context.ts";
import type { Key } from "../record/key.ts";
import type { Sides } from "../operator/sides.ts";
import type { States } from "../state/descriptors.ts";
import type { FiringWindows } from "../window/assigner.ts";
import type { GlobalWindows } from "../window/unbounded.ts";
import type { BroadcastStream, ConnectedStreams, RuledStream } from "./connected-streams.ts";
import type {
  CoGroup,
  IntervalJoin,
  IntervalJoinOptions,
  JoinOptions,
  UntriggeredPair,
  WindowJoin,
  Windowing,
} from "./joined-streams.ts";
import type { ProcessedStream, Stream } from "./stream.ts";
import type { UntriggeredWindows, WindowedStream } from "./windowed-stream.ts";

/**
 * What {@link KeyedStream.process} takes: state by name, and what to do with records and timers. Both callbacks may answer outputs, each of a type of
 * its own.
 */
export interface ProcessFunctions<K extends Key, T, S extends States, O1, O2, D extends Sides = {}> {
  /** State per key, by name; the name is the state's identity across versions of the program. */
  readonly state?: S | undefined;
  /** Side outputs, by name: streams of their own beside what the callbacks answer. */
  readonly sides?: D | undefined;
  /** Called for each record, with state and timers of its key. Outputs have the record's timestamp. */
  process(value: T, context: ProcessContext<K, S, D>): Outputs<O1>;
  /** Called when a timer is due, with state and timers of its key. Outputs of an event-time timer have its time as their timestamp. */
  onTimer?(time: number, context: TimerContext<K, S, D>): Outputs<O2>;
}

/** The kind of key that both sides of a join or connection have: a string for strings, whatever their values. */
export type WideKey<K> = K extends string
  ? string
  : K extends number
    ? number
    : K extends bigint
      ? bigint
      : K extends boolean
        ? boolean
        : { readonly [P in keyof K]: WideKey<K[P]> };

/** Records of `T`, those of one key `K` together. */
export interface KeyedStream<K extends Key, T> {
  /**
   * Puts the records of each key into windows. A global window needs a trigger before anything else.
   *
   * @example
   * readings.keyBy((r) => r.device).window(tumbling("1m"));
   * readings.keyBy((r) => r.device).window(session("10m"));
   * readings.keyBy((r) => r.device).window(globalWindow()).trigger(everyCount(100).purging());
   */
  window(windows: FiringWindows<T>): WindowedStream<K, T>;
  window(windows: GlobalWindows): UntriggeredWindows<K, T>;

  /**
   * Folds the records of each key into one value and answers it after every record: the first record as it is, then `combine(so far, record)`.
   *
   * @example
   * payments.keyBy((p) => p.account).reduce((a, b) => ({ ...b, cents: a.cents + b.cents }));
   */
  reduce(combine: (soFar: T, value: T) => T): Stream<T>;

  /**
   * Runs functions of the program with state and timers of the record's key. Outputs are what the callbacks return or yield: nothing, or an iterable.
   *
   * @example
   * readings.keyBy((r) => r.device).process({
   *   state: { last: value<Reading>() },
   *   process(reading, { state, timers, timestamp }) {
   *     state.last.set(reading);
   *     timers.onEventTime(timestamp + 60_000);
   *   },
   *   onTimer: (time, { key, state }) => [{ device: key, silentSince: state.last.get()?.at }],
   * });
   */
  process<O1 = never, O2 = never, S extends States = {}, D extends Sides = {}>(
    functions: ProcessFunctions<K, T, S, O1, O2, D>,
  ): ProcessedStream<O1 | O2, D>;

  /**
   * Brings a second stream to this one, so that functions of both see the state and the timers of their key; or rules, which every partition is given.
   *
   * @example
   * orders.keyBy((o) => o.id).connect(payments.keyBy((p) => p.order));
   * readings.keyBy((r) => r.device).connect(rules.broadcast());
   */
  connect<U, K2 extends WideKey<K>>(other: KeyedStream<K2, U>): ConnectedStreams<K | K2, T, U>;
  connect<B>(rules: BroadcastStream<B>): RuledStream<K, T, B>;

  /**
   * Joins each record with those of another stream that have its key and are close to it in event time: not before `lower`, not after `upper` of its own
   * time. Both sides need timestamps.
   *
   * @example
   * orders.keyBy((o) => o.id)
   *   .intervalJoin(payments.keyBy((p) => p.order), { lower: "-5m", upper: "1h", bounds: "[)" })
   *   .select((order, payment) => ({ ...order, paid: payment.at }));
   */
  intervalJoin<U, K2 extends WideKey<K>, J extends JoinType = "inner">(
    other: KeyedStream<K2, U>,
    options: IntervalJoinOptions<J>,
  ): IntervalJoin<T, U, J>;

  /**
   * Joins the records of two streams that have one key and fall into one window.
   *
   * @example
   * clicks.keyBy((c) => c.user).join(views.keyBy((v) => v.user), { type: "left" }).window(session("10m")).select((click, view) => ({ click, view }));
   */
  join<U, K2 extends WideKey<K>, J extends JoinType = "inner">(
    other: KeyedStream<K2, U>,
    options?: JoinOptions<J>,
  ): Windowing<T | U, WindowJoin<K | K2, T, U, J>, UntriggeredPair<T | U, WindowJoin<K | K2, T, U, J>>>;

  /**
   * Brings together what two streams have for one key in one window.
   *
   * @example
   * a.keyBy(f).coGroup(b.keyBy(g)).window(tumbling("1m")).select((lefts, rights) => [{ lefts, rights }]);
   */
  coGroup<U, K2 extends WideKey<K>>(
    other: KeyedStream<K2, U>,
  ): Windowing<T | U, CoGroup<K | K2, T, U>, UntriggeredPair<T | U, CoGroup<K | K2, T, U>>>;
}
