/**
 * `connect(rules.broadcast()).process` on a keyed stream: functions per key that look at rules which every instance has.
 *
 * Owns which function takes a record, and the contexts in which rules may be changed; the timers are in `timed-process.ts`.
 *
 * B1. Rules are changed by `onBroadcast` alone, with records that reach every partition in the same order per sender: so all of them come to have the same.
 * B2. `onBroadcast` is one step: the rules and every key that it visits change together, or not at all.
 */
import { StreamError } from "../errors.ts";
import type { Key } from "../record/key.ts";
import { checkStates, declaredStates, statesOf } from "../state/declared-states.ts";
import type { AnyDescriptor, States, StateOf } from "../state/descriptors.ts";
import { InstanceCells } from "../state/instance-place.ts";
import { isSameValue } from "../state/same-value.ts";
import type { OperatorContext, OperatorFactory } from "./contract.ts";
import { emitAll, type Outputs } from "./emit-all.ts";
import type { ProcessContext, Scope, TimerContext, Timers } from "./process-context.ts";
import { type Sides, type SidesOf } from "./sides.ts";
import { timedFactory, TimedProcess } from "./timed-process.ts";

/** The handle to declared rules. */
export type RulesOf<R extends AnyDescriptor> = StateOf<{ readonly rules: R }>["rules"];

/** The same where rules may only be read. */
export type ReadRules<R extends AnyDescriptor> = Omit<
  RulesOf<R>,
  "set" | "clear" | "delete" | "add" | "append" | "replace"
>;

/** What `forEachKey` hands out of a key. Valid during the call only. */
export interface VisitedKey<S> {
  /** What the key holds; changes are undone when `onBroadcast` throws. */
  readonly state: StateOf<S>;
  /** Registers and cancels timers of the key. */
  readonly timers: Timers;
}

/** What `onBroadcast` sees besides the rule. Valid during the call only. */
export interface BroadcastContext<K, S, R extends AnyDescriptor, D = {}> extends Omit<
  ProcessContext<K, S, D>,
  "key" | "state" | "timers"
> {
  /** The rules; changes are undone when the call throws. */
  readonly rules: RulesOf<R>;
  /**
   * Calls `visit` for every key of the partition that has state or timers, in an order that a replay repeats. All of it is one step: a million keys keep
   * everything else waiting.
   */
  readonly forEachKey: (visit: (key: K, of: VisitedKey<S>) => void) => void;
}

/** What {@link broadcastProcessOperator} runs. */
export interface BroadcastProcessSpec<T, B, O, K, S extends States, R extends AnyDescriptor, D extends Sides = {}> {
  /** State per key, by name. */
  readonly state?: S | undefined;
  /** The rules that every instance has. */
  readonly rules: R;
  /** Side outputs, by name. */
  readonly sides?: D | undefined;
  /** Called for each record of the keyed stream. */
  process(value: T, context: ProcessContext<K, S, D> & { readonly rules: ReadRules<R> }): Outputs<O>;
  /** Called for each record of the broadcast stream, in every partition. */
  onBroadcast(rule: B, context: BroadcastContext<K, S, R, D>): Outputs<O>;
  /** Called when a timer is due. */
  onTimer?(time: number, context: TimerContext<K, S, D> & { readonly rules: ReadRules<R> }): Outputs<O>;
}

// oxlint-disable-next-line typescript/no-explicit-any -- the user's types end where the operator begins
type AnySpec = BroadcastProcessSpec<any, any, any, any, any, any, any>;

/** Runs functions per key beside one for what is broadcast. What one throws makes the record a dead letter and undoes the call (O1). @throws OPTION_INVALID when declared state makes no sense */
export function broadcastProcessOperator(spec: AnySpec): OperatorFactory {
  checkStates({ rules: spec.rules as AnyDescriptor }, false);
  const factory = timedFactory(
    "broadcast",
    spec,
    (context) => new BroadcastProcess(context, spec, new InstanceCells(context.keyed)),
  );
  return { ...factory, states: [...(factory.states ?? []), ...declaredStates({ rules: spec.rules as AnyDescriptor })] };
}

class BroadcastProcess extends TimedProcess {
  readonly #spec: AnySpec;
  readonly #cells: InstanceCells;
  readonly #broadcast: BroadcastScope;

  constructor(context: OperatorContext, spec: AnySpec, cells: InstanceCells) {
    const declared = { rules: spec.rules as AnyDescriptor };
    const { rules } = statesOf(declared, (name, codec) => cells.place(name, `${context.name}/${name}`, codec));
    super(context, spec, rules);
    this.#spec = spec;
    this.#cells = cells;
    this.#broadcast = new BroadcastScope(context, this.scope, cells);
  }

  process(value: unknown, timestamp: number | undefined): void {
    this.scope.enter(timestamp, "event");
    if (this.context.port() !== 0) this.#onBroadcast(value, timestamp);
    else emitAll(this.context, this.#spec.process(value, this.scope as never), timestamp, "process");
  }

  snapshot(): unknown {
    return this.#cells.snapshot();
  }

  restore(saved: unknown): void {
    this.#cells.restore(saved, "snapshot");
  }

  /** B1. @throws SNAPSHOT_UNSUITABLE when they have not come to the same */
  adopt(saved: readonly unknown[]): void {
    const [first, ...others] = saved;
    const other = others.findIndex((rules) => !isSameValue(first, rules));
    if (other >= 0)
      throw new StreamError(
        "SNAPSHOT_UNSUITABLE",
        `the rules of ${this.context.name} differ between partitions 0 and ${other + 1}: they depend on the order in which several senders spoke, and can go on at the same number of partitions alone`,
      );
    this.#cells.restore(first, "savepoint");
  }

  #onBroadcast(value: unknown, timestamp: number | undefined): void {
    this.#cells.isOpen = true;
    try {
      emitAll(this.context, this.#spec.onBroadcast(value, this.#broadcast), timestamp, "onBroadcast");
      // What was lent is taken in while it may be changed.
      this.#cells.settle();
    } finally {
      this.#cells.isOpen = false;
    }
  }
}

/** What `onBroadcast` sees: the scope without a key. */
class BroadcastScope implements BroadcastContext<Key, States, AnyDescriptor, Sides> {
  readonly #scope: Scope;
  readonly forEachKey: (visit: (key: Key, of: VisitedKey<States>) => void) => void;

  constructor({ keyed }: OperatorContext, scope: Scope, cells: InstanceCells) {
    this.#scope = scope;
    this.forEachKey = (visit) => cells.visitRows(() => visit(keyed.current.key, scope));
  }

  get rules(): RulesOf<AnyDescriptor> {
    return this.#scope.rules as RulesOf<AnyDescriptor>;
  }

  get sides(): SidesOf<Sides> {
    return this.#scope.sides;
  }

  get timestamp(): number {
    return this.#scope.timestamp;
  }

  get watermark(): number {
    return this.#scope.watermark;
  }

  get now(): () => number {
    return this.#scope.now;
  }

  get random(): () => number {
    return this.#scope.random;
  }
}
