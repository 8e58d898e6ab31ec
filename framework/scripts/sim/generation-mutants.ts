/**
 * Mutants of what happens between two generations of a job: restores of savepoints, and upgrades.
 */
import { own, unit, type SimMutant } from "./sim-mutant.ts";

type Ungrouped = Omit<SimMutant, "group">;

/** What a generation goes on from. */
export const restoreGroup: readonly Ungrouped[] = [
  unit("keys stay with the partition that they had", "restores"),
  own(
    "every partition has all keys",
    "actor/origin.ts",
    "isOwn: (hash) => isSame || partitionOf(hash, stage.partitions) === partition,",
    "isOwn: () => true,",
    "restores",
  ),
  unit("a split is read from its beginning again", "restores"),
  own(
    "a split is read one too far",
    "actor/origin.ts",
    "sequence: stage.source === undefined || isPush ? 0 : (first?.sequence ?? 0),",
    "sequence: stage.source === undefined || isPush ? 0 : (first?.sequence ?? 0) + 1,",
    "restores",
  ),
  own(
    "timers of keys that have moved are dropped",
    "state/adoption.ts",
    'if (fate === "dropped") continue;',
    'if (fate === "dropped" || (from.name.includes("/timers/") && row.adoption.instances.length > 1)) continue;',
    "restores",
  ),
  own(
    "event time of an edge is restored too high",
    "actor/origin.ts",
    "watermark: before.watermark, isIdle: false",
    "watermark: before.watermark + 400, isIdle: false",
    "restores",
  ),
];

/** Of the generation that is to follow, and of the one that it follows. */
export const upgradeGroup: readonly Ungrouped[] = [
  own(
    "the next generation does not wait until it has begun",
    "actor/assembly.ts",
    "if (!host.isHeld) return;",
    "if (stage.index >= 0) return;",
    "upgrades",
  ),
  own(
    "sinks are written before the switch",
    "actor/assembly.ts",
    "await untilBegun(claimed, events);",
    "if (stage.source !== undefined) await untilBegun(claimed, events);",
    "upgrades",
  ),
  own(
    "a hold that nobody follows up is never resumed",
    "protocol/savepoint.ts",
    'return { kind: isLate || facts.isLeft || facts.view.isDraining ? "giveUp" : "wait" };',
    'return { kind: "wait" };',
    "upgrades",
  ),
  own(
    "the old generation is resumed by the switch",
    "upgrade.ts",
    'await this.#tryToSay(this.#before.generation, { kind: "command", command: "stop", by });',
    'await this.#tryToSay(this.#before.generation, { kind: "resume", savepoint: taken.savepoint, by });',
    "upgrades",
  ),
  own(
    "a successor that was given up begins",
    "actor/succession-watch.ts",
    'if (state === "switched") return tail.append',
    "if (state !== undefined) return tail.append",
    "upgrades",
  ),
];
