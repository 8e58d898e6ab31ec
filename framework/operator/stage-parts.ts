/**
 * Which operators of a stage have a part of their own in its program: the keyed one, one that defers at the entry, those that make watermarks.
 */
import { invariant } from "../errors.ts";
import type { Operator } from "./contract.ts";
import type { StageShape } from "./wiring.ts";

/** The stage's one keyed operator: its name. */
export function keyedOperator({ name, entry, operators }: StageShape): string | undefined {
  const keyed = operators.flatMap((node, index) => (node.factory.keyed ? [{ node, index }] : []));
  const [first, second] = keyed;
  invariant(
    second === undefined,
    `stage ${name} has two keyed operators, ${first?.node.name} and ${second?.node.name}`,
  );
  const isEntry = entry.some((target) => target.kind === "operator" && target.operator === first?.index);
  invariant(first === undefined || isEntry, `${first?.node.name} is keyed and not at the entry of stage ${name}`);
  return first?.node.name;
}

/** The operator that is all of the stage's entry, and whose outputs come later than its inputs: its name. */
export function deferringEntry(
  { entry, operators: nodes }: StageShape,
  operators: readonly (Operator | undefined)[],
): string | undefined {
  const [first, ...others] = entry;
  if (first?.kind !== "operator" || others.length > 0) return undefined;
  return operators[first.operator]?.deferral === undefined ? undefined : nodes[first.operator]?.name;
}

/** The operators that make watermarks, and behind which no other one does. */
export function lastGenerators(
  { operators: nodes }: StageShape,
  operators: readonly (Operator | undefined)[],
): readonly Operator[] {
  const makes = (index: number): boolean => operators[index]?.watermark !== undefined;
  const leadsToAnother = (index: number): boolean =>
    nodes[index]?.outputs.some(
      (target) => target.kind === "operator" && (makes(target.operator) || leadsToAnother(target.operator)),
    ) ?? false;
  return operators
    .filter((operator, index) => operator !== undefined && makes(index) && !leadsToAnother(index))
    .filter((operator) => operator !== undefined);
}
