/**
 * A server that loses its disk, or a part of it, in mid-run: the job stops and says what is gone, soon; it never goes on from what happens to be left.
 */
import { promises as files } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { callback, count, generator, job, nats, start, tumbling, type Job } from "tidemark";
import { silentLogger } from "../../framework/platform/logger.ts";
import type { LogLevel, Logger } from "../../framework/platform/platform.ts";
import { systemRandom } from "../../framework/platform/random.ts";
import { realClock } from "../../framework/platform/real-clock.ts";
import { binaryForTests, natsForTests } from "../support/nats.ts";
import { until } from "../support/until.ts";

const timeout = 240_000;
const binary = await binaryForTests();
const streams = join(".tidemark", "jetstream", "jetstream", "$G", "streams");

/** Counts per key and second; `onRow` is called with each result. */
function counting(onRow: () => void): Job {
  const steady = job("disk", { partitions: 2, version: "test", snapshotInterval: "500ms" });
  steady
    .source("ticks", generator({ make: (index) => ({ key: `k${index % 20}`, at: index * 5 }), rate: 2_000 }))
    .timestamps((tick) => tick.at)
    .keyBy((tick) => tick.key)
    .window(tumbling("1s"))
    .aggregate(count())
    .to(callback("counts", onRow));
  return steady;
}

/** A job that has written results, and the server it runs on. */
async function running(logger: Logger = silentLogger) {
  const directory = await files.mkdtemp(join(tmpdir(), "tidemark-disk-"));
  onTestFinished(() => files.rm(directory, { recursive: true, force: true }));
  const started = await natsForTests({ directory }, onTestFinished);
  if (started === undefined) throw new Error("no nats-server");
  const { server } = started;
  let rows = 0;
  const platform = { clock: realClock(), random: systemRandom(), logger };
  const handle = await start(
    counting(() => void (rows += 1)),
    nats({ servers: server.url }),
    { platform },
  );
  await until("results are written", () => rows > 100, 90_000);
  return { directory, server, handle };
}

describe.skipIf(binary === undefined)("a server that loses", { timeout }, () => {
  test("all of its disk and comes back empty: the job fails and says that its log is gone", async () => {
    const { directory, server, handle } = await running();
    await server.kill("SIGKILL");
    await files.rm(join(directory, ".tidemark"), { recursive: true });
    await server.restart();
    expect(await handle.done).toMatchObject({
      state: "failed",
      message: expect.stringContaining("TM_disk_1_LOG is not the log it was") as string,
    });
  });

  test("one inbox: the job fails and names it", async () => {
    const { directory, server, handle } = await running();
    await server.kill("SIGKILL");
    await files.rm(join(directory, streams, "TM_disk_1_IN_count_0"), { recursive: true });
    await server.restart();
    expect(await handle.done).toMatchObject({
      state: "failed",
      message: expect.stringMatching(/TM_disk_1_IN_count_0.*(gone|not exist|lost)/) as string,
    });
  });

  test("its files while it runs: the worker says what it waits for, and can be stopped", async () => {
    const lines: string[] = [];
    const logger: Logger = {
      log: (level: LogLevel, message, fields) => void lines.push(`${level} ${message} ${JSON.stringify(fields)}`),
      child: () => logger,
    };
    const { directory, handle } = await running(logger);
    await files.rm(join(directory, ".tidemark"), { recursive: true });
    await until("a warning", () => lines.some((line) => /^warn no answer yet.*no such file/.test(line)), 150_000);
    await handle.stop();
    expect(await handle.done).toMatchObject({ state: "stopped" });
  });
});
