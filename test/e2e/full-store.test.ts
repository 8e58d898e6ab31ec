/**
 * A store that is full in the middle of a job, because of others in the same account: the job waits, says for what, and goes on when there is room.
 */
import { promises as files } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { callback, generator, job, nats, start } from "tidemark";
import { afterAll, expect, onTestFinished, test } from "vitest";
import { systemRandom } from "../../framework/platform/random.ts";
import { realClock } from "../../framework/platform/real-clock.ts";
import type { Logger } from "../../framework/platform/platform.ts";
import { Outsider } from "../connectors/streams.ts";
import { newJob } from "../conformance/place.ts";
import { binaryForTests, natsForTests } from "../support/nats.ts";
import { until } from "../support/until.ts";

const binary = await binaryForTests();
const scratch = await files.mkdtemp(join(tmpdir(), "tidemark-full-"));
const limitMs = 60_000;
const messageBytes = 1_000_000;
const records = 2_500;

afterAll(() => files.rm(scratch, { recursive: true, force: true }));

test.skipIf(binary === undefined)(
  "the account is out of storage for a while: nothing is lost, nothing fails, and the reason is said",
  { timeout: 2 * limitMs },
  async () => {
    const config = join(scratch, "limited.conf");
    const account = "users: [{ user: a, password: a }], jetstream: { max_file: 200MB, max_memory: 10MB }";
    await files.writeFile(config, `jetstream { store_dir: jetstream }\naccounts { A { ${account} } }\nno_auth_user: a`);
    const place = await natsForTests({ config }, onTestFinished);
    if (place === undefined) throw new Error("no nats-server");
    const outsider = await Outsider.on(place.server);
    onTestFinished(() => outsider.connection.close());
    await outsider.create("OTHERS", { subjects: ["others"] });
    const lines: string[] = [];
    const logger: Logger = {
      log: (_level, message, fields) => void lines.push(`${message} ${JSON.stringify(fields ?? {})}`),
      child: () => logger,
    };
    let sum = 0;
    const summing = job(newJob(), { partitions: 1, inboxBytes: 1_000_000, snapshotInterval: "200ms", version: "test" });
    summing
      .source("numbers", generator({ make: (n) => n, count: records, rate: 500 }))
      .keyBy(() => "all")
      .reduce((one, other) => one + other)
      .to(callback("sums", (value) => void (sum = Math.max(sum, value))));
    const platform = { clock: realClock(), random: systemRandom(), logger };
    const handle = await start(summing, nats({ servers: place.server.url }), { platform });
    await until("something has come", () => sum > 0, limitMs);

    // A smaller message still fits when a larger one does not.
    const takes = async (bytes: number) => {
      const answer = await outsider.connection.request("others", new Uint8Array(bytes), { timeout: 5_000 });
      return !answer.string().includes('"error"');
    };
    const together = Array.from({ length: 8 });
    const fill = async (bytes: number) => {
      while ((await Promise.all(together.map(() => takes(bytes)))).includes(true));
    };
    for (const bytes of [messageBytes, 50_000, 2_000, 100, 1]) await fill(bytes);
    const said = () => lines.find((line) => /trying for ever/.test(line));
    await until("the job says what it waits for", () => said() !== undefined, limitMs);
    expect(said()).toMatch(/resource limits exceeded|insufficient/);
    expect((await handle.status()).state).toBe("running");

    await outsider.connection.request("$JS.API.STREAM.PURGE.OTHERS", "");
    expect(await handle.done).toMatchObject({ state: "completed" });
    expect(sum).toBe((records * (records - 1)) / 2);
    expect(lines.filter((line) => /instance failed/.test(line))).toEqual([]);
  },
);
