/**
 * `connect(…).process` on two keyed streams: two functions of the user's that share the state and the timers of a key.
 *
 * Owns which of the two takes a record; the timers are in `timed-process.ts`. P1 and P2 of `process.ts` hold for both.
 */
import type { States } from "../state/descriptors.ts";
import type { OperatorContext, OperatorFactory } from "./contract.ts";
import { emitAll, type Outputs } from "./emit-all.ts";
import type { ProcessContext, TimerContext } from "./process-context.ts";
import { type Sides } from "./sides.ts";
import { timedFactory, TimedProcess } from "./timed-process.ts";

/** What {@link coProcessOperator} runs. */
export interface CoProcessSpec<L, R, O, K, S extends States, D extends Sides = {}> {
  /** State per key, by name. */
  readonly state?: S | undefined;
  /** Side outputs, by name. */
  readonly sides?: D | undefined;
  /** Called for each record of the first stream. */
  left(value: L, context: ProcessContext<K, S, D>): Outputs<O>;
  /** Called for each record of the second stream. */
  right(value: R, context: ProcessContext<K, S, D>): Outputs<O>;
  /** Called when a timer is due, whoever has registered it. */
  onTimer?(time: number, context: TimerContext<K, S, D>): Outputs<O>;
}

// oxlint-disable-next-line typescript/no-explicit-any -- the user's types end where the operator begins
type AnySpec = CoProcessSpec<any, any, any, any, any, any>;

/** Runs two functions per key, one for each of two inputs. What one throws makes the record a dead letter and undoes the call (O1). @throws OPTION_INVALID when declared state makes no sense */
export function coProcessOperator(spec: AnySpec): OperatorFactory {
  return timedFactory("connect", spec, (context) => new CoProcess(context, spec));
}

class CoProcess extends TimedProcess {
  readonly #spec: AnySpec;

  constructor(context: OperatorContext, spec: AnySpec) {
    super(context, spec);
    this.#spec = spec;
  }

  process(value: unknown, timestamp: number | undefined): void {
    const { scope, context } = this;
    scope.enter(timestamp, "event");
    if (context.port() === 0) emitAll(context, this.#spec.left(value, scope), timestamp, "left");
    else emitAll(context, this.#spec.right(value, scope), timestamp, "right");
  }
}
