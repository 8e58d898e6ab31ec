/**
 * JetStream that is elsewhere: in a domain behind a leaf node, or in another account that exports it. Every connection of a job goes there, and so do the
 * commands.
 */
import { promises as files } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { callback, fromArray, job, nats, start } from "tidemark";
import { afterAll, describe, expect, onTestFinished, test } from "vitest";
import { clusterOf } from "../../framework/connectors/jetstream-end.ts";
import { resolveAddress } from "../../framework/nats/address.ts";
import { connectNats } from "../../framework/nats/connect.ts";
import { silentLogger } from "../../framework/platform/logger.ts";
import { systemRandom } from "../../framework/platform/random.ts";
import { realClock } from "../../framework/platform/real-clock.ts";
import { newJob } from "../conformance/place.ts";
import { freePort } from "../support/free-port.ts";
import { binaryForTests, natsForTests } from "../support/nats.ts";
import { runTidemark } from "../support/command.ts";

const binary = await binaryForTests();
const scratch = await files.mkdtemp(join(tmpdir(), "tidemark-domains-"));
const platform = { clock: realClock(), random: systemRandom(), logger: silentLogger };

afterAll(() => files.rm(scratch, { recursive: true, force: true }));

async function serverWith(config: string): Promise<string> {
  const path = join(scratch, `${newJob()}.conf`);
  await files.writeFile(path, config);
  const running = await natsForTests({ config: path }, onTestFinished);
  return running?.server.url ?? "";
}

describe.skipIf(binary === undefined)("a domain behind a leaf node without JetStream", () => {
  test("a job lives there, and commands find it; without the domain, or with one that nobody has, that is refused", async () => {
    const port = await freePort();
    await serverWith(`jetstream { store_dir: jetstream, domain: hub }\nleafnodes { listen: "127.0.0.1:${port}" }`);
    const leaf = await serverWith(`leafnodes { remotes: [{ url: "nats-leaf://127.0.0.1:${port}" }] }`);
    const counted = job(newJob(), { partitions: 2, inboxBytes: 1_000_000, version: "test" });
    const rows: string[] = [];
    counted
      .source("letters", fromArray(["a", "b", "a"]))
      .keyBy((letter) => letter)
      .reduce((one, other) => one + other)
      .to(callback("rows", (row) => void rows.push(row)));
    const handle = await start(counted, nats({ servers: leaf, domain: "hub" }), { platform });
    expect(await handle.done).toMatchObject({ state: "completed" });
    expect(new Set(rows)).toEqual(new Set(["a", "aa", "b"]));
    const jobs = await runTidemark(["jobs", "--nats", leaf, "--json"], { TIDEMARK_JS_DOMAIN: "hub" });
    expect(jobs.out).toContain(counted.name);
    await expect(connectNats({ servers: leaf })).rejects.toMatchObject({ code: "SERVER_UNSUITABLE" });
    await expect(connectNats({ servers: leaf, domain: "moon" })).rejects.toMatchObject({
      code: "SERVER_UNSUITABLE",
      message: expect.stringMatching(/reaches no JetStream as \$JS\.moon\.API: check the domain/),
    });
  });
});

describe.skipIf(binary === undefined)("an account that imports JetStream under a prefix", () => {
  test("logs, registers and chunks are in the account that exports it", async () => {
    const exports = ["$JS.API.>", "$KV.>", "tm.>"].map((subject) => `{ service: "${subject}", response_type: Stream }`);
    const imports = [`"$JS.API.>" }, to: "JS.tenant.API.>"`, `"$KV.>" }, to: "JS.tenant.API.$KV.>"`, `"tm.>" }`].map(
      (subject) => `{ service: { account: STORE, subject: ${subject} }`,
    );
    const server = await serverWith(`jetstream { store_dir: jetstream }
      accounts {
        STORE { jetstream: enabled, users: [{ user: store, password: s }], exports: [${exports.join(", ")}] }
        TENANT { users: [{ user: tenant, password: t }], imports: [${imports.join(", ")}] }
      }`);
    const name = newJob();
    const host = server.slice("nats://".length);
    const seams = await connectNats({ servers: `tenant:t@${host}`, apiPrefix: "JS.tenant.API" });
    onTestFinished(() => seams.close());
    const log = await seams.logs.create(`TM_${name}_1_LOG`, { maxBytes: 1_000_000, full: "refuse" });
    expect(await log.append(Buffer.from("a"))).toBe(1);
    const registers = await seams.registers(name);
    expect(await registers.create("job", Buffer.from("1"))).toMatchObject({ kind: "written" });
    expect(await registers.create("job", Buffer.from("2"))).toEqual({ kind: "conflict" });
    const blobs = await seams.blobs(name, 1);
    await blobs.put("a.1", Buffer.from("chunk"));
    expect(await blobs.get("a.1")).toEqual(new Uint8Array(Buffer.from("chunk")));
    const there = await connectNats({ servers: `store:s@${host}` });
    onTestFinished(() => there.close());
    expect((await there.logs.list(`TM_${name}`)).length).toBe(2);
  });
});

describe("what is said of it", () => {
  const servers = "127.0.0.1:1";

  test("a domain is a prefix; what is said directly takes the place of both", async () => {
    expect((await resolveAddress({ servers })).apiPrefix).toBe("$JS.API");
    expect((await resolveAddress({ servers, domain: "hub" })).apiPrefix).toBe("$JS.hub.API");
    expect((await resolveAddress({ servers, apiPrefix: "JS.tenant.API" })).apiPrefix).toBe("JS.tenant.API");
    const home = { cluster: { servers, domain: "hub" }, logger: silentLogger };
    const { apiPrefix } = await resolveAddress(clusterOf("a sink", { apiPrefix: "JS.tenant.API" }, home));
    expect(apiPrefix).toBe("JS.tenant.API");
  });

  test.each([
    [{ domain: "hub", apiPrefix: "JS.tenant.API" }, /say one of them/],
    [{ domain: "a.b" }, /is no JetStream domain/],
    [{ domain: "" }, /is no JetStream domain/],
    [{ apiPrefix: "JS.*.API" }, /is no prefix/],
    [{ apiPrefix: "JS.API." }, /is no prefix/],
  ])("%j is refused before anybody is asked", async (options, message) => {
    await expect(resolveAddress({ servers, ...options })).rejects.toMatchObject({
      code: "OPTION_INVALID",
      message: expect.stringMatching(message),
    });
  });
});
