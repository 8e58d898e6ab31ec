/**
 * The builder behind `WindowedStream`: it writes down what the user says of windows, until a function over them makes an operator of it.
 *
 * Owns nothing but that. What makes no sense is refused by the plan, with the place.
 */
import { checkKnownOptions } from "../known-options.ts";
import type { AggregateSpec } from "../operator/aggregates.ts";
import type { OperatorFactory } from "../operator/contract.ts";
import { windowOperator, type WindowShape, type WindowSpec } from "../operator/window.ts";
import { checkSpan } from "../plan/options.ts";
import type { Key } from "../record/key.ts";
import type { Duration } from "../time/duration.ts";
import type { WindowAssigner } from "../window/assigner.ts";
import type { Evictor } from "../window/evictor.ts";
import type { Trigger } from "../window/trigger.ts";
import type { LateStream } from "./stream.ts";
import type { EvictOptions, WindowedStream } from "./windowed-stream.ts";

/** Begins a stage with the operator that `say` answers; answers its results. What makes no sense in it is refused by the plan. */
export type Begin = <T, R>(say: () => OperatorFactory) => LateStream<T, R>;

/** What has been said about windows so far. */
export interface Windows {
  readonly assigner: WindowAssigner<never>;
  readonly isKeyed: boolean;
  readonly allowedLateness?: Duration;
  readonly trigger?: Trigger<never>;
  readonly evictor?: Evictor<never>;
  readonly evict?: EvictOptions;
}

/** What has been said, checked. @throws OPTION_INVALID when an option makes no sense */
export function shapeOf({
  assigner,
  isKeyed,
  allowedLateness = 0,
  trigger,
  evictor,
  evict = {},
}: Windows): WindowShape {
  checkKnownOptions(evict, ["after"], "evict");
  const allowedLatenessMs = checkSpan(allowedLateness, 0, "allowedLateness");
  return { assigner, isKeyed, allowedLatenessMs, trigger, evictor, evictsAfter: evict.after === true };
}

/** Options, or functions that take each result. */
type Then = { readonly fire?: boolean } | NonNullable<WindowSpec["process"]>;

/** Windows of `T`, as they are being described. */
export class RecordedWindowedStream<K extends Key, T> implements WindowedStream<K, T> {
  readonly #begin: Begin;
  readonly #windows: Windows;

  constructor(begin: Begin, windows: Windows) {
    this.#begin = begin;
    this.#windows = windows;
  }

  allowedLateness(duration: Duration): WindowedStream<K, T> {
    return this.#with({ allowedLateness: duration });
  }

  trigger(trigger: Trigger<T>): WindowedStream<K, T> {
    return this.#with({ trigger });
  }

  evict(evictor: Evictor<T>, options: EvictOptions = {}): WindowedStream<K, T> {
    return this.#with({ evictor, evict: options });
  }

  reduce<R>(combine: (soFar: T, value: T) => T, then: Then = {}): LateStream<T, R> {
    return this.#begin(() => windowOperator({ ...shapeOf(this.#windows), reduce: combine, ...thenOf(then, "reduce") }));
  }

  aggregate<R>(aggregate: AggregateSpec, then: Then = {}): LateStream<T, R> {
    return this.#begin(() => windowOperator({ ...shapeOf(this.#windows), aggregate, ...thenOf(then, "aggregate") }));
  }

  process<R>(functions: NonNullable<WindowSpec["process"]>): LateStream<T, R> {
    return this.#begin(() => windowOperator({ ...shapeOf(this.#windows), process: functions }));
  }

  #with(said: Partial<Windows>): WindowedStream<K, T> {
    return new RecordedWindowedStream(this.#begin, { ...this.#windows, ...said });
  }
}

function thenOf(then: Then, place: string): Pick<WindowSpec, "fire" | "process"> {
  if ("process" in then) return { process: then };
  checkKnownOptions(then, ["fire"], place);
  return { fire: then.fire };
}
