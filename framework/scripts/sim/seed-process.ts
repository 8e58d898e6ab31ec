/**
 * One of the processes that share a range of seeds: `node seed-process.ts RANGE`, where RANGE is a `SeedOrder` as JSON.
 */
import { runOrder, type SeedMessage, type SeedOrder } from "./jobs.ts";

function tell(message: SeedMessage): void {
  process.send?.(message);
}

// Whoever started it is gone, killed perhaps.
process.once("disconnect", () => process.exit());

const order = JSON.parse(process.argv[2] ?? "") as SeedOrder;
const tally = await runOrder(order, (verdict) => tell({ kind: "failed", verdict }));
tell({ kind: "done", tally });
process.disconnect();
