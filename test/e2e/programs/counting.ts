/**
 * Counts numbers by their last digit, on a fleet: `counting.ts NAME RATE COUNT WORKERS [NATS]`; PADDING makes the lines longer, and with DRAIN_AFTER the
 * starter drains the job when that many numbers have come in.
 */
import { count, fleet, generator, job, print, run, start, tumbling } from "tidemark";

const [name = "counting", rate = "1000", numbers = "1000", workers = "2", servers] = process.argv.slice(2);
const padding = "x".repeat(Number(process.env["PADDING"] ?? 0));
const counting = job(name, { partitions: 4, snapshotInterval: "500ms" });

counting
  .source(
    "numbers",
    generator({
      make: (index) => ({ at: index, digit: index % 10 }),
      count: Number(numbers),
      rate: Number(rate),
      timestamps: ({ at }) => at,
    }),
  )
  .keyBy(({ digit }) => digit)
  .window(tumbling(100))
  .aggregate(count())
  .map(({ key, window: { start: from }, value }) => ({ key, from, value, padding }))
  .to(print());

const home = fleet({ workers: Number(workers), nats: servers === undefined ? undefined : { servers } });
const drainAfter = Number(process.env["DRAIN_AFTER"] ?? 0);

if (drainAfter === 0) {
  await run(counting, home, { onEnd: ({ state, totals }) => console.error(`${state}: ${totals.recordsIn} in`) });
} else {
  const handle = await start(counting, home);
  console.error("started");
  const recordsIn = async () => (await handle.status().catch(() => undefined))?.totals.recordsIn ?? 0;
  while ((await recordsIn()) < drainAfter) await new Promise((resolve) => setTimeout(resolve, 50));
  await handle.drain();
  const { state, totals } = await handle.done;
  console.error(`${state}: ${totals.recordsIn} in`);
}
