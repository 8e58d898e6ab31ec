/**
 * A plan for people and programs: as an object that goes into JSON, and as text.
 *
 * Owns what is told and its layout. `mermaid.ts` draws the same; `plan-text.ts` is the form that is compared.
 */
import type { SinkGuarantee } from "../log/sink.ts";
import type { DeclaredState } from "../state/declared-states.ts";
import { bytesText, spanText, tableText } from "./format.ts";
import type { Exchange, OperatorNode, Plan, SinkNode, Stage, Target } from "./plan.ts";
import { fenceReserveBytes, type Reservation, reservation, watermarkReserveBytes } from "./reserve.ts";

/** What takes records, described. */
export interface TargetDescription {
  readonly kind: "operator" | "stage" | "sink";
  /** Of a sink: its label. */
  readonly name: string;
}

/** A side output, described. */
export interface SideDescription {
  readonly name: string;
  readonly goesTo: readonly TargetDescription[];
}

/** An operator, described. */
export interface OperatorDescription {
  readonly name: string;
  readonly kind: string;
  readonly description: string;
  /** What takes its outputs, in program order. */
  readonly goesTo: readonly TargetDescription[];
  /** The same for its late records, by input; those of an input that is not there, or empty, go to the job's late records. */
  readonly lateGoesTo: readonly (readonly TargetDescription[])[];
  /** The same for its side outputs, those that something reads. */
  readonly sides: readonly SideDescription[];
  /** The state that the program declares in it. */
  readonly states: readonly DeclaredState[];
}

/** A sink, described. */
export interface SinkDescription {
  readonly name: string;
  readonly label: string;
  readonly description: string;
  readonly guarantee: SinkGuarantee;
}

/** A stage, described. */
export interface StageDescription {
  readonly name: string;
  /** What it reads, of a source stage. */
  readonly source?: string;
  /** How long a split must be caught up and empty to count as idle, of a source stage: a duration, or `never`. */
  readonly idleTimeout?: string;
  /** Of a source whose splits wait for each other. */
  readonly maxDrift?: string;
  /** Name of the group whose splits wait for each other, where that is not the source alone. */
  readonly driftGroup?: string;
  /** A source stage has one instance per split. */
  readonly partitions: number | "splits";
  /** Threads that its instances share in each worker process. @default none */
  readonly threads?: number | undefined;
  /** What takes the records that come in. */
  readonly goesTo: readonly TargetDescription[];
  readonly operators: readonly OperatorDescription[];
  readonly sinks: readonly SinkDescription[];
}

/** An edge, described; the implicit ones into dead letters and late records are left out. */
export interface EdgeDescription {
  readonly name: string;
  readonly from: string;
  readonly to: string;
  readonly exchange: Exchange;
  /** Which input of the stage it is; 0 where there is one. */
  readonly port: number;
  readonly codec: string;
  /** What it says of event time, where that is not everything: only the end (`endOnly`), or it closes a cycle (`fedBack`). */
  readonly eventTime?: "endOnly" | "fedBack";
}

/** A plan, described: made of texts, numbers, lists and plain objects only. */
export interface PlanDescription {
  readonly job: string;
  readonly version: string;
  readonly stages: readonly StageDescription[];
  readonly edges: readonly EdgeDescription[];
  readonly reserved: Reservation;
}

/** Describes `plan` as an object that goes into JSON as it is. */
export function describe(plan: Plan): PlanDescription {
  return {
    job: plan.job,
    version: plan.version,
    stages: plan.stages.map((stage) => describeStage(plan, stage)),
    edges: exchanges(plan).map(({ name, from, to, exchange, port, codec, eventTime }) => ({
      name,
      from: stageName(plan, from),
      to: stageName(plan, to),
      exchange,
      port,
      codec: codec?.name ?? "default",
      ...(eventTime === undefined ? {} : { eventTime }),
    })),
    reserved: reservation(plan),
  };
}

/** What a sink's guarantee means for whoever reads what it writes. */
export const guaranteeText: Readonly<Record<SinkGuarantee, string>> = {
  transactional: "each row once",
  idempotent: "each row once; after a crash it is written again, the same",
  twoPhase: "each row once, visible when a snapshot covers it",
  atLeastOnce: "at least once; after a crash rows may come again",
};

/**
 * Describes `plan` as text with aligned columns: what `tidemark plan FILE` prints.
 *
 * @example
 * console.log(describeText(compile(monitor)));
 */
export function describeText(plan: Plan): string {
  const { stages, edges, reserved } = describe(plan);
  const sinks = stages.flatMap((stage) => stage.sinks.map((sink) => [sink, stage] as const));
  return [
    ...headLines(plan),
    "",
    ...tableText([["stage", "partitions", "operator", "goes to"], ...stages.flatMap((stage) => stageRows(stage))]),
    "",
    ...tableText([["edge", "exchange", "codec"], ...edges.map((edge) => [edge.name, exchangeText(edge), edge.codec])]),
    "",
    ...tableText([["sink", "writes", "stage", "guarantee"], ...sinks.map(([sink, stage]) => sinkRow(sink, stage))]),
    "",
    ...reservedLines(plan, reserved),
    "",
  ].join("\n");
}

/** The edges between stages. */
function exchanges(plan: Plan): readonly (Plan["edges"][number] & { readonly to: number })[] {
  return plan.edges.filter((edge): edge is typeof edge & { readonly to: number } => typeof edge.to === "number");
}

/** Targets in a line: operators and stages by name, sinks by label in quotation marks. */
export function targetsText(targets: readonly TargetDescription[]): string {
  return targets.map(({ kind, name }) => (kind === "sink" ? JSON.stringify(name) : name)).join(", ");
}

/** `average (tumbling 5m)`: the name of an operator, and what it does. */
export function operatorText({
  name,
  kind,
  description,
}: Pick<OperatorDescription, "name" | "kind" | "description">): string {
  const what = [name.startsWith(kind) ? "" : kind, description].filter((word) => word !== "").join(" ");
  return what === "" ? name : `${name} (${what})`;
}

function describeStage(plan: Plan, stage: Stage): StageDescription {
  const described = (targets: readonly Target[]): readonly TargetDescription[] =>
    targets.map((target) => describeTarget(plan, stage, target));
  return {
    name: stage.name,
    ...(stage.source === undefined
      ? {}
      : { source: stage.source.description, idleTimeout: spanText(stage.idleTimeoutMs) }),
    ...(stage.maxDriftMs === undefined ? {} : { maxDrift: spanText(stage.maxDriftMs) }),
    ...(stage.driftGroup === undefined ? {} : { driftGroup: stage.driftGroup }),
    partitions: stage.source === undefined ? stage.partitions : "splits",
    ...(stage.threads === undefined ? {} : { threads: stage.threads }),
    goesTo: described(stage.entry),
    operators: stage.operators.map((operator) => ({
      ...describeOperator(operator),
      goesTo: described(operator.outputs),
      lateGoesTo: lateOf(operator).map((late) => described(late)),
      sides: sidesOf(operator).map(([side, to]) => ({ name: side, goesTo: described(to) })),
    })),
    sinks: stage.sinks.map((sink) => describeSink(sink)),
  };
}

/** Up to the last input whose late records something reads. */
function lateOf({ late }: OperatorNode): readonly (readonly Target[])[] {
  return late.slice(0, 1 + late.findLastIndex((targets) => targets.length > 0));
}

/** The side outputs of an operator that something reads, in program order. */
export function sidesOf({ sides }: OperatorNode): readonly (readonly [name: string, targets: readonly Target[]])[] {
  return Object.entries(sides).filter(([, targets]) => targets.length > 0);
}

function exchangeText({ exchange, port, eventTime }: EdgeDescription): string {
  const back = eventTime === "fedBack" ? "back, " : "";
  return `${back}${exchange}${port === 0 ? "" : `, input ${port + 1}`}`;
}

function describeOperator({
  name,
  factory,
}: OperatorNode): Pick<OperatorDescription, "name" | "kind" | "description" | "states"> {
  return { name, kind: factory.kind, description: factory.description, states: factory.states ?? [] };
}

function describeTarget(plan: Plan, stage: Stage, target: Target): TargetDescription {
  switch (target.kind) {
    case "operator":
      return { kind: "operator", name: stage.operators[target.operator]?.name ?? "" };
    case "sink":
      return { kind: "sink", name: stage.sinks[target.sink]?.label ?? "" };
    case "edge":
      return { kind: "stage", name: stageName(plan, plan.edges[target.edge]?.to) };
  }
}

function describeSink({ name, label, spec }: SinkNode): SinkDescription {
  return { name, label, description: spec.description, guarantee: spec.guarantee };
}

function stageName(plan: Plan, index: number | "dead" | "late" | undefined): string {
  return typeof index === "number" ? (plan.stages[index]?.name ?? "") : (index ?? "");
}

function headLines({ job, options }: Plan): readonly string[] {
  const { snapshotIntervalMs, snapshotBytes, onError } = options;
  return [
    `job ${job}`,
    `  snapshots every ${spanText(snapshotIntervalMs)} or ${bytesText(snapshotBytes)} of an inbox, onError: ${onError}`,
  ];
}

function stageRows(stage: StageDescription): readonly (readonly string[])[] {
  const { name, source, partitions, threads, goesTo, operators, sinks } = stage;
  const shared = threads === undefined ? "" : ` in ${threads} thread${threads === 1 ? "" : "s"}`;
  const head = [name, `${partitions}${shared}`];
  const first = source === undefined ? [] : [[source, targetsText(goesTo)]];
  const rows = operators.map((operator) => [operatorText(operator), goesToText(operator)]);
  const last = first.length + rows.length > 0 ? [] : sinks.map((sink) => [sink.description, ""]);
  return [...first, ...rows, ...last].map((row, at) => [...(at === 0 ? head : ["", ""]), ...row]);
}

function goesToText(operator: OperatorDescription): string {
  const { goesTo } = operator;
  const besides = besidesOf(operator).map(({ what, to }) => `${what}: ${targetsText(to)}`);
  return [...(goesTo.length === 0 ? [] : [targetsText(goesTo)]), ...besides].join("; ");
}

/** Where late records and side outputs go: `late records`, `late records of input 2`, `side slow`. */
export function besidesOf({
  lateGoesTo,
  sides,
}: OperatorDescription): readonly { readonly what: string; readonly to: readonly TargetDescription[] }[] {
  const late = lateGoesTo.map((to, port) => ({ what: `late records${port === 0 ? "" : ` of input ${port + 1}`}`, to }));
  const all = [...late, ...sides.map(({ name, goesTo }) => ({ what: `side ${name}`, to: goesTo }))];
  return all.filter(({ to }) => to.length > 0);
}

function sinkRow(sink: SinkDescription, stage: StageDescription): readonly string[] {
  return [sink.label, sink.description, stage.name, guaranteeText[sink.guarantee]];
}

function reservedLines({ options }: Plan, reserved: Reservation): readonly string[] {
  const { inboxes, bytesPerInbox, results, feedback, totalBytes, ingress } = reserved;
  const { deadLetterBytes, lateBytes, jobLogBytes } = reserved;
  const copies = options.replicas === 1 ? "" : `, times ${options.replicas} replicas`;
  return [
    `reserves ${bytesText(totalBytes)}: ${inboxes} inboxes of ${bytesText(bytesPerInbox)}, ` +
      `dead letters ${bytesText(deadLetterBytes)}, late records ${bytesText(lateBytes)}, job log ${bytesText(jobLogBytes)}${copies}`,
    `  an inbox: records ${bytesText(options.inboxBytes)}, watermarks ${bytesText(watermarkReserveBytes)}, ` +
      `fences ${bytesText(fenceReserveBytes)}`,
    ...results.map(({ stage, bytesPerInbox: bytes }) => `  in each of ${stage} besides, results ${bytesText(bytes)}`),
    ...feedback.map(
      ({ stage, bytesPerInbox: bytes }) => `  in each of ${stage} besides, what goes round ${bytesText(bytes)}`,
    ),
    ...ingress.map((name) => `  besides, an ingress log per split of ${name}`),
  ];
}
