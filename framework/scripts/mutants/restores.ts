/**
 * Mutants of restores and upgrades: what a generation goes on from, versions of state, and the switch.
 */
import type { Mutant } from "./mutant.ts";

const states: readonly Mutant[] = [
  {
    name: "timers of several instances keep their old numbers",
    file: "state/adoption.ts",
    from: "ranks[instance]?.get(number) ?? number",
    to: "number",
    tests: ["state/adoption.test.ts"],
  },
  {
    name: "restored rows are no part of the first cut",
    file: "state/store.ts",
    from: "row.segment.append(row); row.segment.isDirty = true;",
    to: "row.segment.append(row);",
    tests: ["state/adoption.test.ts", "state/schema.test.ts"],
  },
  {
    name: "state that the program does not know is left out in silence",
    file: "state/adoption.ts",
    from: 'if (fate === "dropped") continue;',
    to: 'if (fate === "dropped" || place < 0) continue;',
    tests: ["state/adoption.test.ts"],
  },
  {
    name: "what a migration answers is shared",
    file: "state/schema.ts",
    from: "return needsCopy(migrated) ? cloneValue(migrated) : migrated;",
    to: "return migrated;",
    tests: ["state/schema.test.ts"],
  },
  {
    name: "a version is migrated from the first step on",
    file: "state/schema.ts",
    from: "this.#steps.slice(from - this.first)",
    to: "this.#steps",
    tests: ["state/schema.test.ts"],
  },
  {
    name: "a snapshot of the same generation may be of another version",
    file: "state/segment-codec.ts",
    from: "if (saved?.name !== name || saved.version !== version) return false;",
    to: "if (saved?.name !== name) return false;",
    tests: ["state/schema.test.ts"],
  },
];

const generations: readonly Mutant[] = [
  {
    name: "keys stay with the partition that they had",
    file: "actor/origin.ts",
    from: "isSame || partitionOf(hash, stage.partitions) === partition",
    to: "isSame || partitionOf(hash, before.partitions) === partition",
    tests: ["actor/restore.test.ts"],
  },
  {
    name: "a split is read from its beginning again",
    file: "actor/origin.ts",
    from: "sequence: stage.source === undefined || isPush ? 0 : (first?.sequence ?? 0),",
    to: "sequence: 0,",
    tests: ["actor/restore.test.ts"],
  },
  {
    name: "the switch does not look at the hold",
    file: "actor/succession.ts",
    from: "if (!isHeld || (record.resumed ?? 0) >= origin.savepoint) return false;",
    to: "if (!isHeld) return false;",
    tests: ["actor/succession.test.ts"],
  },
  {
    name: "a successor's number is given out again",
    file: "actor/succession.ts",
    from: "Math.max(highest, Number(key.slice(successorRegisters.length)))",
    to: "highest",
    tests: ["actor/succession.test.ts"],
  },
  {
    name: "a split that is gone is no obstacle",
    file: "protocol/restore.ts",
    from: "const isAllowed = allowUnknown.includes(name) || allowUnknown.includes(`${name}/${gone}`);",
    to: "const isAllowed = true;",
    tests: ["protocol/restore.test.ts"],
  },
];

/** Mutants of restores and upgrades. */
export const restoreMutants: readonly Mutant[] = [...states, ...generations];
