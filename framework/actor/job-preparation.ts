/**
 * What a new leader does before it supervises: the logs of the job exist, the splits are in the job log, and it is known who of the workers named
 * there still lives.
 *
 * Everything here may be repeated by the next leader: logs are created idempotently, and a split that two leaders wrote counts once.
 */
import type { LogConfig } from "../log/contracts.ts";
import type { Stage } from "../plan/plan.ts";
import { inboxBytesMax, sideLogBytes } from "../plan/reserve.ts";
import type { JobWorld } from "./job-world.ts";
import { patiently } from "./patience.ts";

/** Prepares the job for the leader of `epoch`. @throws SERVER_FULL, SERVER_UNSUITABLE, and whatever a source refuses with */
export function prepareJob(world: JobWorld, epoch: number): Promise<void> {
  return patiently(world.platform, "preparation of the job", () => prepareOnce(world, epoch));
}

async function prepareOnce(world: JobWorld, epoch: number): Promise<void> {
  const { plan, logs, names } = world;
  const side: LogConfig = { maxBytes: sideLogBytes, full: "dropOldest" };
  await Promise.all([logs.create(names.deadLetters, side), logs.create(names.late, side)]);
  for (const stage of plan.stages) {
    const inbox: LogConfig = { maxBytes: inboxBytesMax(plan.options, stage), full: "refuse" };
    if (stage.source !== undefined) await prepareSource(world, stage, inbox, epoch);
    else
      await Promise.all(partitionsOf(stage).map((partition) => logs.create(names.inbox(stage.name, partition), inbox)));
  }
  await findTheDead(world);
}

async function prepareSource(
  { tail, logs, names, ends, origin }: JobWorld,
  stage: Stage,
  inbox: LogConfig,
  leader: number,
): Promise<void> {
  const reader = stage.source?.reader;
  if (reader === undefined) return;
  const { view } = tail;
  const isClosed = view.isClosed(stage.index);
  const splits = isClosed ? view.splits(stage.index) : await reader.splits(ends);
  if (reader.kind === "push") {
    await Promise.all(splits.map((_, index) => logs.create(names.ingress(stage.name, index), inbox)));
  }
  if (isClosed) return;
  for (const [index, { name, identity: now }] of splits.entries()) {
    // A split that was read before the savepoint is read on as it was called there: where it begins, and ends, stays.
    const identity = (await origin?.identityOf(stage.name, name)) ?? now;
    if (view.split(stage.index, index) === undefined)
      tail.append({ kind: "split", leader, stage: stage.index, index, name, identity });
  }
  tail.append({ kind: "splitsClosed", leader, stage: stage.index });
}

/** Workers named in the log that nobody answers for are dead: found out at once instead of after a silence. */
async function findTheDead({ tail, registry, bus, worker }: JobWorld): Promise<void> {
  const named = new Set([...tail.view.assignments()].map((assignment) => assignment.worker));
  named.delete(worker);
  const ping = async (other: string) => {
    try {
      await bus.ping(other);
      registry.heard(other);
    } catch {
      registry.dead(other);
    }
  };
  await Promise.all([...named].map(ping));
}

function partitionsOf({ partitions }: Stage): number[] {
  return Array.from({ length: partitions }, (_, partition) => partition);
}
