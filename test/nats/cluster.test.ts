/**
 * Replicas: every stream of a job has as many copies as were asked for, and what a cluster or a server cannot keep is refused before anything is there.
 */
import { describe, expect, onTestFinished, test } from "vitest";
import { type JobOptions, discard, generator, job, nats, start } from "tidemark";
import type { StreamError } from "../../framework/errors.ts";
import { JetStreamApi } from "../../framework/nats/api.ts";
import { connectLink } from "../../framework/nats/connect.ts";
import { Streams } from "../../framework/nats/streams.ts";
import { silentLogger } from "../../framework/platform/logger.ts";
import { systemRandom } from "../../framework/platform/random.ts";
import { realClock } from "../../framework/platform/real-clock.ts";
import { Collector, payloads } from "../conformance/collector.ts";
import { newJob } from "../conformance/place.ts";
import { clusterForTests, natsForTests } from "../support/nats.ts";

const cluster = await clusterForTests();
const urls = cluster?.cluster.urls ?? [];
const platform = { clock: realClock(), random: systemRandom(), logger: silentLogger };

function counting(options: JobOptions = {}) {
  const counted = job(newJob(), { partitions: 2, inboxBytes: 1_000_000, version: "test", ...options });
  counted
    .source("numbers", generator({ make: (n) => n, rate: 100 }))
    .keyBy((n) => n % 10)
    .reduce((a, b) => a + b)
    .to(discard());
  return counted;
}

async function copies(servers: readonly string[], of: string): Promise<readonly (readonly [string, number])[]> {
  const link = await connectLink({ servers });
  try {
    const streams = await new Streams(new JetStreamApi(link)).list("");
    return streams
      .filter(({ config: { name } }) => name.includes(of))
      .map(({ config }) => [config.name, config.num_replicas]);
  } finally {
    await link.close();
  }
}

async function refusal(started: Promise<unknown>): Promise<StreamError> {
  return started.then(
    () => expect.unreachable("it starts"),
    (error: StreamError) => error,
  );
}

describe.skipIf(cluster === undefined)("a cluster of three servers", () => {
  test("keeps three copies of every log, of the chunks and of the registers", async () => {
    const counted = counting();
    const handle = await start(counted, nats({ servers: urls, replicas: 3 }), { platform });
    await expect
      .poll(async () => (await handle.status()).instances.filter(({ state }) => state === "running").length, {
        timeout: 20_000,
      })
      .toBe(3);
    const found = await copies(urls, counted.name);
    expect(found.map(([name]) => name.slice(name.indexOf(counted.name))).toSorted()).toEqual([
      counted.name,
      ...["CHUNKS", "DEAD", "IN_reduce_0", "IN_reduce_1", "LATE", "LOG"].map((name) => `${counted.name}_1_${name}`),
    ]);
    expect(new Set(found.map(([, replicas]) => replicas))).toEqual(new Set([3]));
    await handle.stop();
  });

  test(
    "workers that start at the same moment all join, whoever creates what they share",
    { timeout: 180_000 },
    async () => {
      for (let round = 0; round < 2; round += 1) {
        const counted = counting();
        const starting = Array.from({ length: 4 }, () =>
          start(counted, nats({ servers: urls, replicas: 3 }), { platform }),
        );
        const handles = await Promise.all(starting);
        expect(handles).toHaveLength(4);
        await Promise.all(handles.map((handle) => handle.stop()));
      }
    },
  );

  test("more replicas than it has servers are refused, and nothing is left", async () => {
    const counted = counting();
    const error = await refusal(start(counted, nats({ servers: urls, replicas: 5 }), { platform }));
    expect(error.code).toBe("SERVER_UNSUITABLE");
    expect(error.message).toMatch(/^5 replicas are asked for, and its cluster has fewer servers/);
    expect(await copies(urls, counted.name)).toEqual([]);
  });

  test("a job that was begun with another number is refused with both, and who looks at it need not know", async () => {
    const counted = counting();
    const seams = await cluster?.connect({ replicas: 1 });
    await seams?.registers(counted.name);
    const error = await refusal(start(counted, nats({ servers: urls, replicas: 3 }), { platform }));
    expect(error.code).toBe("SERVER_UNSUITABLE");
    expect(error.message).toMatch(/num_replicas is 1, needed is 3: start the job with 1 as its replicas, delete it/);
    const anyNumber = await cluster?.connect({ replicas: undefined });
    await expect(anyNumber?.registers(counted.name)).resolves.toBeDefined();
  });

  test("a log takes and gives everything while the server that leads it is killed", { timeout: 180_000 }, async () => {
    const seams = await cluster?.connect();
    const log = await seams?.logs.create(`TM_${newJob()}_1_LOG`, { maxBytes: 1_000_000, full: "refuse" });
    if (log === undefined || cluster === undefined) throw new Error("no cluster");
    for (const payload of payloads(5)) await log.append(payload);
    const collector = new Collector(log, 1);
    await collector.has(5);
    const leader = await leaderOf(log.name);
    const victim = cluster.cluster.servers.find(({ name }) => name === leader);
    await victim?.kill("SIGKILL");
    onTestFinished(async () => {
      await victim?.restart();
      await cluster.cluster.ready();
    });
    await expect
      .poll(() => log.append(payloads(6)[5] ?? new Uint8Array(1)).catch(() => 0), { timeout: 30_000 })
      .toBeGreaterThan(5);
    await collector.has(6);
  });
});

async function leaderOf(stream: string): Promise<string | undefined> {
  const link = await connectLink({ servers: urls });
  try {
    const api = new JetStreamApi(link);
    const { cluster: at } = await api.call<{ readonly cluster?: { readonly leader?: string } }>(
      "info",
      `STREAM.INFO.${stream}`,
    );
    return at?.leader;
  } finally {
    await link.close();
  }
}

describe.skipIf(cluster === undefined)("a server that is alone", () => {
  test("refuses three replicas, and nothing is left", async () => {
    const alone = await natsForTests({}, onTestFinished);
    const servers = alone?.server.url ?? "";
    const counted = counting({ replicas: 3 });
    const error = await refusal(start(counted, nats({ servers }), { platform }));
    expect(error.code).toBe("SERVER_UNSUITABLE");
    expect(error.message).toMatch(/^3 replicas are asked for, and the NATS server is in no cluster .*--replicas/);
    expect(await copies([servers], counted.name)).toEqual([]);
  });
});

test("a number that no stream can have, and two numbers for one job, are refused before anybody is asked", async () => {
  expect(() => nats({ servers: "nats://127.0.0.1:1", replicas: 2 })).toThrow(/replicas is 2; a stream has 1, 3 or 5/);
  const error = await refusal(
    start(counting({ replicas: 3 }), nats({ servers: "nats://127.0.0.1:1", replicas: 1 }), { platform }),
  );
  expect(error).toMatchObject({ code: "OPTION_INVALID" });
  expect(error.message).toMatch(/replicas is 1 where the job is run, and 3 in the program/);
});
