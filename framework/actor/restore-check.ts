/**
 * Looks whether a program can go on from a savepoint, before anything stops or starts.
 *
 * Owns the facts for `protocol/restore.ts`, and the rehearsal: every instance of the plan is given its state, and thrown away.
 */
import { StreamError } from "../errors.ts";
import type { EndHome } from "../log/ends.ts";
import type { ReplayableSource, Split, SplitReader } from "../log/source.ts";
import type { Plan, Stage } from "../plan/plan.ts";
import { judgeRestore, type RestoredStage, type RestoreVerdict, type SplitFacts } from "../protocol/restore.ts";
import { StageProgram } from "../operator/program.ts";
import type { SavepointIndex } from "../record/savepoint-record.ts";
import type { GenerationOrigin } from "./origin.ts";
import { nowhere, statesOfStage } from "./stage-states.ts";

/** Names of chunks that an error says, at most. */
const namesShown = 3;

/** Compares the savepoint with the program, and with what its sources read now. @throws CORRUPT, and whatever a source refuses with */
export async function judgeOrigin(plan: Plan, origin: GenerationOrigin, ends: EndHome): Promise<RestoreVerdict> {
  const index = await origin.index();
  const running = await origin.runningSplits();
  const stages = await Promise.all(plan.stages.map((stage) => stageFacts(plan, stage, index, ends)));
  const { allowMissing, allowUnknown } = origin.origin;
  return judgeRestore({ index, job: plan.job, stages, runningSplits: running, allowMissing, allowUnknown });
}

/** {@link judgeOrigin}; answers what changes. @throws SNAPSHOT_UNSUITABLE with all that is in the way; CORRUPT naming what is missing */
export async function checkOrigin(plan: Plan, origin: GenerationOrigin, ends: EndHome): Promise<readonly string[]> {
  const { obstacles, changes } = await judgeOrigin(plan, origin, ends);
  if (obstacles.length === 0) {
    await checkWhole(origin);
    return changes;
  }
  const list = obstacles.length === 1 ? ` ${obstacles[0]}` : obstacles.map((each) => `\n  ${each}`).join("");
  throw new StreamError(
    "SNAPSHOT_UNSUITABLE",
    `job ${plan.job} cannot go on from savepoint ${origin.origin.name}:${list}`,
  );
}

async function checkWhole(origin: GenerationOrigin): Promise<void> {
  const missing = await origin.missingChunks();
  if (missing.length === 0) return;
  const more = missing.length > namesShown ? `, and ${missing.length - namesShown} more` : "";
  throw new StreamError(
    "CORRUPT",
    `savepoint ${origin.origin.name} is not whole: missing are ${missing.slice(0, namesShown).join(", ")}${more}`,
  );
}

/** What a rehearsal has seen. */
export interface Rehearsal {
  /** Instances of the plan that have state of the savepoint. */
  readonly instances: number;
  readonly keys: number;
}

/** Gives every instance of the plan its state, migrations and all, and throws it away. @throws CORRUPT, SNAPSHOT_UNSUITABLE */
export async function rehearse(plan: Plan, origin: GenerationOrigin): Promise<Rehearsal> {
  const index = await origin.index();
  let [instances, keys] = [0, 0];
  for (const stage of plan.stages) {
    for (const [partition, split] of instancesOf(stage, index)) {
      const from = await origin.of(plan, stage, partition, split);
      if (from === undefined) continue;
      const program = new StageProgram(stage, nowhere, { onError: "drop", seed: 0 });
      await from.restore(program);
      // What waits for its migration is migrated by a cut.
      const cut = program.cut();
      while (!cut.encodeSome(Infinity)) continue;
      instances += 1;
      keys += program.keys;
    }
  }
  return { instances, keys };
}

function instancesOf(stage: Stage, index: SavepointIndex): readonly (readonly [number, Split | undefined])[] {
  if (stage.source === undefined)
    return Array.from({ length: stage.partitions }, (_, partition) => [partition, undefined] as const);
  const before = index.stages.find(({ name }) => name === stage.name);
  return (before?.instances ?? []).map(({ partition, split }) => [partition, split] as const);
}

async function stageFacts(plan: Plan, stage: Stage, index: SavepointIndex, ends: EndHome): Promise<RestoredStage> {
  const { name, partitions, source, inputs } = stage;
  const edges = inputs.flatMap((edge) => plan.edges[edge] ?? []).filter(({ exchange }) => exchange === "forward");
  const forwardedFrom = edges.flatMap(({ from }) => {
    const sender = plan.stages[from];
    return sender?.source === undefined ? [] : [sender.name];
  });
  const now = await source?.reader.splits(ends);
  const before = index.stages.find((each) => each.name === name);
  const splits =
    now && (await Promise.all(now.map((split) => splitFacts(stage, split, before?.instances ?? [], ends))));
  return { name, partitions, splits, states: statesOfStage(stage), forwardedFrom };
}

async function splitFacts(
  { source }: Stage,
  now: Split,
  instances: readonly { readonly split: Split | undefined }[],
  ends: EndHome,
): Promise<SplitFacts> {
  const { name } = now;
  const before = instances.find(({ split }) => split?.name === name)?.split;
  if (before === undefined) return { name, isSame: undefined };
  if (before.identity === now.identity) return { name, isSame: true };
  const reader = source?.reader;
  if (reader?.kind !== "replayable") return { name, isSame: false };
  return { name, isSame: reader.isSame?.(before, now) ?? (await opens(reader, before, ends)) };
}

/** Whether the split can be opened as it was called: what it says of itself may have changed (a file that has grown). */
async function opens(reader: ReplayableSource, split: Split, home: EndHome): Promise<boolean> {
  let opened: SplitReader | undefined;
  try {
    opened = await reader.open({
      split,
      after: undefined,
      onReadable: () => undefined,
      onFailed: () => undefined,
      schedule: () => () => undefined,
      monotonicMs: () => 0,
      home,
    });
    return true;
  } catch (error) {
    if (StreamError.is(error, "SOURCE_CHANGED")) return false;
    throw error;
  } finally {
    opened?.close();
  }
}
