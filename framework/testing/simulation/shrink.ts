/**
 * Makes a failing seed simpler: leaves out one kind of fault after another, as long as it still fails.
 */
import type { Verdict } from "./contract.ts";
import { type FaultKind } from "./faults.ts";
import { simulate } from "./simulate.ts";

/** A failing seed with as few kinds of faults as it still fails with. */
export interface Shrunk {
  readonly verdict: Verdict;
  /** The kinds that it can do without. */
  readonly without: ReadonlySet<FaultKind>;
}

/** Shrinks a failed verdict. Answers it unchanged when no fault can be left out. */
export async function shrink(failed: Verdict): Promise<Shrunk> {
  let best: Shrunk = { verdict: failed, without: new Set() };
  for (const kind of kindsOf(failed)) {
    const without = new Set([...best.without, kind]);
    const verdict = await simulate(failed.seed, failed.mix, { without, workload: failed.workload });
    if (verdict.violations.length > 0) best = { verdict, without };
  }
  return best;
}

function kindsOf({ faults }: Verdict): FaultKind[] {
  return Object.keys(faults) as FaultKind[];
}
