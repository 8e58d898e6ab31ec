/**
 * Bytes in a job's streams that are not what was written there: the instance that reads them stops and says what was expected and what was found.
 */
import { crc32 } from "node:zlib";
import { describe, expect, onTestFinished, test } from "vitest";
import { callback, count, generator, job, nats, start, tumbling, type Job, type JobHandle } from "tidemark";
import type { Log } from "../../framework/log/contracts.ts";
import { JobNames } from "../../framework/log/names.ts";
import type { NatsSeams } from "../../framework/nats/nats-seams.ts";
import { silentLogger } from "../../framework/platform/logger.ts";
import { systemRandom } from "../../framework/platform/random.ts";
import { realClock } from "../../framework/platform/real-clock.ts";
import { natsForTests } from "../support/nats.ts";
import { until } from "../support/until.ts";

const timeout = 120_000;
const server = await natsForTests();
const platform = { clock: realClock(), random: systemRandom(), logger: silentLogger };
let jobs = 0;

interface Started {
  readonly names: JobNames;
  readonly handle: JobHandle;
  readonly seams: NatsSeams;
  /** Results so far. */
  readonly results: readonly unknown[];
  readonly startAgain: () => Promise<JobHandle>;
}

function counting(name: string, results: unknown[]): Job {
  const counted = job(name, { partitions: 1, version: "1", snapshotInterval: "100ms" });
  counted
    .source("ticks", generator({ make: (index) => ({ at: index * 100, key: "a" }), rate: 500 }))
    .timestamps((tick) => tick.at)
    .keyBy((tick) => tick.key)
    .window(tumbling("1s"))
    .aggregate(count())
    .named("counts")
    .to(callback("results", (result) => void results.push(result)));
  return counted;
}

/** A job without end on the file's server that has results already. */
async function startCounting(): Promise<Started> {
  jobs += 1;
  const name = `corrupt-${jobs}`;
  const results: unknown[] = [];
  const home = nats({ servers: server?.server.url ?? "" });
  const startAgain = async () => {
    const handle = await start(counting(name, results), home, { platform });
    onTestFinished(() => handle.stop());
    return handle;
  };
  const handle = await startAgain();
  await until("results", () => results.length >= 5, 60_000);
  const seams = await server?.connect();
  if (seams === undefined) throw new Error("no nats-server");
  return { names: new JobNames(name, 1), handle, seams, results, startAgain };
}

function append(log: Log, payload: Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    const appender = log.appender(
      (_tag, _attempt, result) => {
        appender.close();
        if (result.kind === "stored") resolve();
        else reject(new Error(result.kind));
      },
      () => undefined,
    );
    appender.append(payload, 1, 1);
  });
}

/** `body` behind the checksum that a message begins with, right or wrong. */
function message(body: Uint8Array, isRight: boolean): Uint8Array {
  const bytes = Buffer.alloc(5 + body.length);
  bytes[0] = (1 << 3) | 5;
  bytes.writeUInt32LE((crc32(body) + (isRight ? 0 : 1)) >>> 0, 1);
  bytes.set(body, 5);
  return bytes;
}

describe.skipIf(server === undefined)("in an inbox", { timeout }, () => {
  test.each([
    ["a wrong checksum", message(Buffer.from("\x12\x00"), false), /checksum \d+ expected, checksum \d+ found/],
    ["no message at all", Buffer.from("hello"), /checksum of 5 bytes; 5 bytes found/],
    [
      "a right checksum before something that is no message",
      message(Buffer.from("\x12\x05\xff\xff\xff"), true),
      /expected|found|end/,
    ],
    [
      "a right checksum before nothing known",
      message(Buffer.from("\xf8\x06\x01", "latin1"), true),
      /neither a frame nor a control/,
    ],
  ])("%s: the job stops, the instance and the position are named", async (_what, bytes, reason) => {
    const { handle, names, seams } = await startCounting();
    const log = await seams.logs.open(names.inbox("counts", 0));
    await append(log, bytes);
    const end = await handle.done;
    expect(end.state).toBe("failed");
    expect(end.message).toMatch(reason);
    expect(end.message).toMatch(/counts\/0/);
    expect(end.message).toMatch(/sequence|position|message \d+/);
  });

  test("and it stays stopped when it is started again", async () => {
    const { handle, names, seams, startAgain } = await startCounting();
    await append(await seams.logs.open(names.inbox("counts", 0)), Buffer.from("hello"));
    await handle.done;
    await expect(startAgain()).rejects.toMatchObject({
      code: "JOB_NOT_RUNNABLE",
      message: expect.stringMatching(/is failed: .*--new/) as string,
    });
  });
});

describe.skipIf(server === undefined)("in a snapshot", { timeout }, () => {
  /** Stops the job, lets `change` at every chunk, and answers how the job ends when it is started again. */
  async function afterChange(change: (seams: NatsSeams, names: JobNames, chunk: string) => Promise<void>) {
    const { handle, names, seams, startAgain } = await startCounting();
    await handle.stop();
    const blobs = await seams.blobs(names.job, names.generation);
    const chunks = await blobs.list("counts.0.");
    expect(chunks).not.toEqual([]);
    for (const chunk of chunks) await change(seams, names, chunk);
    const again = await startAgain();
    return again.done;
  }

  test("a chunk that is gone", async () => {
    const end = await afterChange(async (seams, { job: name, generation }, chunk) =>
      (await seams.blobs(name, generation)).delete(chunk),
    );
    expect(end.state).toBe("failed");
    expect(end.message).toMatch(/counts.*expected \d+ bytes, sha256 [0-9a-f]{64}, found nothing/);
  });

  test("a chunk with other bytes", async () => {
    const end = await afterChange(async (seams, { job: name, generation }, chunk) => {
      const blobs = await seams.blobs(name, generation);
      await blobs.delete(chunk);
      await blobs.put(chunk, Buffer.from("something else"));
    });
    expect(end.state).toBe("failed");
    expect(end.message).toMatch(/expected \d+ bytes, sha256 [0-9a-f]{64}, found 14 bytes, sha256 [0-9a-f]{64}/);
  });

  test("nothing changed: it goes on", async () => {
    const { handle, results, startAgain } = await startCounting();
    await handle.stop();
    const before = results.length;
    await startAgain();
    await until("more results", () => results.length > before + 2, 60_000);
    const starts = results.map((result) => (result as { readonly window: { readonly start: number } }).window.start);
    expect(starts).toEqual(starts.map((_, index) => index * 1_000));
  });
});
