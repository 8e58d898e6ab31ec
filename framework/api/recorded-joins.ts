/**
 * The builders of joins: they write down what the user says, until `select` makes an operator of it.
 *
 * Owns nothing but that. What makes no sense is refused by the plan, with the place.
 */
import { checkKnownOptions } from "../known-options.ts";
import type { OperatorFactory } from "../operator/contract.ts";
import { intervalJoinOperator, type IntervalJoinSpec } from "../operator/interval-join.ts";
import type { JoinType } from "../operator/join-type.ts";
import { coGroupOperator, windowJoinOperator, type SelectGroups, type SelectPair } from "../operator/window-join.ts";
import type { WindowShape } from "../operator/window.ts";
import { checkSpan } from "../plan/options.ts";
import type { Key } from "../record/key.ts";
import type { Duration } from "../time/duration.ts";
import type { WindowAssigner } from "../window/assigner.ts";
import type { Evictor } from "../window/evictor.ts";
import type { Trigger } from "../window/trigger.ts";
import type { CoGroup, IntervalJoin, IntervalJoinOptions, JoinOptions, WindowJoin } from "./joined-streams.ts";
import type { BeginBoth, InputPart } from "./recorded-inputs.ts";
import { shapeOf, type Windows } from "./recorded-windows.ts";
import type { EvictOptions } from "./windowed-stream.ts";

/** Two streams, and how a stage for both of them begins. */
export interface Pair {
  readonly begin: BeginBoth;
  readonly other: () => InputPart;
}

/** Joins two streams where their times are close. */
export function intervalJoin<L, R, J extends JoinType>(
  { begin, other }: Pair,
  options: IntervalJoinOptions<J>,
): IntervalJoin<L, R, J> {
  return { select: (make) => begin(() => intervalJoinOf(options, make as IntervalJoinSpec["select"]), other) };
}

function intervalJoinOf(options: IntervalJoinOptions<JoinType>, select: IntervalJoinSpec["select"]): OperatorFactory {
  checkKnownOptions(options, ["lower", "upper", "bounds", "type"], "intervalJoin");
  const { lower, upper, bounds = "[]", type = "inner" } = options;
  const lowerMs = checkSpan(lower, -Infinity, "intervalJoin: lower");
  const upperMs = checkSpan(upper, -Infinity, "intervalJoin: upper");
  return intervalJoinOperator({
    lowerMs,
    upperMs,
    bounds,
    type,
    select,
  });
}

/** Makes the operator of two streams in windows of a shape. */
type OverWindows<F> = (shape: WindowShape, make: F) => OperatorFactory;

/** Two streams in windows, as they are being described; `F`: the function that `select` takes. */
class RecordedPair<F> {
  readonly #pair: Pair;
  readonly #windows: Windows;
  readonly #over: OverWindows<F>;

  constructor(pair: Pair, windows: Windows, over: OverWindows<F>) {
    this.#pair = pair;
    this.#windows = windows;
    this.#over = over;
  }

  trigger(trigger: Trigger<never>): RecordedPair<F> {
    return this.#with({ trigger });
  }

  evict(evictor: Evictor<never>, options: EvictOptions = {}): RecordedPair<F> {
    return this.#with({ evictor, evict: options });
  }

  allowedLateness(duration: Duration): RecordedPair<F> {
    return this.#with({ allowedLateness: duration });
  }

  select<O>(make: F): O {
    return this.#pair.begin(() => this.#over(shapeOf(this.#windows), make), this.#pair.other);
  }

  #with(said: Partial<Windows>): RecordedPair<F> {
    return new RecordedPair(this.#pair, { ...this.#windows, ...said }, this.#over);
  }
}

/** Joins two streams in windows. */
export function windowJoin<K extends Key, L, R, J extends JoinType>(
  pair: Pair,
  options: JoinOptions<J>,
): { window(assigner: WindowAssigner<never>): WindowJoin<K, L, R, J> } {
  const over: OverWindows<SelectPair> = (shape, make) => {
    checkKnownOptions(options, ["type"], "join");
    return windowJoinOperator(shape, options.type ?? "inner", make);
  };
  return { window: (assigner) => new RecordedPair(pair, { assigner, isKeyed: true }, over) as WindowJoin<K, L, R, J> };
}

/** Groups two streams in windows. */
export function coGroup<K extends Key, L, R>(
  pair: Pair,
): { window(assigner: WindowAssigner<never>): CoGroup<K, L, R> } {
  const over: OverWindows<SelectGroups> = (shape, make) => coGroupOperator(shape, make);
  return { window: (assigner) => new RecordedPair(pair, { assigner, isKeyed: true }, over) as CoGroup<K, L, R> };
}
