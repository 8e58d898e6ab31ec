/**
 * The numbers that accumulators of the built-in aggregates are made of.
 *
 * Owns their layout (*slots*): count, sum, min and max have one each, an average has two, its sum and its count. Slots are counted from 1, behind the place where
 * a slice has its start.
 */
import { StreamError } from "../errors.ts";
import type { NumericAggregate, NumericKind } from "./aggregates.ts";

/** One aggregate and its first slot. */
export interface Part {
  readonly name: string;
  readonly kind: NumericKind;
  readonly slot: number;
  readonly aggregate: NumericAggregate<unknown>;
}

/** One built-in aggregate, or several by name. */
export type NumericSpec =
  | NumericAggregate<unknown>
  | { readonly fields: Readonly<Record<string, NumericAggregate<unknown>>> };

const initialOf: Readonly<Record<NumericKind, readonly number[]>> = {
  count: [0],
  sum: [0],
  average: [0, 0],
  min: [Infinity],
  max: [-Infinity],
};

/** How the aggregates of `spec` lie in an accumulator. `initial`: its numbers before the first record. @throws OPTION_INVALID when one is none */
export function partsOf(spec: NumericSpec): {
  readonly parts: readonly Part[];
  readonly initial: readonly number[];
  /** The result is the number itself, not an object of them. */
  readonly isSingle: boolean;
  readonly kind: string;
} {
  const isSingle = "kind" in spec;
  const named = isSingle ? [["value", spec] as const] : Object.entries(spec.fields);
  if (named.length === 0) throw new StreamError("OPTION_INVALID", "aggregate((of) => ({ … })) names no aggregate");
  const initial: number[] = [];
  const parts = named.map(([name, aggregate]) => {
    checkAggregate(name, aggregate);
    const end = initial.push(...initialOf[aggregate.kind]);
    return { name, kind: aggregate.kind, slot: 1 + end - initialOf[aggregate.kind].length, aggregate };
  });
  return { parts, initial, isSingle, kind: isSingle ? spec.kind : "aggregate" };
}

/** Adds the accumulator at `at` of `numbers` to the one at 0 of `into`. */
export function mergeSlots(parts: readonly Part[], into: number[], numbers: ArrayLike<number>, at: number): void {
  for (const { kind, slot } of parts) {
    const held = into[slot] ?? 0;
    const other = numbers[at + slot] ?? 0;
    if (kind === "min") into[slot] = Math.min(held, other);
    else if (kind === "max") into[slot] = Math.max(held, other);
    else into[slot] = held + other;
    if (kind === "average") into[slot + 1] = (into[slot + 1] ?? 0) + (numbers[at + slot + 1] ?? 0);
  }
}

/** The result of the accumulator at `at`. */
export function resultOf(parts: readonly Part[], isSingle: boolean, numbers: ArrayLike<number>, at: number): unknown {
  if (isSingle) return numberOf(parts[0], numbers, at);
  return Object.fromEntries(parts.map((part) => [part.name, numberOf(part, numbers, at)]));
}

function numberOf(part: Part | undefined, numbers: ArrayLike<number>, at: number): number {
  const slot = at + (part?.slot ?? 1);
  const held = numbers[slot] ?? 0;
  return part?.kind === "average" ? held / (numbers[slot + 1] ?? 1) : held;
}

/** The number of a record. @throws TypeError when it is none (A1) */
export function inputOf(part: Part, value: unknown): number {
  const input: unknown = part.aggregate.of(value);
  if (typeof input !== "number" || Number.isNaN(input)) throw notANumber(part, input);
  return input;
}

function checkAggregate(name: string, aggregate: NumericAggregate<unknown> | undefined): void {
  if (aggregate !== undefined && Object.hasOwn(initialOf, aggregate.kind) && typeof aggregate.of === "function") return;
  throw new StreamError(
    "OPTION_INVALID",
    `"${name}" is no built-in aggregate: use of.count(), of.sum((r) => …), of.average, of.min or of.max`,
  );
}

function notANumber({ name, kind }: Part, input: unknown): TypeError {
  const which = name === "value" ? kind : `${kind} "${name}"`;
  return new TypeError(`${which} was given ${describe(input)}, which is no number`);
}

function describe(input: unknown): string {
  if (typeof input === "string") return JSON.stringify(input.slice(0, 80));
  if (typeof input === "number" || input === undefined || input === null) return String(input);
  return `a value of type ${typeof input}`;
}
