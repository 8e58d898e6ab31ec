/**
 * What a program is written with: two keyed streams that are joined.
 *
 * Owns the types and their documentation; `recorded-joins.ts` implements them. What is joined becomes a stream again by `select`.
 */
import type { Outputs } from "../operator/emit-all.ts";
import type { IntervalBounds } from "../operator/interval-join.ts";
import type { JoinType } from "../operator/join-type.ts";
import type { JoinContext } from "../operator/window-join.ts";
import type { Key } from "../record/key.ts";
import type { Duration } from "../time/duration.ts";
import type { FiringWindows } from "../window/assigner.ts";
import type { Evictor } from "../window/evictor.ts";
import type { Trigger } from "../window/trigger.ts";
import type { GlobalWindows } from "../window/unbounded.ts";
import type { Stream } from "./stream.ts";
import type { EvictOptions } from "./windowed-stream.ts";

/** The left record of a pair: undefined where a right one may go alone. */
export type LeftOf<L, J extends JoinType> = J extends "right" | "full" ? L | undefined : L;

/** The right record of a pair: undefined where a left one may go alone. */
export type RightOf<R, J extends JoinType> = J extends "left" | "full" ? R | undefined : R;

/** Results `O` of a join, which sets late records of both sides apart. */
export interface JoinStream<L, R, O> extends Stream<O> {
  /** Records of the left side that came too late, as a stream. Where nobody reads them they go to the job's late records. */
  lateLeft(): Stream<L>;
  /** The same of the right side. */
  lateRight(): Stream<R>;
}

/** Options of {@link KeyedStream.intervalJoin}. */
export interface IntervalJoinOptions<J extends JoinType> {
  /** From the time of a left record to that of its earliest partner; may be negative: `"-5m"`. */
  readonly lower: Duration;
  /** To its latest partner. */
  readonly upper: Duration;
  /**
   * Whether lower and upper bound belong to the interval: `[` and `]` say yes, `(` and `)` no.
   * @default "[]"
   */
  readonly bounds?: IntervalBounds | undefined;
  /**
   * Which records are said without a partner, when none can come any more: `left` those of the left side, `right`, `full` of both.
   * @default "inner": none
   */
  readonly type?: J | undefined;
}

/** Two keyed streams, joined where their times are close. */
export interface IntervalJoin<L, R, J extends JoinType> {
  /**
   * Makes the result of each pair. It has the later one's timestamp; a record without a partner has its own.
   *
   * A record waits for partners until event time of both sides is past the last of them: a bounded part of each stream is state.
   *
   * @example
   * orders.keyBy((o) => o.id)
   *   .intervalJoin(payments.keyBy((p) => p.order), { lower: 0, upper: "1h", type: "left" })
   *   .select((order, payment) => ({ order, paid: payment?.at }));
   */
  select<O>(make: (left: LeftOf<L, J>, right: RightOf<R, J>) => O): JoinStream<L, R, O>;
}

/** Options of {@link KeyedStream.join}. */
export interface JoinOptions<J extends JoinType> {
  /**
   * Which records are said without a partner: `left` those of the left side, `right`, `full` of both.
   * @default "inner": none
   */
  readonly type?: J | undefined;
}

/** Two keyed streams, with records of `T`, that meet in windows: they have to be said next. */
export interface Windowing<T, J, U> {
  /**
   * Puts the records of both sides into windows of their key. A global window needs a trigger before anything else.
   *
   * @example
   * clicks.keyBy((c) => c.user).join(views.keyBy((v) => v.user)).window(session("10m"));
   */
  window(windows: FiringWindows<T>): J;
  window(windows: GlobalWindows): U;
}

/** Windows of two streams that never end: a trigger says when they fire. */
export interface UntriggeredPair<T, J> {
  /** Says when the windows fire. It looks at records of both sides. */
  trigger(trigger: Trigger<T>): J;
}

/** What may be said of the windows of two streams `L` and `R`. */
export interface PairedWindows<L, R, Self> extends UntriggeredPair<L | R, Self> {
  /** Drops records of a window when it fires: of both sides, which are in it in the order in which they came. */
  evict(evictor: Evictor<L | R>, options?: EvictOptions): Self;
  /**
   * How long a window takes records after it has fired; each of them makes it fire again, with everything.
   * @default 0
   */
  allowedLateness(duration: Duration): Self;
}

/** Two keyed streams, joined in windows. */
export interface WindowJoin<K extends Key, L, R, J extends JoinType> extends PairedWindows<
  L,
  R,
  WindowJoin<K, L, R, J>
> {
  /**
   * Makes the result of each pair in a window, with the timestamp of its last millisecond. In outer joins the records of a window whose other side is
   * empty go alone. Nothing is said before a window fires, so both sides of it are state until then.
   *
   * @example
   * clicks.keyBy((c) => c.user)
   *   .join(views.keyBy((v) => v.user), { type: "left" })
   *   .window(session("10m"))
   *   .select((click, view) => ({ click, view }));
   */
  select<O>(make: (left: LeftOf<L, J>, right: RightOf<R, J>, context: JoinContext<K>) => O): JoinStream<L, R, O>;
}

/** Two keyed streams, grouped in windows. */
export interface CoGroup<K extends Key, L, R> extends PairedWindows<L, R, CoGroup<K, L, R>> {
  /**
   * Makes any number of results of both sides of a window, of which one may be empty.
   *
   * @example
   * a.keyBy(f).coGroup(b.keyBy(g)).window(tumbling("1m")).select((as, bs, { key }) => [{ key, missing: as.length - bs.length }]);
   */
  select<O>(
    make: (left: readonly L[], right: readonly R[], context: JoinContext<K>) => Outputs<O>,
  ): JoinStream<L, R, O>;
}
