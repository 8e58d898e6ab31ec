/**
 * What a program is written with: two streams that are processed together.
 *
 * Owns the types and their documentation; `recorded-inputs.ts` implements them. What is connected becomes a stream again by `process`.
 */
import type { BroadcastContext, ReadRules } from "../operator/broadcast-process.ts";
import type { Outputs } from "../operator/emit-all.ts";
import type { ProcessContext, TimerContext } from "../operator/process-context.ts";
import type { Sides } from "../operator/sides.ts";
import type { Key } from "../record/key.ts";
import type { AnyDescriptor, States } from "../state/descriptors.ts";
import type { ProcessedStream } from "./stream.ts";

/** Records of `B` on their way to every partition of a stage. */
export interface BroadcastStream<B> {
  readonly kind: "broadcast";
  /** Only types look at it. */
  readonly broadcasts?: B | undefined;
}

/** What {@link ConnectedStreams.process} takes. All callbacks of a key share its state and timers. */
export interface CoProcessFunctions<K extends Key, L, R, S extends States, O1, O2, O3, D extends Sides = {}> {
  /** State per key, by name; the name is the state's identity across versions of the program. */
  readonly state?: S | undefined;
  /** Side outputs, by name. */
  readonly sides?: D | undefined;
  /** Called for each record of the first stream. Outputs have the record's timestamp. */
  left(value: L, context: ProcessContext<K, S, D>): Outputs<O1>;
  /** Called for each record of the second stream. */
  right(value: R, context: ProcessContext<K, S, D>): Outputs<O2>;
  /** Called when a timer is due, whichever side has registered it: when event time of both sides has come to it. */
  onTimer?(time: number, context: TimerContext<K, S, D>): Outputs<O3>;
}

/** Two keyed streams, records of one key together. */
export interface ConnectedStreams<K extends Key, L, R> {
  /**
   * Runs functions of the program for the records of both sides, with state and timers that the sides share. Between the sides there is no order; event
   * time is the lesser of theirs.
   *
   * @example
   * orders.keyBy((o) => o.id).connect(payments.keyBy((p) => p.order)).process({
   *   state: { order: value<Order>() },
   *   left: (order, { state }) => state.order.set(order),
   *   right: (payment, { state }) => [{ payment, order: state.order.get() }],
   * });
   */
  process<O1 = never, O2 = never, O3 = never, S extends States = {}, D extends Sides = {}>(
    functions: CoProcessFunctions<K, L, R, S, O1, O2, O3, D>,
  ): ProcessedStream<O1 | O2 | O3, D>;
}

/** What {@link RuledStream.process} takes. */
export interface BroadcastFunctions<
  K extends Key,
  T,
  B,
  Q extends AnyDescriptor,
  S extends States,
  O1,
  O2,
  O3,
  D extends Sides = {},
> {
  /** What every partition knows: declared like state, the same in all of them, changed by `onBroadcast` alone. */
  readonly rules: Q;
  /** State per key, by name; the name is the state's identity across versions of the program. */
  readonly state?: S | undefined;
  /** Side outputs, by name. */
  readonly sides?: D | undefined;
  /** Called for each record of the keyed stream. It reads the rules; changing them makes the record a dead letter. */
  process(value: T, context: ProcessContext<K, S, D> & { readonly rules: ReadRules<Q> }): Outputs<O1>;
  /**
   * Called for each record of the broadcast stream, in every partition: it has to do the same in all of them. It has no key; `forEachKey` goes through
   * those of the partition. An output is said once per partition.
   */
  onBroadcast(rule: B, context: BroadcastContext<K, S, Q, D>): Outputs<O2>;
  /** Called when a timer is due, with state and timers of its key. */
  onTimer?(time: number, context: TimerContext<K, S, D> & { readonly rules: ReadRules<Q> }): Outputs<O3>;
}

/** A keyed stream of `T`, and records of `B` that every partition of it is given. */
export interface RuledStream<K extends Key, T, B> {
  /**
   * Runs functions of the program for the records of each key, with rules that every partition has. Between the two streams there is no order: a record
   * may be processed before a rule that is older. Event time is the lesser of both: rules without timestamps hold timers back until their source is idle
   * or has ended. The rules are in every snapshot as a whole: keep them small.
   *
   * @example
   * readings.keyBy((r) => r.device).connect(rules.broadcast()).process({
   *   rules: map<string, number>(),
   *   process: (r, { rules }) => (r.celsius > (rules.get(r.kind) ?? Infinity) ? [r] : []),
   *   onBroadcast: ({ kind, limit }, { rules }) => rules.set(kind, limit),
   * });
   */
  process<Q extends AnyDescriptor, O1 = never, O2 = never, O3 = never, S extends States = {}, D extends Sides = {}>(
    functions: BroadcastFunctions<K, T, B, Q, S, O1, O2, O3, D>,
  ): ProcessedStream<O1 | O2 | O3, D>;
}
