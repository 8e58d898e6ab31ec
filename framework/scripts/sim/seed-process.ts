/**
 * One of the processes that share a range of seeds: `node seed-process.ts RANGE`, where RANGE is a `SeedRange` as JSON.
 */
import { runSeeds, type SeedRange } from "../../testing/simulation/tally.ts";
import type { SeedMessage } from "./jobs.ts";

function tell(message: SeedMessage): void {
  process.send?.(message);
}

const tally = await runSeeds(JSON.parse(process.argv[2] ?? "") as SeedRange, (verdict) => {
  if (verdict.violations.length > 0) tell({ kind: "failed", verdict });
});
tell({ kind: "done", tally });
process.disconnect();
