/**
 * Workers that differ from the others: in what they may do, and in what time they believe it is.
 */
import { promises as files } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { callback, count, generator, job, nats, start, tumbling, type Job, type JobHandle } from "tidemark";
import { projectConfig } from "../../framework/nats/server-config.ts";
import { silentLogger } from "../../framework/platform/logger.ts";
import type { Platform } from "../../framework/platform/platform.ts";
import { systemRandom } from "../../framework/platform/random.ts";
import { realClock } from "../../framework/platform/real-clock.ts";
import { binaryForTests, natsForTests } from "../support/nats.ts";
import { until } from "../support/until.ts";

const timeout = 90_000;
const hourMs = 3_600_000;
const binary = await binaryForTests();
const platform: Platform = { clock: realClock(), random: systemRandom(), logger: silentLogger };
const begin = 1_760_000_000_000;
const keys = 20;

interface Counted {
  readonly key: string;
  readonly window: { readonly start: number };
  readonly value: number;
}

/** Counts per key and second over a steady stream; each result goes to `results`. */
function counting(name: string, results: Counted[]): Job {
  const steady = job(name, { partitions: 4, version: "test" });
  steady
    .source("ticks", generator({ make: (index) => ({ key: `k${index % keys}`, at: begin + index * 5 }), rate: 2_000 }))
    .timestamps((tick) => tick.at)
    .keyBy((tick) => tick.key)
    .window(tumbling("1s"))
    .aggregate(count())
    .to(callback("counts", (row) => void results.push(row)));
  return steady;
}

/** Every window but those that the end of the input cut short has all its records, whatever was written twice. */
function expectWhole(results: readonly Counted[]): void {
  const last = Math.max(...results.map(({ window }) => window.start));
  const whole = results.filter(({ window }) => window.start < last);
  expect(whole.length).toBeGreaterThan(0);
  for (const { value } of whole) expect(value).toBe(1_000 / 5 / keys);
}

async function serverWithRoles(): Promise<(role: string) => ReturnType<typeof nats>> {
  const folder = await files.mkdtemp(join(tmpdir(), "tidemark-roles-"));
  onTestFinished(() => files.rm(folder, { recursive: true, force: true }));
  const config = join(folder, "nats.conf");
  const text = await files.readFile(projectConfig(), "utf8");
  await files.writeFile(config, text.replaceAll(/^#\| ?/gm, ""));
  const started = await natsForTests({ config }, onTestFinished);
  const host = started?.server.url.replace("nats://", "") ?? "";
  return (role) => nats({ servers: `nats://${role}:change-${role}@${host}`, inboxPrefix: `_INBOX_${role}` });
}

async function expectRunning(handle: JobHandle, workers: number): Promise<void> {
  const seen = { isThere: false };
  const look = async () => {
    const status = await handle.status().catch(() => undefined);
    const hosts = new Set(status?.instances.map(({ worker }) => worker));
    seen.isThere =
      status?.workers.length === workers &&
      hosts.size === workers &&
      status.instances.every(({ state }) => state === "running" || state === "snapshotting");
  };
  const looking = setInterval(() => void look(), 50);
  await until(`${workers} workers host all instances`, () => seen.isThere, 90_000).finally(() =>
    clearInterval(looking),
  );
}

describe.skipIf(binary === undefined)("a worker whose user may not create streams", { timeout }, () => {
  test("alone: refused in a line that names the permission, and nothing is created", async () => {
    const as = await serverWithRoles();
    const refused = start(counting("alone", []), as("worker"), { platform });
    await expect(refused).rejects.toMatchObject({
      code: "SERVER_REFUSED",
      message: expect.stringContaining("STREAM.CREATE") as string,
    });
  });

  test("joins a job that another has begun, hosts its share, and leads it when the other has gone", async () => {
    const as = await serverWithRoles();
    const results: Counted[] = [];
    const first = await start(counting("shared", results), as("supervisor"), { platform });
    const second = await start(counting("shared", results), as("worker"), { platform });
    await expectRunning(second, 2);
    await first.stop();
    await expectRunning(second, 1);
    await second.drain();
    expect(await second.done).toMatchObject({ state: "completed" });
    expectWhole(results);
  });
});

test.skipIf(binary === undefined)(
  "a worker whose clock is an hour off: the results are the same, and status says whose clock it is",
  { timeout },
  async () => {
    const started = await natsForTests({}, onTestFinished);
    const home = () => nats({ servers: started?.server.url ?? "" });
    const { clock } = platform;
    const ahead: Platform = {
      ...platform,
      clock: {
        now: () => clock.now() + hourMs,
        monotonicMs: () => clock.monotonicMs(),
        schedule: (delayMs, wake, options) => clock.schedule(delayMs, wake, options),
      },
    };
    const results: Counted[] = [];
    const first = await start(counting("clocks", results), home(), { platform });
    const second = await start(counting("clocks", results), home(), { platform: ahead });
    await expectRunning(first, 2);
    const { warnings } = await first.status();
    expect(warnings).toEqual([expect.stringMatching(/the clock of worker \w+ \(.+\) is 3600 s ahead of the leader's/)]);
    await until("windows of both have fired", () => results.length > 5 * keys, 90_000);
    await second.stop();
    await first.drain();
    expect(await first.done).toMatchObject({ state: "completed" });
    expectWhole(results);
  },
);
