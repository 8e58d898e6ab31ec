/** A stage in worker threads of a real process, and the same embedded. */
import { expect, test } from "vitest";
import { binaryForTests } from "../support/nats.ts";
import { startTidemark } from "../support/program.ts";

const binary = await binaryForTests();
const program = "framework/scripts/threads-job.ts";

async function told(args: readonly string[]): Promise<{ rows: number; onMain: number }> {
  const run = startTidemark(["run", program, ...args, "--", "2", "300", "20"]);
  expect(await run.ended()).toMatchObject({ code: 0 });
  return JSON.parse(run.stdout.at(-1) ?? "") as { rows: number; onMain: number };
}

test.skipIf(binary === undefined)(
  "in a worker process its functions run in threads, and every row arrives once",
  async () => {
    expect(await told(["--workers", "1"])).toMatchObject({ rows: 300, onMain: 0 });
  },
);

test("embedded, they run with all others", async () => {
  expect(await told(["--embedded"])).toMatchObject({ rows: 300, onMain: 300 });
});
