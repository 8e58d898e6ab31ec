/**
 * Numbers that an HTTP server is asked about, into a file: `asking.ts CALLEE FILE COUNT RATE`. As many workers as are started share it.
 */
import { file, generator, job, run } from "tidemark";

const [callee = "", path = "", count = "1000", rate = "500"] = process.argv.slice(2);

const asking = job("asking", { partitions: 2, snapshotInterval: "300ms", version: "1" });

asking
  .source(
    "numbers",
    generator({
      make: (index) => ({ at: index, n: index }),
      count: Number(count),
      rate: Number(rate),
      timestamps: ({ at }) => at,
    }),
  )
  .mapAsync(
    async ({ n }, { idempotencyKey, signal }) => {
      const response = await fetch(`${callee}/${n}`, { headers: { "Idempotency-Key": idempotencyKey }, signal });
      if (!response.ok) throw new Error(`${response.status}`);
      return { n, answer: await response.text() };
    },
    { order: "unordered", capacity: 20, timeout: "20s", retry: { attempts: 5, backoff: "20ms" } },
  )
  .named("ask")
  .to(file(path));

if (import.meta.main) await run(asking);
