/**
 * `process` on a keyed stream: a function of the user's with state and timers.
 *
 * Owns what is done with a record; the timers are in `timed-process.ts`.
 *
 * P1. Callbacks of a key never overlap, and see the state and timers of that key only.
 * P2. Outputs for a record have its timestamp, those of an event-time timer the timer's time, those of a processing-time timer none (FINDINGS 25).
 */
import type { States } from "../state/descriptors.ts";
import type { OperatorContext, OperatorFactory } from "./contract.ts";
import { emitAll, type Outputs } from "./emit-all.ts";
import type { ProcessContext, TimerContext } from "./process-context.ts";
import type { Sides } from "./sides.ts";
import { timedFactory, TimedProcess } from "./timed-process.ts";

/** A process function: what it keeps, and what it does with records and timers. */
export interface ProcessSpec<T, O, K, S extends States, D extends Sides = {}> {
  /** State per key, by name. */
  readonly state?: S | undefined;
  /** Side outputs, by name. */
  readonly sides?: D | undefined;
  /** Called for each record, after `state` and `timers` have been set to its key. */
  process(value: T, context: ProcessContext<K, S, D>): Outputs<O>;
  /** Called when a timer is due. */
  onTimer?(time: number, context: TimerContext<K, S, D>): Outputs<O>;
}

// oxlint-disable-next-line typescript/no-explicit-any -- the user's types end where the operator begins
type AnySpec = ProcessSpec<any, any, any, any, any>;

/**
 * Runs a process function per key. What it throws makes the record a dead letter and undoes the call (O1).
 *
 * @throws OPTION_INVALID when declared state makes no sense
 */
export function processOperator(spec: AnySpec): OperatorFactory {
  return timedFactory("process", spec, (context) => new Process(context, spec));
}

class Process extends TimedProcess {
  readonly #spec: AnySpec;

  constructor(context: OperatorContext, spec: AnySpec) {
    super(context, spec);
    this.#spec = spec;
  }

  process(value: unknown, timestamp: number | undefined): void {
    const { scope } = this;
    scope.enter(timestamp, "event");
    emitAll(this.context, this.#spec.process(value, scope), timestamp, "process");
  }
}
