/**
 * Counts 2,000 numbers; in its first life the worker's event loop stands still for ever after a while, outside of any turn: `stalling.ts` with MARK, a file that says
 * that it has happened.
 */
import { existsSync, writeFileSync } from "node:fs";
import { count, generator, job, print, tumbling } from "tidemark";

const mark = process.env["MARK"] ?? "";
const isWorker = process.env["TIDEMARK_FLEET"] !== undefined;

function stall(): void {
  if (existsSync(mark)) return;
  writeFileSync(mark, "stalled");
  for (;;);
}
if (isWorker) setTimeout(stall, 2_500).unref();

const stalling = job("stalling", { partitions: 2, version: "test", poison: { turnTimeout: "1s" } });

stalling
  .source(
    "numbers",
    generator({ make: (at) => ({ at, digit: at % 10 }), count: 2_000, rate: 500, timestamps: ({ at }) => at }),
  )
  .keyBy(({ digit }) => digit)
  .window(tumbling(100))
  .aggregate(count())
  .map(({ key, window: { start: from }, value }) => ({ key, from, value }))
  .to(print());

export default stalling;
