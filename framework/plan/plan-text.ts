/**
 * A plan as the text that is compared: what makes two workers run the same job, and what is shown when they do not.
 *
 * T1. Equal plans have equal texts, on every machine; the version is compared apart and is not in it.
 * T2. Lines that begin a thing are not indented; what belongs to it is.
 */
import {
  besidesOf,
  describe,
  type OperatorDescription,
  type SinkDescription,
  type StageDescription,
  targetsText,
} from "./describe.ts";
import type { Plan } from "./plan.ts";

/** The text of `plan` that is hashed, stored with the job, and compared when another worker brings its own (T1). */
export function planText(plan: Plan): string {
  const { job, stages, edges } = describe(plan);
  return [
    `job ${job}`,
    ...optionLines(plan.options),
    ...stages.flatMap((stage) => stageLines(stage)),
    ...edges.map(
      ({ name, exchange, port, codec }) => `edge ${name} ${exchange}${port === 0 ? "" : `:${port}`}, codec ${codec}`,
    ),
    "",
  ].join("\n");
}

/** A stage as a plan's text names it. */
export interface WrittenStage {
  readonly index: number;
  readonly name: string;
  /** 0 in a source stage, which has one instance per split. */
  readonly partitions: number;
  /** Present in a source stage. */
  readonly source: true | undefined;
}

/** The stages in the text of a plan, in their order: for those who have a job's register and not its program. */
export function stagesIn(text: string): readonly WrittenStage[] {
  const heads = [...text.matchAll(/^stage ([a-z0-9-]+), (?:(\d+) partitions|by split, )/gm)];
  return heads.map(([, name = "", partitions], index) => ({
    index,
    name,
    partitions: Number(partitions ?? 0),
    source: partitions === undefined ? true : undefined,
  }));
}

/** A stage with the state that its operators declare, as a plan's text names it. */
export interface WrittenStates {
  readonly name: string;
  readonly partitions: number;
  readonly isSource: boolean;
  readonly states: readonly {
    readonly operator: string;
    readonly name: string;
    readonly kind: string;
    readonly version: number;
  }[];
}

/** The state that is declared in the text of a plan, by stage. */
export function statesIn(text: string): readonly WrittenStates[] {
  const blocks = text.split(/^(?=stage |edge )/m);
  return stagesIn(text).map(({ name, partitions, source }) => {
    const block = blocks.find((each) => each.startsWith(`stage ${name},`)) ?? "";
    const operators = block.split(/^(?= {2}operator )/m).slice(1);
    const states = operators.flatMap((lines) => {
      const operator = /^ {2}operator ([a-z0-9-]+):/.exec(lines)?.[1] ?? "";
      const declared = [...lines.matchAll(/^ {4}state (\S+): (.*), version (\d+)$/gm)];
      return declared.map(([, state = "", kind = "", version]) => ({
        operator,
        name: state,
        kind,
        version: Number(version),
      }));
    });
    return { name, partitions, isSource: source === true, states };
  });
}

/** An edge as a plan's text names it. */
export interface WrittenEdge {
  /** As in the plan, and in the sections of frames. */
  readonly index: number;
  readonly name: string;
  /** Name of the stage that it comes from. */
  readonly from: string;
  /** Name of the stage that it goes into; or one of the job's own streams. */
  readonly to: { readonly stage: string } | "dead" | "late";
  /** Name of the codec; undefined where the text does not say it (late records). */
  readonly codec: string | undefined;
}

/** The edges in the text of a plan, the implicit ones into dead letters and late records included, in their order. */
export function edgesIn(text: string): readonly WrittenEdge[] {
  const lines = [...text.matchAll(/^edge (([a-z0-9-]+)\.([a-z0-9-]+)(?:\.\d+)?) \w+(?::\d+)?, codec (.*)$/gm)];
  const exchanges = lines.map(([, name = "", from = "", stage = "", codec], index) => ({
    index,
    name,
    from,
    to: { stage },
    codec,
  }));
  const implicit = stagesIn(text).flatMap(({ name, index }): readonly WrittenEdge[] => [
    { index: lines.length + 2 * index, name: `${name}.dead`, from: name, to: "dead", codec: "default" },
    { index: lines.length + 2 * index + 1, name: `${name}.late`, from: name, to: "late", codec: undefined },
  ]);
  return [...exchanges, ...implicit];
}

/**
 * What differs between two plan texts: lines only in `before` with `-`, lines only in `after` with `+`, each below the line that it belongs to. Empty when
 * nothing does.
 */
export function difference(before: string, after: string): string {
  const owners = [before, after].map((text) => ownersIn(text.split("\n")));
  let shown = "";
  const lines: string[] = [];
  for (const { sign, line, at } of changes(before.split("\n"), after.split("\n"))) {
    const owner = owners[sign === "-" ? 0 : 1]?.[at] ?? "";
    if (line.startsWith(" ") && owner !== shown) lines.push(`  ${owner}`);
    shown = line.startsWith(" ") ? owner : line;
    lines.push(`${sign} ${line}`);
  }
  return lines.join("\n");
}

function optionLines(options: Plan["options"]): readonly string[] {
  const { restart, poison, limits, ...plain } = options;
  return Object.entries({ ...plain, ...restart, ...poison, ...limits })
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => `  ${name} ${value}`);
}

function stageLines(stage: StageDescription): readonly string[] {
  const { name, partitions, source, idleTimeout = "", maxDrift, driftGroup, goesTo, operators, sinks } = stage;
  const group = driftGroup === undefined ? "" : ` in group ${driftGroup}`;
  const head =
    source === undefined
      ? `${partitions} partitions`
      : `by split, idle after ${idleTimeout}, ${maxDrift === undefined ? "" : `at most ${maxDrift} apart${group}, `}reads ${source}`;
  return [
    `stage ${name}, ${head}`,
    `  takes records to ${targetsText(goesTo)}`,
    ...operators.flatMap((operator) => [operatorLine(operator), ...operator.states.map(stateLine)]),
    ...sinks.map((sink) => sinkLine(sink)),
  ];
}

function operatorLine(operator: OperatorDescription): string {
  const { name, kind, description, goesTo } = operator;
  const besides = besidesOf(operator).map(({ what, to }) => `, ${what} to ${targetsText(to)}`);
  return `  operator ${name}: ${`${kind} ${description}`.trim()}, to ${targetsText(goesTo) || "nothing"}${besides.join("")}`;
}

/** What of a program's state must not change within a generation (R12). */
function stateLine({ name, form, version }: OperatorDescription["states"][number]): string {
  return `    state ${name}: ${form}, version ${version}`;
}

function sinkLine({ name, label, description, guarantee }: SinkDescription): string {
  return `  sink ${name} ${JSON.stringify(label)}: ${description}, ${guarantee}`;
}

/** For each line, the nearest line before it that is not indented (T2). */
function ownersIn(lines: readonly string[]): readonly string[] {
  let owner = "";
  return lines.map((line) => {
    if (!line.startsWith(" ")) owner = line;
    return owner;
  });
}

interface Change {
  readonly sign: "-" | "+";
  readonly line: string;
  /** Position of the line in its own text. */
  readonly at: number;
}

/** The shortest list of lines to take out and put in. */
function changes(before: readonly string[], after: readonly string[]): readonly Change[] {
  const common = commonLengths(before, after);
  const found: Change[] = [];
  let i = 0;
  let j = 0;
  while (i < before.length || j < after.length) {
    const [old, fresh] = [before[i], after[j]];
    if (old !== undefined && old === fresh) {
      i++;
      j++;
    } else if (old !== undefined && (fresh === undefined || (common[i + 1]?.[j] ?? 0) >= (common[i]?.[j + 1] ?? 0))) {
      found.push({ sign: "-", line: old, at: i++ });
    } else if (fresh !== undefined) {
      found.push({ sign: "+", line: fresh, at: j++ });
    }
  }
  return found;
}

/** `[i][j]`: how many lines the texts from line i and line j on have in common, in order. */
function commonLengths(before: readonly string[], after: readonly string[]): readonly (readonly number[])[] {
  const lengths = Array.from({ length: before.length + 1 }, () => Array.from({ length: after.length + 1 }, () => 0));
  for (let i = before.length - 1; i >= 0; i--) {
    for (let j = after.length - 1; j >= 0; j--) {
      const row = lengths[i];
      if (row === undefined) continue;
      row[j] =
        before[i] === after[j]
          ? (lengths[i + 1]?.[j + 1] ?? 0) + 1
          : Math.max(lengths[i + 1]?.[j] ?? 0, row[j + 1] ?? 0);
    }
  }
  return lengths;
}
