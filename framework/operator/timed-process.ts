/**
 * What all process functions have in common: state, timers, and the calls to `onTimer`.
 *
 * Owns the firing of timers. What is done with a record is the business of the operator that extends it.
 *
 * P3. A timer is gone when its callback is called; when that throws, what it did is undone and the timer stays gone.
 * P4. Event-time timers fire in order of (time, registration) over all keys; one that a callback registers at or below the watermark fires within
 *     the same watermark. Pending processing-time timers do not fire at the end of the input.
 */
import { agesInEventTime, checkStates, declaredStates } from "../state/declared-states.ts";
import type { States } from "../state/descriptors.ts";
import type { KeyedTimers } from "../state/keyed-timers.ts";
import type { TimeDomain } from "../state/namespace.ts";
import type { Timer } from "../state/timer-queue.ts";
import type { Operator, OperatorContext, OperatorFactory } from "./contract.ts";
import { emitAll, type Outputs } from "./emit-all.ts";
import { KeyTimers, Scope } from "./process-context.ts";
import { sideNames, type Sides } from "./sides.ts";

/** What process functions of every kind may say. */
export interface TimedSpec {
  readonly state?: States | undefined;
  readonly sides?: Sides | undefined;
  // oxlint-disable-next-line typescript/no-explicit-any -- the user's types end where the operator begins
  onTimer?(time: number, context: any): Outputs<unknown>;
}

/** Describes a process function to the plan. @throws OPTION_INVALID when declared state or side outputs make no sense */
export function timedFactory(kind: string, spec: TimedSpec, create: OperatorFactory["create"]): OperatorFactory {
  const declared = spec.state ?? {};
  checkStates(declared, true);
  return {
    kind,
    description: "",
    keyed: true,
    eventTime: agesInEventTime(declared),
    outputTimestamps: "same",
    sides: sideNames(spec.sides),
    states: declaredStates(declared),
    create,
  };
}

/** A keyed operator that runs functions of the user's with state and timers. */
export abstract class TimedProcess implements Operator {
  protected readonly context: OperatorContext;
  /** What callbacks see, entered before each. */
  protected readonly scope: Scope;
  readonly #spec: TimedSpec;
  readonly #event: KeyedTimers;
  readonly #processing: KeyedTimers;
  #firing: Timer | undefined;
  readonly #fireEvent: () => void = () => this.#call("event");
  readonly #fireProcessing: () => void = () => this.#call("processing");
  readonly #describe: () => unknown = () => ({ timer: this.#firing?.time });

  /** `rules`: the handle to broadcast state, where there is one. */
  constructor(context: OperatorContext, spec: TimedSpec, rules?: unknown) {
    const namespace = context.keyed.namespace(context.name);
    const state = namespace.states<States>(spec.state ?? {});
    this.context = context;
    this.#spec = spec;
    this.#event = namespace.timers("event");
    this.#processing = namespace.timers("processing");
    const timers = new KeyTimers(context.name, spec.onTimer !== undefined, this.#event, this.#processing);
    this.scope = new Scope(context, { state, timers, sides: spec.sides, rules });
  }

  abstract process(value: unknown, timestamp: number | undefined): void;

  advanceTo(watermark: number, stepsMax: number): boolean {
    return this.#fireDue(this.#event, watermark, stepsMax, this.#fireEvent);
  }

  nextEventTime(): number | undefined {
    return this.#event.queue.next?.time;
  }

  tick(now: number, stepsMax: number): boolean {
    return this.#fireDue(this.#processing, now, stepsMax, this.#fireProcessing);
  }

  nextTickAt(): number | undefined {
    return this.#processing.queue.next?.time;
  }

  #fireDue(timers: KeyedTimers, time: number, stepsMax: number, fire: () => void): boolean {
    for (let steps = 0; ; steps++) {
      const timer = timers.queue.next;
      if (timer === undefined || timer.time > time) return true;
      if (steps >= stepsMax) return false;
      this.#firing = timer;
      timers.take(timer);
      this.context.step(fire, this.#describe, timers === this.#event ? timer.time : undefined);
    }
  }

  #call(domain: TimeDomain): void {
    const time = this.#firing?.time ?? 0;
    const timestamp = domain === "event" ? time : undefined;
    this.scope.enter(timestamp, domain);
    emitAll(this.context, this.#spec.onTimer?.(time, this.scope), timestamp, "onTimer");
  }
}
