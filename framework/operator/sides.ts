/**
 * Side outputs: streams of other values that a process function says besides its own outputs.
 *
 * Owns the declaration, and the handles through which a function speaks to them. Where they lead is the plan's business.
 */
import { StreamError } from "../errors.ts";
import type { OperatorContext } from "./contract.ts";

/** Declares a side output: `sides: { alarms: side<Alarm>() }`. */
export interface SideDescriptor<T> {
  readonly kind: "side";
  /** Only types look at it. */
  readonly holds?: T | undefined;
}

/** The side outputs that a process function declares, by name. */
export type Sides = Readonly<Record<string, SideDescriptor<unknown>>>;

/** What a side output takes. */
export type SideValue<D> = D extends SideDescriptor<infer T> ? T : never;

/** Takes what goes to one side output. */
export interface SideOutput<T> {
  /** Says `value` there, with the timestamp that outputs of the same call have. Undone when the call throws. */
  emit(value: T): void;
}

/** The side outputs that were declared, by name. */
export type SidesOf<D> = { readonly [P in keyof D]: SideOutput<SideValue<D[P]>> };

/**
 * A side output of `T`, for records of another kind than the outputs.
 *
 * @example
 * const trips = positions.keyBy((p) => p.taxi).process({
 *   sides: { speeding: side<Position>() },
 *   process(position, { sides }) {
 *     if (position.kmh > 90) sides.speeding.emit(position);
 *   },
 * });
 * trips.side("speeding").to(print("speeding"));
 */
export function side<T>(): SideDescriptor<T> {
  return { kind: "side" };
}

/** Names of declared side outputs. @throws OPTION_INVALID when a declaration is none */
export function sideNames(declared: Sides = {}): readonly string[] {
  for (const [name, { kind }] of Object.entries(declared)) {
    if (kind !== "side") throw new StreamError("OPTION_INVALID", `side output ${name} is not declared with side()`);
  }
  return checkSideNames(Object.keys(declared));
}

const namePattern = /^[a-z][a-z0-9_-]{0,31}$/i;

/** Checks names of side outputs, which plans and errors show. @throws OPTION_INVALID */
export function checkSideNames(names: readonly string[]): readonly string[] {
  const wrong = names.find((name) => !namePattern.test(name));
  if (wrong === undefined) return names;
  const rule = 'a letter, then letters, digits, "_" and "-", 32 at most';
  throw new StreamError("OPTION_INVALID", `side output ${JSON.stringify(wrong)}: a name is ${rule}`);
}

/** The handles to declared side outputs; `timestamp` answers that of the call under way. */
export function sidesOf(
  declared: Sides = {},
  context: Pick<OperatorContext, "emitSide">,
  timestamp: () => number | undefined,
): SidesOf<Sides> {
  const outputs = sideNames(declared).map((name): readonly [string, SideOutput<unknown>] => [
    name,
    { emit: (value) => context.emitSide(name, value, timestamp()) },
  ]);
  return Object.fromEntries(outputs);
}
