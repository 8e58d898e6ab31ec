/**
 * Whether a generation can go on from a savepoint, and what becomes of its parts.
 *
 * Owns the comparison by name: stages, states, splits, numbers of partitions. Bytes, migrations and chunks are looked at by those who read them (`actor/origin.ts`).
 *
 * What each part of an instance means under as many partitions as there were, and under another number of them:
 *
 * | part | as many | another number |
 * | --- | --- | --- |
 * | keyed state, windows, joins | stays, by the name of operator and state | goes to the partition of its key |
 * | timers | stay, with their order | in the order of their old numbers, then of the old partitions |
 * | rules of a broadcast | stay | must be the same everywhere, and go everywhere |
 * | watermark makers of a stage that is no source | stay | the least of all; refused where their state is the program's own |
 * | pending requests | there are none in a frozen instance | the same |
 * | `ctx.now()` | stays | the largest of all old instances |
 * | `ctx.random()` | goes on | begins anew, with the seed of the new generation |
 * | counts | stay | their sums stand in partition 0 |
 * | watermark applied | stays | the least of all old instances: what is due above it fires |
 * | watermarks of edges, by name | the largest that any receiver had read | the same |
 * | numbers of channels and sinks, rolling checks, skips, dead letters given again | begin anew: they belong to a generation | the same |
 * | transactions of two-phase sinks | are committed, again if need be | those of partition p by partition p modulo the new number |
 * | position of a split, by name | stays (a push source's ingress log is empty: it begins a new one) | - |
 *
 * RS1. What the program lacks of the savepoint, or the savepoint of the program, is an obstacle, unless allowed by name. Only timers may be new in silence.
 * RS2. State of another kind, or of a version that there is no way from, is an obstacle.
 * RS3. A split that is another one, or gone, is an obstacle; one that is new starts at its beginning.
 *      A source that has ended takes no new one: receivers have fired all there was.
 * RS4. A stage that splits are forwarded to has no fewer partitions than splits are running, unless it had as few before.
 * RS5. What is allowed and not there is an obstacle: it is misspelt.
 */
import type { SavepointIndex, SavepointStage, SavepointState } from "../record/savepoint-record.ts";

/** Version of the index's format that this runtime writes; newer ones are refused. */
export const savepointFormat = 1;

/** One kind of state of the program. */
export interface ProgramStateFacts extends SavepointState {
  /** The oldest version that there is a way from. */
  readonly oldest: number;
}

/** A split of the program's as it is now. */
export interface SplitFacts {
  readonly name: string;
  /** Whether it is the one that the savepoint has under that name; undefined when that has none. */
  readonly isSame: boolean | undefined;
}

/** A stage of the program. */
export interface RestoredStage {
  readonly name: string;
  /** Undefined: no source. */
  readonly splits: readonly SplitFacts[] | undefined;
  readonly partitions: number;
  readonly states: readonly ProgramStateFacts[];
  /** Names of the sources that forward to it. */
  readonly forwardedFrom: readonly string[];
}

/** What may be left out, by `STAGE`, `STAGE/STATE`, `STAGE/OPERATOR` or `STAGE/OPERATOR/STATE`; of a source `STAGE/SPLIT`. */
export interface Allowances {
  /** What the program has and the savepoint has not: it begins empty. */
  readonly allowMissing: readonly string[];
  /** What the savepoint has and the program has not: it is dropped. */
  readonly allowUnknown: readonly string[];
}

/** A savepoint and the program that is to go on from it. */
export interface RestoreFacts extends Allowances {
  readonly index: Pick<SavepointIndex, "format" | "job" | "name" | "stages">;
  readonly job: string;
  readonly stages: readonly RestoredStage[];
  /** Names of splits that had not ended at the savepoint, by stage. */
  readonly runningSplits: Readonly<Record<string, readonly string[]>>;
}

/** What a restore comes to. */
export interface RestoreVerdict {
  /** Why it cannot be, each with what to do; empty when it can. */
  readonly obstacles: readonly string[];
  /** What changes on the way, for people. */
  readonly changes: readonly string[];
}

/** Whether one of the names in `allowed` covers a state: its stage, its operator, or itself. */
export function covers(allowed: readonly string[], stage: string, operator: string, name: string): boolean {
  return [stage, `${stage}/${operator}`, `${stage}/${name}`, `${stage}/${operator}/${name}`].some((one) =>
    allowed.includes(one),
  );
}

/** Compares (RS1 to RS5). */
export function judgeRestore(facts: RestoreFacts): RestoreVerdict {
  const { index, job } = facts;
  const other = otherThing(index, job);
  if (other !== undefined) return { obstacles: [other], changes: [] };
  const findings = [
    ...facts.stages.flatMap((stage) => judgeStage(facts, stage)),
    ...unknownStages(facts),
    ...misspelt(facts),
  ];
  return {
    obstacles: findings.flatMap(({ obstacle }) => obstacle ?? []),
    changes: findings.flatMap(({ change }) => change ?? []),
  };
}

/** One thing that has been found: why it cannot be, or what it comes to. */
interface Finding {
  readonly obstacle?: string;
  readonly change?: string;
}

function otherThing({ format, job: of, name }: RestoreFacts["index"], job: string): string | undefined {
  if (format > savepointFormat)
    return `savepoint ${name} has format ${format}, and this version reads formats up to ${savepointFormat}: restore it with the version that took it, or a newer one`;
  return of === job
    ? undefined
    : `savepoint ${name} is of job ${of}, and the program's job is ${job}: give the job the name ${of}`;
}

function judgeStage(facts: RestoreFacts, stage: RestoredStage): readonly Finding[] {
  const { name, splits } = stage;
  const before = facts.index.stages.find((each) => each.name === name);
  if (before === undefined) {
    if (facts.allowMissing.includes(name)) return [{ change: `stage ${name} is new, and begins empty` }];
    const what = `stage ${name} is not in the savepoint, which has ${listOf(facts.index.stages)}`;
    return [{ obstacle: `${what}: allow it with --allow-missing ${name}, or give it the name it had (.named)` }];
  }
  if (before.isSource !== (splits !== undefined)) {
    const [was, is] = before.isSource ? ["a source", "none"] : ["no source", "one"];
    return [{ obstacle: `stage ${name} is ${was} in the savepoint, and ${is} in the program: name it otherwise` }];
  }
  return [
    ...judgeStates(facts, stage, before),
    ...judgeSplits(facts, stage, before),
    ...judgePartitions(facts, stage, before),
  ];
}

function judgeStates(
  facts: RestoreFacts,
  { name: stage, states }: RestoredStage,
  before: SavepointStage,
): readonly Finding[] {
  const findings: Finding[] = [];
  for (const state of states) {
    const saved = before.states.find((each) => isSameState(each, state));
    if (saved !== undefined) findings.push(judgeState(facts, stage, saved, state));
    else findings.push(missingState(facts, stage, state));
  }
  for (const saved of before.states)
    if (!states.some((each) => isSameState(each, saved))) findings.push(unknownState(facts, stage, saved));
  return findings;
}

function isSameState(
  a: Pick<SavepointState, "operator" | "name">,
  b: Pick<SavepointState, "operator" | "name">,
): boolean {
  return a.operator === b.operator && a.name === b.name;
}

/** `averages/last` where that says enough, for people and flags alike. */
function titleOf(stage: string, { operator, name }: Pick<SavepointState, "operator" | "name">): string {
  return name === "" ? `${stage}/${operator}` : `${stage}/${name}`;
}

function missingState({ allowMissing }: RestoreFacts, stage: string, state: ProgramStateFacts): Finding {
  const { operator, name } = state;
  // RS1: timers come with an operator that may have none; what an operator keeps for itself comes with it.
  if (name.startsWith("timers/")) return {};
  const title = titleOf(stage, state);
  if (covers(allowMissing, stage, operator, name)) return { change: `state ${title} is new, and begins empty` };
  return {
    obstacle: `state ${title} is not in the savepoint: allow it with --allow-missing ${title}, or give operator and state the names they had`,
  };
}

function unknownState({ allowUnknown }: RestoreFacts, stage: string, saved: SavepointState): Finding {
  const title = titleOf(stage, saved);
  if (covers(allowUnknown, stage, saved.operator, saved.name)) return { change: `state ${title} is dropped` };
  return {
    obstacle: `state ${title} (operator ${saved.operator}) of the savepoint is not in the program: allow it with --allow-unknown ${title}, and it is dropped; or give operator and state the names they had`,
  };
}

/** RS2. */
function judgeState(facts: RestoreFacts, stage: string, saved: SavepointState, state: ProgramStateFacts): Finding {
  const title = titleOf(stage, state);
  if (saved.kind !== state.kind && state.name !== "") {
    if (isReplaced(facts, stage, saved)) return { change: `state ${title} is dropped, and begins empty` };
    const ages = [saved.kind, state.kind].map((kind) => kind.includes("(ttl "));
    const why = ages[0] === ages[1] ? "" : " (when it was used is kept for state with a ttl alone)";
    return {
      obstacle: `state ${title} is ${saved.kind} in the savepoint, and ${state.kind} in the program${why}: name it otherwise, or drop it with --allow-unknown ${title} --allow-missing ${title}`,
    };
  }
  if (saved.version === state.version) return {};
  const versions = `state ${title} has version ${saved.version} in the savepoint, and ${state.version} in the program`;
  if (saved.version > state.version)
    return { obstacle: `${versions}: restore it with the newer program, or an older savepoint with this one` };
  if (saved.version < state.oldest)
    return {
      obstacle: `${versions}, which has migrations from version ${state.oldest} on: begin its schema with version ${saved.version} (schema().migrate(…))`,
    };
  return { change: `state ${title} is migrated from version ${saved.version} to ${state.version}` };
}

/** State of another kind that may be dropped, and may begin empty. */
export function isReplaced(allowed: Allowances, stage: string, { operator, name }: SavepointState): boolean {
  return covers(allowed.allowUnknown, stage, operator, name) && covers(allowed.allowMissing, stage, operator, name);
}

/** RS3. */
function judgeSplits(
  { allowUnknown, runningSplits }: RestoreFacts,
  { name, splits }: RestoredStage,
  before: SavepointStage,
): readonly Finding[] {
  if (splits === undefined) return [];
  const named = before.instances.flatMap(({ split }) => (split === undefined ? [] : [split.name]));
  const hasEnded = named.length > 0 && (runningSplits[name] ?? []).length === 0;
  const findings = splits.map((split) => judgeSplit(name, split, hasEnded));
  for (const gone of named.filter((one) => !splits.some((split) => split.name === one))) {
    const isAllowed = allowUnknown.includes(name) || allowUnknown.includes(`${name}/${gone}`);
    if (isAllowed) findings.push({ change: `split ${gone} of ${name} is not read any more` });
    else
      findings.push({
        obstacle: `split ${gone} of source ${name} is not there any more: put it back, or allow it with --allow-unknown ${name}/${gone}`,
      });
  }
  return findings;
}

function judgeSplit(source: string, { name, isSame }: SplitFacts, hasEnded: boolean): Finding {
  if (isSame === true) return {};
  if (isSame === false)
    return {
      obstacle: `split ${name} of source ${source} is another one than the savepoint has read: put that one back, or give the source another name`,
    };
  if (hasEnded)
    return {
      obstacle: `split ${name} of source ${source} is new, and the source had ended at the savepoint: read it by a source of its own`,
    };
  return { change: `split ${name} of ${source} is new, and starts at its beginning` };
}

/** RS4. */
function judgePartitions(facts: RestoreFacts, stage: RestoredStage, before: SavepointStage): readonly Finding[] {
  const { name, partitions, splits } = stage;
  if (splits !== undefined || partitions === before.partitions) return [];
  const running = stage.forwardedFrom.map((source) => ({ source, count: facts.runningSplits[source]?.length ?? 0 }));
  const crowded = running.find(({ count }) => partitions < count);
  if (crowded !== undefined)
    return [
      {
        obstacle: `stage ${name} has ${partitions} partitions, fewer than the ${crowded.count} running splits of ${crowded.source} that are forwarded to it: give it ${crowded.count} or more, or as many as it had (${before.partitions})`,
      },
    ];
  return [{ change: `stage ${name}: ${before.partitions} partitions become ${partitions}, keys are divided anew` }];
}

function unknownStages({ index, stages, allowUnknown }: RestoreFacts): readonly Finding[] {
  const gone = index.stages.filter(({ name }) => !stages.some((stage) => stage.name === name));
  return gone.map(({ name }) =>
    allowUnknown.includes(name)
      ? { change: `stage ${name} is dropped` }
      : {
          obstacle: `stage ${name} of the savepoint is not in the program, which has ${listOf(stages)}: allow it with --allow-unknown ${name}, and it is dropped; or give it the name it had (.named)`,
        },
  );
}

/** RS5. */
function misspelt({ allowMissing, allowUnknown, stages, index }: RestoreFacts): readonly Finding[] {
  const namesOf = (
    stage: { readonly name: string; readonly states: readonly SavepointState[] },
    splits: readonly string[],
  ) => [
    stage.name,
    ...splits.map((split) => `${stage.name}/${split}`),
    ...stage.states.flatMap(({ operator, name }) => [
      `${stage.name}/${operator}`,
      `${stage.name}/${name}`,
      `${stage.name}/${operator}/${name}`,
    ]),
  ];
  const inProgram = new Set(stages.flatMap((stage) => namesOf(stage, [])));
  const inSavepoint = new Set(
    index.stages.flatMap((stage) =>
      namesOf(
        stage,
        stage.instances.flatMap(({ split }) => split?.name ?? []),
      ),
    ),
  );
  const wrong = (flag: string, allowed: readonly string[], known: ReadonlySet<string>, where: string): Finding[] =>
    allowed
      .filter((one) => !known.has(one))
      .map((one) => ({ obstacle: `${flag} ${one}: there is no such stage or state in the ${where}` }));
  return [
    ...wrong("--allow-missing", allowMissing, inProgram, "program"),
    ...wrong("--allow-unknown", allowUnknown, inSavepoint, "savepoint"),
  ];
}

function listOf(stages: readonly { readonly name: string }[]): string {
  return stages.map(({ name }) => name).join(", ");
}
