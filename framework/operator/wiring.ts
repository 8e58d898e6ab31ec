/**
 * Makes the operators of a stage and wires them: what one emits goes straight into the next, by function calls.
 *
 * Owns the order of creation (an operator after those behind it) and the functions in between. They cost one call, and allocate nothing.
 *
 * W1. Outputs go to the targets in program order; each has taken the value when the next one gets it.
 * W2. A throw is blamed on the operator that it comes out of first; one of the outlet on the operator that emitted.
 */
import { invariant } from "../errors.ts";
import type { KeyedStore } from "../state/store.ts";
import type { Operator, OperatorContext, OperatorFactory } from "./contract.ts";
import { blame } from "./failure.ts";
import type { Ledger } from "./ledger.ts";
import type { Outlet } from "./outlet.ts";
import type { RequestBook } from "./request-book.ts";
import type { StageClock } from "./stage-clock.ts";

/** Where outputs go: a `Target` of a plan. */
export type StageTarget =
  | { readonly kind: "operator"; readonly operator: number }
  | { readonly kind: "edge"; readonly edge: number }
  | { readonly kind: "sink"; readonly sink: number };

/** An operator of a stage: an `OperatorNode` of a plan. */
export interface StageOperator {
  readonly name: string;
  readonly factory: OperatorFactory;
  readonly outputs: readonly StageTarget[];
  /** By port. */
  readonly late: readonly (readonly StageTarget[])[];
  readonly sides: Readonly<Record<string, readonly StageTarget[]>>;
}

/** Everything that an operator may hand something to. */
export function targetsOf({ outputs, late, sides }: StageOperator): readonly StageTarget[] {
  return [...outputs, ...late.flat(), ...Object.values(sides).flat()];
}

/** A stage as far as its program goes: a `Stage` of a plan. */
export interface StageShape {
  readonly name: string;
  readonly entry: readonly StageTarget[];
  readonly operators: readonly StageOperator[];
  readonly lateEdge: number;
}

/** Runs a timer or window firing as a step: see `OperatorContext.step`. */
export type RunStep = (
  operator: string,
  step: () => void,
  describe: () => unknown,
  timestamp: number | undefined,
) => void;

/** What operators share. */
export interface StageParts {
  readonly store: KeyedStore;
  readonly outlet: Outlet;
  readonly ledger: Ledger;
  readonly clock: StageClock;
  readonly requests: RequestBook;
  readonly runStep: RunStep;
  /** The port that the current record came over. */
  readonly port: () => number;
}

/** Takes a value. */
export type Emit = (value: unknown, timestamp: number | undefined) => void;

/** The operators of one instance, wired. */
export class Wiring {
  /** Takes the records that come into the stage. */
  readonly entry: Emit;
  /** By index; undefined for one that nothing leads to. */
  readonly operators: readonly (Operator | undefined)[];
  readonly #stage: StageShape;
  readonly #parts: StageParts;
  readonly #made: (Operator | undefined)[] = [];

  constructor(stage: StageShape, parts: StageParts) {
    this.#stage = stage;
    this.#parts = parts;
    this.entry = this.#into(stage.entry, stage.name);
    this.operators = this.#made;
  }

  /** W1. `from` emits. */
  #into(targets: readonly StageTarget[], from: string): Emit {
    const [first, second, ...others] = targets.map((target) => this.#link(target, from));
    if (first === undefined) return () => undefined;
    if (second === undefined) return first;
    if (others.length > 0) {
      const all = [first, second, ...others];
      return (value, timestamp) => {
        for (let at = 0; at < all.length; at++) all[at]?.(value, timestamp);
      };
    }
    return (value, timestamp) => {
      first(value, timestamp);
      second(value, timestamp);
    };
  }

  #link(target: StageTarget, from: string): Emit {
    switch (target.kind) {
      case "operator":
        return this.#intoOperator(target.operator);
      case "edge":
        return this.#intoEdge(target.edge, from);
      case "sink":
        return this.#intoSink(target.sink, from);
    }
  }

  #intoOperator(index: number): Emit {
    const name = this.#stage.operators[index]?.name ?? "";
    const operator = this.#operator(index);
    return (value, timestamp) => {
      try {
        operator.process(value, timestamp);
      } catch (error) {
        throw blame(name, error);
      }
    };
  }

  #intoEdge(edge: number, from: string): Emit {
    const { outlet, ledger } = this.#parts;
    return (value, timestamp) => {
      try {
        outlet.emit(edge, value, timestamp);
      } catch (error) {
        throw blame(from, error);
      }
      ledger.recordsOut += 1;
    };
  }

  #intoSink(sink: number, from: string): Emit {
    const { outlet, ledger } = this.#parts;
    return (value, timestamp) => {
      try {
        outlet.write(sink, value, timestamp);
      } catch (error) {
        throw blame(from, error);
      }
      ledger.recordsOut += 1;
    };
  }

  #operator(index: number): Operator {
    const known = this.#made[index];
    if (known !== undefined) return known;
    const node = this.#stage.operators[index];
    invariant(node !== undefined, `stage ${this.#stage.name} has no operator ${index}`);
    const operator = node.factory.create(this.#context(node));
    this.#made[index] = operator;
    return operator;
  }

  #context({ name, factory, outputs, late, sides }: StageOperator): OperatorContext {
    const { store, ledger, clock, requests, runStep, port } = this.#parts;
    const emitLate = this.#intoLate(late, name);
    const emitSide = new Map(Object.entries(sides).map(([side, targets]) => [side, this.#into(targets, name)]));
    return {
      name,
      form: `${factory.kind} ${factory.description}`.trim(),
      emit: this.#into(outputs, name),
      emitLate(value, timestamp) {
        ledger.late += 1;
        emitLate(value, timestamp);
      },
      emitSide: (side, value, timestamp) => emitSide.get(side)?.(value, timestamp),
      port,
      step: (step, describe, timestamp) => runStep(name, step, describe, timestamp),
      keyed: store,
      undoLog: store.undoLog,
      requests,
      now: () => clock.nowMs,
      random: () => ledger.draw(),
      watermark: () => clock.watermark,
      timestampMax: () => clock.timestampMax,
      countWindow() {
        ledger.windowsOut += 1;
      },
    };
  }

  /** What nobody reads of a port goes to the job. */
  #intoLate(late: readonly (readonly StageTarget[])[], name: string): Emit {
    const toJob = this.#intoLateEdge(name);
    const ports = late.map((targets) => (targets.length > 0 ? this.#into(targets, name) : toJob));
    if (ports.length < 2) return ports[0] ?? toJob;
    const { port } = this.#parts;
    return (value, timestamp) => (ports[port()] ?? toJob)(value, timestamp);
  }

  /** The job's own late stream: not one of the stage's outputs. */
  #intoLateEdge(from: string): Emit {
    const { outlet } = this.#parts;
    const edge = this.#stage.lateEdge;
    return (value, timestamp) => {
      try {
        outlet.emit(edge, value, timestamp);
      } catch (error) {
        throw blame(from, error);
      }
    };
  }
}
