/**
 * Windows as operators of a plan: what is computed over which windows, and when.
 *
 * Owns what the plan says of it, the refusal of what does not go together, and which operator does the work: `window-aggregate.ts` for aggregates over windows on a
 * grid that fire on time, `window-operator.ts` for everything else.
 */
import { StreamError } from "../errors.ts";
import type { Key } from "../record/key.ts";
import type { States } from "../state/descriptors.ts";
import { agesInEventTime, checkStates, declaredStates } from "../state/declared-states.ts";
import { formatDuration } from "../time/duration.ts";
import type { TimeSpan, WindowAssigner } from "../window/assigner.ts";
import type { Evictor } from "../window/evictor.ts";
import { keepLast } from "../window/evictor.ts";
import { byCount, onTime, type Trigger } from "../window/trigger.ts";
import type { TriggerNode } from "../window/trigger-node.ts";
import { Purging } from "../window/trigger-trees.ts";
import type { Accumulation } from "./accumulation.ts";
import { foldFor, knownAs } from "./aggregate-folds.ts";
import type { AggregateSpec } from "./aggregates.ts";
import type { OperatorFactory } from "./contract.ts";
import { CustomAccumulation, reducing } from "./custom-accumulation.ts";
import { FoldAccumulation } from "./fold-accumulation.ts";
import { NumericAccumulation } from "./numeric-accumulation.ts";
import { WindowAggregate } from "./window-aggregate.ts";
import { FoldedContents, ListedContents, type Eviction, type WindowContents } from "./window-contents.ts";
import { ReduceFold, type WindowFold } from "./window-fold.ts";
import {
  processFunction,
  resultFunction,
  type Fire,
  type WindowFunctionOf,
  type WindowFunctions,
} from "./window-function.ts";
import { WindowOperator } from "./window-operator.ts";

/** The result of a window. */
export interface Windowed<K extends Key, V> {
  readonly key: K;
  readonly window: TimeSpan;
  readonly value: V;
}

/** The result of a window, and why it came. */
export interface FiredWindow<K extends Key, V> extends Windowed<K, V> {
  readonly fire: Fire;
}

/** What fires over which windows. */
export interface WindowShape {
  readonly assigner: WindowAssigner<never>;
  /**
   * How long a window is kept after it has fired; records that come in that time make it fire again, with the whole new result.
   * @default 0
   */
  readonly allowedLatenessMs?: number | undefined;
  /** @default on time; of count windows, by their count */
  readonly trigger?: Trigger<never> | undefined;
  readonly evictor?: Evictor<never> | undefined;
  /**
   * Whether the evictor drops behind a firing, in place of before it.
   * @default false
   */
  readonly evictsAfter?: boolean | undefined;
  /**
   * Whether keys have windows of their own; else all records are of one.
   * @default true
   */
  readonly isKeyed?: boolean | undefined;
}

/** What is computed of which windows: `aggregate` or `reduce`, `process`, or both. */
export interface WindowSpec extends WindowShape {
  readonly aggregate?: AggregateSpec | undefined;
  // oxlint-disable-next-line typescript/no-explicit-any -- records of any type: the operator never looks inside
  readonly reduce?: ((held: any, value: any) => unknown) | undefined;
  // oxlint-disable-next-line typescript/no-explicit-any -- as above
  readonly process?: WindowFunctions<any, any, any, States, States> | undefined;
  /**
   * Whether results say why they came.
   * @default false
   */
  readonly fire?: boolean | undefined;
}

/** Computes over each key's records per window. @throws OPTION_INVALID when something makes no sense, alone or together */
export function windowOperator(spec: WindowSpec): OperatorFactory {
  checkShape(spec);
  checkStates(spec.process?.state ?? {}, true);
  checkStates(spec.process?.windowState ?? {}, false);
  if (spec.process?.windowState !== undefined && spec.assigner.kind === "session")
    throw new StreamError(
      "OPTION_INVALID",
      "sessions have no windowState: they become one, and their state cannot; keep it in state, per key",
    );
  if (isPlain(spec)) return plainOperator(spec);
  const fold = foldOf(spec);
  const { process } = spec;
  const functionOf =
    process === undefined ? resultFunction(spec.fire === true) : processFunction(process, fold === undefined);
  const factory = generalOperator(spec, { kind: fold?.kind ?? "process", fold, functionOf });
  const states = [
    ...declaredStates(process?.state ?? {}),
    ...declaredStates(process?.windowState ?? {}).map((state) => ({ ...state, name: `window/${state.name}` })),
  ];
  return { ...factory, states, eventTime: factory.eventTime || agesInEventTime(process?.state ?? {}) };
}

/** What the general operator does with the windows' contents. */
export interface GeneralWindows {
  /** Default name of the operator. */
  readonly kind: string;
  /** What records come to; undefined: windows hold them all. */
  readonly fold: WindowFold | undefined;
  readonly functionOf: WindowFunctionOf;
}

/** Windows of any shape, with any function. @throws OPTION_INVALID when something of the shape makes no sense */
export function generalOperator(shape: WindowShape, { kind, fold, functionOf }: GeneralWindows): OperatorFactory {
  checkShape(shape);
  const { assigner, allowedLatenessMs = 0 } = shape;
  const firing = firingOf(shape);
  const isFolded =
    fold !== undefined && firing.eviction === undefined && (assigner.kind !== "session" || fold.isMergeable);
  const contents: WindowContents =
    fold !== undefined && isFolded ? new FoldedContents(fold) : new ListedContents(fold, firing.eviction);
  const keeps = fold !== undefined && !isFolded ? ["keeps all records"] : [];
  const plan = {
    assigner: assigner as WindowAssigner<unknown>,
    allowedLatenessMs,
    trigger: firing.trigger,
    contents,
    functionOf,
  };
  return {
    kind,
    description: [...wordsOf(shape), ...keeps].join(", "),
    keyed: true,
    eventTime: isEventTime(assigner) || firing.trigger.needsEventTime,
    outputTimestamps: isUnbounded(assigner) ? "same" : "always",
    create: (context) => new WindowOperator(context, plan),
  };
}

/** Aggregates over windows on a grid that fire on time, and no more. */
function isPlain({ assigner, trigger, evictor, process, fire }: WindowSpec): boolean {
  if (assigner.kind !== "tumbling" && assigner.kind !== "sliding") return false;
  return trigger === undefined && evictor === undefined && process === undefined && fire !== true;
}

function plainOperator(spec: WindowSpec): OperatorFactory {
  const { assigner, allowedLatenessMs = 0, aggregate, reduce } = spec;
  if (assigner.kind !== "tumbling" && assigner.kind !== "sliding") throw new TypeError(`${assigner.kind} is no grid`);
  const accumulate = accumulationOf(aggregate, reduce);
  return {
    kind: accumulate().kind,
    description: wordsOf(spec).join(", "),
    keyed: true,
    eventTime: assigner.time === "event",
    outputTimestamps: "always",
    create: (context) => new WindowAggregate(context, { assigner, allowedLatenessMs, accumulation: accumulate() }),
  };
}

function checkShape({ assigner, allowedLatenessMs = 0, trigger, evictor }: WindowShape): void {
  for (const { problem } of [assigner, trigger, evictor].filter((part) => part !== undefined))
    if (problem !== undefined) throw problem;
  if (!Number.isSafeInteger(allowedLatenessMs) || allowedLatenessMs < 0)
    refuse(`the allowed lateness is ${allowedLatenessMs}; it is a duration of at least 0`);
  if (isUnbounded(assigner) && allowedLatenessMs > 0)
    refuse(`windows without an end (${assigner.description}) have no late records; leave out allowedLateness`);
  if (assigner.kind === "global" && trigger === undefined) refuse("a global window never ends: it needs a trigger");
  if (assigner.kind !== "count") return;
  if (trigger !== undefined) refuse("count windows fire by their count; for another trigger use globalWindow()");
  if (evictor !== undefined && assigner.slide !== assigner.size)
    refuse("sliding count windows keep their last records; for another evictor use globalWindow() with everyCount");
}

function isUnbounded({ kind }: WindowAssigner<never>): boolean {
  return kind === "global" || kind === "count";
}

function isEventTime(assigner: WindowAssigner<never>): boolean {
  return assigner.kind !== "global" && assigner.kind !== "count" && assigner.time === "event";
}

/** More state than a timer has bits for. */
const slotsMax = 30;

/** When the windows fire, and what they drop then. */
function firingOf({ assigner, trigger, evictor, evictsAfter = false }: WindowShape): {
  readonly trigger: TriggerNode<unknown>;
  readonly eviction: Eviction | undefined;
} {
  const eviction = evictor === undefined ? undefined : { evictor: evictor as Evictor<unknown>, after: evictsAfter };
  if (assigner.kind === "count") {
    const { size, slide, partialAtEnd } = assigner;
    const counting = byCount(slide, partialAtEnd);
    if (slide === size) return { trigger: new Purging(counting), eviction };
    return { trigger: counting, eviction: { evictor: keepLast(size), after: false } };
  }
  const { node } = trigger ?? onTime();
  if (node.slots > slotsMax) refuse(`the trigger has ${node.slots} parts; at most ${slotsMax} go together`);
  if (assigner.kind === "session" && node.unmergeable !== undefined)
    refuse(`sessions become one, and ${node.unmergeable}`);
  return { trigger: node, eviction };
}

function wordsOf({
  assigner,
  allowedLatenessMs = 0,
  trigger,
  evictor,
  evictsAfter = false,
  isKeyed = true,
}: WindowShape): string[] {
  const words = [assigner.description];
  if (allowedLatenessMs > 0 && isEventTime(assigner)) words.push(`lateness ${formatDuration(allowedLatenessMs)}`);
  if (trigger !== undefined) words.push(trigger.description);
  if (evictor !== undefined) words.push(`${evictor.description}${evictsAfter ? " behind firings" : ""}`);
  if (!isKeyed) words.push("not keyed");
  return words;
}

/** Makes an accumulation per instance: one holds scratch space. */
function accumulationOf(aggregate: WindowSpec["aggregate"], reduce: WindowSpec["reduce"]): () => Accumulation {
  if (reduce !== undefined) return () => new CustomAccumulation("reduce", reducing(reduce));
  if (aggregate === undefined) return refuse("a window needs an aggregate, a reduce function or a process function");
  const known = knownAs(aggregate);
  switch (known.kind) {
    case "numeric":
      return () => new NumericAccumulation(known.spec);
    case "own":
      return () => new CustomAccumulation("aggregate", known.aggregate);
    case "fold":
      return () => new FoldAccumulation(known.makeFold());
  }
}

function foldOf({ aggregate, reduce, process }: WindowSpec): WindowFold | undefined {
  if (reduce !== undefined) return new ReduceFold(reduce);
  if (aggregate !== undefined) return foldFor(aggregate);
  if (process !== undefined) return undefined;
  return refuse("a window needs an aggregate, a reduce function or a process function");
}

function refuse(reason: string): never {
  throw new StreamError("OPTION_INVALID", reason);
}
