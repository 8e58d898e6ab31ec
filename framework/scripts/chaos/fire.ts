/**
 * The fire: lets the faults of a schedule come and go.
 *
 * Owns when each comes and is put right, and the log of them. One for which there is no victim at its moment is passed over.
 */
import { messageOf } from "../../errors.ts";
import { pause, wallMs } from "../recovery/cluster.ts";
import type { Nemesis, Strike } from "./nemesis.ts";
import type { Scene } from "./scene.ts";
import type { PlannedFault } from "./schedule.ts";

/** A fault that came. */
export interface FaultRecord {
  readonly kind: string;
  readonly victim: string;
  readonly partitions: Strike["partitions"];
  readonly kills: number;
  /** Of the keyed stage, when it came. */
  readonly partitionsThen: number;
  /** ms since the epoch. */
  readonly atMs: number;
  readonly healedMs: number;
}

/** Lets the faults come, from `beginMs` (since the epoch) on; each is told to `say`. Answers those that came, when all are put right. */
export async function setFire(
  scene: Scene,
  schedule: readonly PlannedFault<Nemesis>[],
  beginMs: number,
  say: (line: string) => void,
): Promise<readonly FaultRecord[]> {
  const records: FaultRecord[] = [];
  const one = async (planned: PlannedFault<Nemesis>): Promise<void> => {
    await pause(beginMs + planned.atMs - wallMs());
    const { kind, lastsMs } = planned;
    const atMs = wallMs();
    const { partitions: partitionsThen } = scene.life;
    const at = `${((atMs - beginMs) / 1_000).toFixed(1).padStart(6)} s`;
    const strike = await kind.strike(scene, planned);
    if (strike === undefined) return say(`${at}  ${kind.name}: nobody to hit`);
    const { victim, partitions, kills } = strike;
    say(`${at}  ${kind.name} ${victim} for ${Math.round(lastsMs)} ms, hits ${hitText(partitions)}`);
    await pause(lastsMs);
    await strike.heal();
    records.push({ kind: kind.name, victim, partitions, kills, partitionsThen, atMs, healedMs: wallMs() });
  };
  const outcomes = await Promise.allSettled(schedule.map(one));
  const failed = outcomes.find((outcome) => outcome.status === "rejected");
  if (failed !== undefined) throw new Error(`the fire itself has failed: ${messageOf(failed.reason)}`);
  return records.toSorted((a, b) => a.atMs - b.atMs);
}

function hitText(partitions: Strike["partitions"]): string {
  if (partitions === "all") return "all keys";
  return partitions.length === 0 ? "nobody's keys" : `partitions ${partitions.join(", ")}`;
}
