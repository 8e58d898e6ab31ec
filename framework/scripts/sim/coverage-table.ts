/**
 * The coverage of a campaign as a table: how often each fault has struck in each state.
 */
import { faultKinds, allFaults, type FaultKind } from "../../testing/simulation/faults.ts";

/** States in which faults strike, in the order of an instance's life. */
const states = [
  "joining",
  "claiming",
  "restoring",
  "replaying",
  "running",
  "snapshotting",
  "draining",
  "leading",
  "idle",
] as const;

/** The table. */
export function coverageText(coverage: Readonly<Record<string, number>>): string {
  const kinds = allFaults.filter((kind) => faultKinds[kind].layer !== "edge");
  const width = Math.max(...kinds.map((kind) => kind.length));
  const head = ["".padEnd(width), ...states.map((state) => state.padStart(12))].join(" ");
  const rows = kinds.map((kind) =>
    [kind.padEnd(width), ...states.map((state) => String(count(coverage, kind, state)).padStart(12))].join(" "),
  );
  return [head, ...rows].join("\n");
}

/** Pairs of fault and state that can be and have not been, as `crashActor restoring`. */
export function uncovered(coverage: Readonly<Record<string, number>>): readonly string[] {
  const pairs = allFaults.flatMap((kind) => statesOf(kind).map((state) => [kind, state] as const));
  return pairs.filter(([kind, state]) => count(coverage, kind, state) === 0).map((pair) => pair.join(" "));
}

const phases = ["claiming", "restoring", "replaying", "running", "snapshotting", "draining"];

/** The states in which a fault of this kind can strike. */
function statesOf(kind: FaultKind): readonly string[] {
  if (faultKinds[kind].layer === "edge") return [];
  if (kind === "clockDrift") return ["joining"];
  if (kind === "crashActor") return phases;
  return [...phases, "leading"];
}

function count(coverage: Readonly<Record<string, number>>, kind: FaultKind, state: string): number {
  return coverage[`${kind} ${state}`] ?? 0;
}
