/**
 * A plan as a Mermaid flowchart: stages as boxes around their operators, exchanges as labelled arrows.
 */
import { describe, operatorText, sidesOf, type PlanDescription, type StageDescription } from "./describe.ts";
import type { Plan, Stage, Target } from "./plan.ts";

/**
 * Draws `plan` for Mermaid: what `tidemark plan FILE --mermaid` prints.
 *
 * @example
 * const diagram = describeMermaid(compile(monitor)); // "flowchart LR\n …"
 */
export function describeMermaid(plan: Plan): string {
  const description = describe(plan);
  return [
    "flowchart LR",
    ...plan.stages.flatMap((stage) => boxLines(stage, description)),
    ...plan.stages.flatMap((stage) => arrowLines(plan, stage)),
    "",
  ].join("\n");
}

function boxLines(stage: Stage, { stages }: PlanDescription): readonly string[] {
  const described = stages[stage.index];
  if (described === undefined) return [];
  const source = described.source === undefined ? [] : [`    ${entryId(stage)}[/${quoted(described.source)}/]`];
  return [
    `  subgraph s${stage.index}[${quoted(titleOf(described))}]`,
    ...source,
    ...described.operators.map((operator, at) => `    ${operatorId(stage, at)}[${quoted(operatorText(operator))}]`),
    ...described.sinks.map((sink, at) => `    ${sinkId(stage, at)}[(${quoted(`${sink.label}, ${sink.guarantee}`)})]`),
    "  end",
  ];
}

function titleOf({ name, partitions }: StageDescription): string {
  return partitions === "splits"
    ? `${name}, by split`
    : `${name}, ${partitions} partition${partitions === 1 ? "" : "s"}`;
}

function arrowLines(plan: Plan, stage: Stage): readonly string[] {
  const arrows = (from: string, targets: readonly Target[], label = ""): readonly string[] =>
    targets.flatMap((target) => arrowsTo(plan, stage, target, label).map((line) => `  ${from} ${line}`));
  return [
    ...(stage.source === undefined ? [] : arrows(entryId(stage), stage.entry)),
    ...stage.operators.flatMap((operator, at) => [
      ...arrows(operatorId(stage, at), operator.outputs),
      ...operator.late.flatMap((late) => arrows(operatorId(stage, at), late, "late")),
      ...sidesOf(operator).flatMap(([side, targets]) => arrows(operatorId(stage, at), targets, side)),
    ]),
  ];
}

function arrowsTo(plan: Plan, stage: Stage, target: Target, prefix: string): readonly string[] {
  if (target.kind !== "edge") return [`${arrow(prefix)} ${idOf(stage, target)}`];
  const edge = plan.edges[target.edge];
  const next = typeof edge?.to === "number" ? plan.stages[edge.to] : undefined;
  if (edge === undefined || next === undefined) return [];
  const label = [prefix, edge.exchange].filter((word) => word !== "").join(", ");
  const line = edge.eventTime === "fedBack" ? arrow(label).replace("-->", "-.->") : arrow(label);
  return next.entry.map((entry) => `${line} ${idOf(next, entry)}`);
}

function arrow(label: string): string {
  return label === "" ? "-->" : `-->|${label}|`;
}

function idOf(stage: Stage, target: Target): string {
  return target.kind === "sink"
    ? sinkId(stage, target.sink)
    : operatorId(stage, target.kind === "edge" ? 0 : target.operator);
}

function entryId(stage: Stage): string {
  return `s${stage.index}in`;
}

function operatorId(stage: Stage, operator: number): string {
  return `s${stage.index}o${operator}`;
}

function sinkId(stage: Stage, sink: number): string {
  return `s${stage.index}k${sink}`;
}

/** Mermaid ends a quoted text at the first quotation mark. */
function quoted(text: string): string {
  return `"${text.replaceAll('"', "#quot;")}"`;
}
