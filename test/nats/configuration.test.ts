/**
 * The project's `nats.conf`: what it allows each role, when the accounts in it are turned on.
 */
import { execFile } from "node:child_process";
import { promises as files } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, describe, expect, test } from "vitest";
import type { NatsSeams } from "../../framework/nats/nats-seams.ts";
import { configWithSync, projectConfig, syncText } from "../../framework/nats/server-config.ts";
import { Appending, Collector, payloads } from "../conformance/collector.ts";
import { binaryForTests, natsForTests } from "../support/nats.ts";

const run = promisify(execFile);
const binary = await binaryForTests();
const scratch = await files.mkdtemp(join(tmpdir(), "tidemark-conf-"));
const withAccounts = join(scratch, "nats.conf");
const text = await files.readFile(projectConfig(), "utf8");
await files.writeFile(withAccounts, text.replaceAll(/^#\| ?/gm, ""));
const nats = binary === undefined ? undefined : await natsForTests({ config: withAccounts });

afterAll(() => files.rm(scratch, { recursive: true, force: true }));

function connectAs(role: string): Promise<NatsSeams> {
  const host = nats?.server.url.replace("nats://", "") ?? "";
  const seams = nats?.connect({ servers: `nats://${role}:change-${role}@${host}`, inboxPrefix: `_INBOX_${role}` });
  return seams ?? Promise.reject(new Error("no nats-server"));
}

describe.skipIf(binary === undefined)("nats.conf", () => {
  test("is valid as it is, and with the accounts turned on", async () => {
    for (const config of [projectConfig(), withAccounts]) {
      await expect(run(binary ?? "", ["-t", "-c", config])).resolves.toBeDefined();
    }
  });

  test("forces acknowledged messages to disk every second, and listens on loopback only", () => {
    expect(text).toMatch(/^ {2}sync_interval: "1s"$/m);
    expect(text).toMatch(/^listen: "127\.0\.0\.1:4222"$/m);
    expect(text).toMatch(/^http: "127\.0\.0\.1:8222"$/m);
  });

  test.each([
    ["always", "always"],
    ["2m", "120000ms"],
    [10, "10ms"],
  ] as const)(
    "with syncs asked for as %j: in the server's own directory, valid, nothing else changed",
    async (sync, said) => {
      const config = await configWithSync(sync, await files.mkdtemp(join(scratch, "sync-")));
      await expect(run(binary ?? "", ["-t", "-c", config])).resolves.toBeDefined();
      const lines = (await files.readFile(config, "utf8")).split("\n");
      const changed = lines.filter((line, at) => line !== text.split("\n")[at]);
      expect(changed).toEqual([`  sync_interval: "${said}"`]);
    },
  );

  test("lets a supervisor create what a job needs, and a worker use it but not create or delete", async () => {
    const supervisor = await connectAs("supervisor");
    const worker = await connectAs("worker");
    const config = { maxBytes: 1_000_000, full: "refuse" } as const;
    const { name } = await supervisor.logs.create("TM_roles_1_IN_avg_0", config);
    await (await supervisor.registers("roles")).create("job", Uint8Array.of(1));
    await (await supervisor.blobs("roles", 1)).put("a", Uint8Array.of(1));

    const log = await worker.logs.create(name, config);
    await new Appending(log).appendAll(payloads(5));
    const collector = new Collector(log, 1);
    await collector.has(5);
    await log.trim(3);
    expect((await log.info()).first).toBe(3);
    const registers = await worker.registers("roles");
    const revision = (await registers.get("job"))?.revision ?? 0;
    expect(await registers.update("job", Uint8Array.of(2), revision)).toMatchObject({ kind: "written" });
    const blobs = await worker.blobs("roles", 1);
    await blobs.put("b", Uint8Array.of(2));
    expect(await blobs.list("")).toEqual(["a", "b"]);

    await expect(worker.logs.create("TM_roles_1_LOG", config)).rejects.toMatchObject({ code: "SERVER_REFUSED" });
    await expect(worker.logs.delete(name)).rejects.toMatchObject({ code: "SERVER_REFUSED" });
    await expect(log.resize(2_000_000)).rejects.toMatchObject({ code: "SERVER_REFUSED" });
  });

  test("lets roles answer each other on the bus", async () => {
    const [supervisor, worker] = [await connectAs("supervisor"), await connectAs("worker")];
    supervisor.bus.subscribe("tm.roles.1.leader", (payload, reply) => reply?.(payload));
    await supervisor.capacity();
    expect(await worker.bus.request("tm.roles.1.leader", Uint8Array.of(7), 2_000)).toEqual(Uint8Array.of(7));
  });

  test("lets a dashboard look and nothing else", async () => {
    const supervisor = await connectAs("supervisor");
    const dashboard = await connectAs("dashboard");
    const config = { maxBytes: 1_000_000, full: "refuse" } as const;
    const { name } = await supervisor.logs.create("TM_roles_2_LOG", config);
    const log = await dashboard.logs.open(name);
    await new Appending(await supervisor.logs.open(name)).appendAll(payloads(3));
    const collector = new Collector(log, 1);
    await collector.has(3);
    await expect(log.trim(3)).rejects.toMatchObject({ code: "SERVER_REFUSED" });
    await expect(dashboard.logs.delete(name)).rejects.toMatchObject({ code: "SERVER_REFUSED" });
    await expect(dashboard.registers("roles2")).rejects.toMatchObject({ code: "SERVER_REFUSED" });
  });
});

test.each(["never", "1", "5ms", 0, ""])("syncs asked for as %j are refused before a server is started", (sync) => {
  expect(() => syncText(sync as "1s")).toThrow(/syncInterval is .*; it takes "always", or a duration from 10 ms on/);
});
