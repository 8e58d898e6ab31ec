/**
 * Joins of windows: what the two inputs of one key have put into the same window comes together when it fires.
 *
 * Owns what a firing makes of the two sides; windows, triggers and evictors are those of every window: both sides are in one window, in the order in which
 * they came, so a trigger counts, and an evictor drops, records of both.
 *
 * W1. A join pairs each left record with each right one, in order; in outer joins a record of a window whose other side is empty goes alone.
 * W2. A window that fires again says everything again, with what has come since (semantics 1.3).
 */
import type { Key } from "../record/key.ts";
import type { TimeSpan } from "../window/assigner.ts";
import type { WindowElement } from "../window/evictor.ts";
import type { OperatorContext, OperatorFactory } from "./contract.ts";
import { emitAll, type Outputs } from "./emit-all.ts";
import { checkJoinType, saysLeft, saysRight, type JoinType } from "./join-type.ts";
import { generalOperator, type WindowShape } from "./window.ts";
import type { Fire, Firing, WindowFunction } from "./window-function.ts";

/** What the function of a join sees besides the records. */
export interface JoinContext<K> {
  readonly key: K;
  readonly window: TimeSpan;
  /** Why the window fires, and how often it has. */
  readonly fire: Fire;
}

/* oxlint-disable typescript/no-explicit-any -- the user's types end where the operator begins */
/** What is made of a pair; in outer joins, one of the two may be undefined. */
export type SelectPair = (left: any, right: any, context: JoinContext<any>) => unknown;

/** What is made of both sides of a window. */
export type SelectGroups = (left: readonly any[], right: readonly any[], context: JoinContext<any>) => Outputs<unknown>;
/* oxlint-enable typescript/no-explicit-any */

/** Pairs the records of two inputs, per key and window. @throws OPTION_INVALID when type or windows make no sense */
export function windowJoinOperator(shape: WindowShape, type: JoinType, select: SelectPair): OperatorFactory {
  checkJoinType(type, "join");
  const operator = generalOperator(shape, {
    kind: "join",
    fold: undefined,
    functionOf: (context) => new PairFunction(context, type, select),
  });
  return { ...operator, description: `${type === "inner" ? "" : `${type}, `}${operator.description}` };
}

/** Hands both sides of a window to a function, per key. @throws OPTION_INVALID when the windows make no sense */
export function coGroupOperator(shape: WindowShape, select: SelectGroups): OperatorFactory {
  return generalOperator(shape, {
    kind: "co-group",
    fold: undefined,
    functionOf: (context) => ({
      fire(input, firing) {
        const [left, right] = sidesOf(input);
        context.countWindow();
        emitAll(context, select(left, right, contextOf(firing)), firing.timestamp, "select");
      },
    }),
  });
}

class PairFunction implements WindowFunction {
  readonly #context: OperatorContext;
  readonly #type: JoinType;
  readonly #select: SelectPair;

  constructor(context: OperatorContext, type: JoinType, select: SelectPair) {
    this.#context = context;
    this.#type = type;
    this.#select = select;
  }

  /** W1. */
  fire(input: unknown, firing: Firing): void {
    const [left, right] = sidesOf(input);
    const type = this.#type;
    this.#context.countWindow();
    const lefts = left.length === 0 && saysRight(type) ? [undefined] : left;
    const rights = right.length === 0 && saysLeft(type) ? [undefined] : right;
    const context = contextOf(firing);
    for (const one of lefts) {
      for (const other of rights) this.#context.emit(this.#select(one, other, context), firing.timestamp);
    }
  }
}

function sidesOf(input: unknown): readonly [left: readonly unknown[], right: readonly unknown[]] {
  const elements = input as readonly WindowElement[];
  const side = (port: number) => elements.filter((element) => element.port === port).map(({ value }) => value);
  return [side(0), side(1)];
}

function contextOf({ key, span: window, cause, pane }: Firing): JoinContext<Key> {
  return { key, window, fire: { cause, pane } };
}
