/**
 * Where JetStream sources and sinks connect to, as whom, and how often.
 */
import { promises as files } from "node:fs";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { jetstream } from "../../framework/connectors/jetstream.ts";
import { clusterOf } from "../../framework/connectors/jetstream-end.ts";
import { projectConfig } from "../../framework/nats/server-config.ts";
import { shareLink } from "../../framework/nats/shared-link.ts";
import { silentLogger } from "../../framework/platform/logger.ts";
import { json } from "../../framework/record/json-codec.ts";
import { binaryForTests, natsForTests } from "../support/nats.ts";
import { replayable } from "./reading.ts";
import { SplitCollector } from "./split-collector.ts";
import { Outsider } from "./streams.ts";
import { temporaryFolder } from "./temporary-folder.ts";
import { identityOf, rowsFor } from "./writing.ts";

const binary = await binaryForTests();
const logger = silentLogger;

test("what the program says beats the job's cluster; naming servers leaves nothing of it", () => {
  const home = { cluster: { servers: "nats://own", credentials: "own.creds", inboxPrefix: "_INBOX_own" }, logger };
  expect(clusterOf("x", {}, home)).toEqual(home.cluster);
  expect(clusterOf("x", { credentials: "mine.creds" }, home)).toEqual({ ...home.cluster, credentials: "mine.creds" });
  expect(clusterOf("x", { servers: "nats://other" }, home)).toEqual({ servers: "nats://other" });
  expect(clusterOf("x", { context: "other", inboxPrefix: "_I" }, home)).toEqual({
    context: "other",
    inboxPrefix: "_I",
  });
});

describe.skipIf(binary === undefined)("connections", () => {
  test("U1: users of one address share one, which is closed with the last of them", async () => {
    const nats = await natsForTests({}, onTestFinished);
    const cluster = { servers: nats?.server.url };
    const [first, second] = await Promise.all([shareLink(cluster, logger), shareLink({ ...cluster }, logger)]);
    expect(second.link).toBe(first.link);
    await first.release();
    await first.release();
    expect(second.link.isUp).toBe(true);
    const third = await shareLink(cluster, logger);
    expect(third.link).toBe(first.link);
    await Promise.all([second.release(), third.release()]);
    expect(first.link.connection.isClosed()).toBe(true);
    const fourth = await shareLink(cluster, logger);
    expect(fourth.link).not.toBe(first.link);
    await fourth.release();
  });

  test("U2: one that could not be made is tried again by the next who asks", async () => {
    const nats = await natsForTests({}, onTestFinished);
    if (nats === undefined) throw new Error("no nats-server");
    const cluster = { servers: nats.server.url };
    await nats.server.kill("SIGKILL");
    const both = await Promise.allSettled([shareLink(cluster, logger), shareLink(cluster, logger)]);
    for (const each of both) expect(each).toMatchObject({ status: "rejected", reason: { code: "SERVER_UNREACHABLE" } });
    await nats.server.restart();
    const link = await shareLink(cluster, logger);
    expect(link.link.isUp).toBe(true);
    await link.release();
  });
});

describe.skipIf(binary === undefined)("users that may do nothing else", () => {
  test("read and write with the permissions that the README names; without them it says which is missing", async () => {
    const config = join(await temporaryFolder(), "nats.conf");
    const readme = await files.readFile("README.md", "utf8");
    const may = (role: string) =>
      permissionsIn(readme, role).replaceAll("averages", "out").replaceAll(/\.S\b/g, ".ROWS");
    const users = ["source", "sink"].map(
      (role) =>
        `{ user: ${role}, password: p, permissions { publish { allow: [${may(role)}] }, subscribe { allow: ["_INBOX_${role}.>"] } } }`,
    );
    const block = `authorization { users: [ { user: owner, password: p }, { user: nobody, password: p, permissions { publish { deny: [">"] } } }, ${users.join(", ")} ] }`;
    await files.writeFile(config, `${await files.readFile(projectConfig(), "utf8")}\n${block}\n`);
    const nats = await natsForTests({ config }, onTestFinished);
    const host = nats?.server.url.replace("nats://", "") ?? "";
    const as = (role: string) => ({
      cluster: { servers: `nats://${role}:p@${host}`, inboxPrefix: `_INBOX_${role}` },
      logger,
    });
    const owner = await Outsider.on({ url: host }, { user: "owner", pass: "p" });
    onTestFinished(() => owner.connection.close());
    await owner.create("ROWS", { subjects: ["out.*"] });

    const sink = jetstream({ subject: "out", codec: json() });
    await sink.validate?.(as("sink"));
    const writer = await sink.open(identityOf(), as("sink"));
    expect(await writer.write(rowsFor(sink, [1, 2, 3]))).toEqual([]);
    await writer.prepare?.();
    await writer.close();

    const source = replayable(jetstream({ stream: "ROWS", codec: json(), from: new Date(0), until: "last" }));
    const [split] = await source.splits(as("source"));
    if (split === undefined) throw new Error("a stream is one split");
    const reading = await SplitCollector.of(source, split, as("source"));
    await reading.is("ended");
    reading.close();
    expect(reading.values).toEqual([1, 2, 3]);

    await expect(source.splits(as("nobody"))).rejects.toMatchObject({
      code: "SERVER_REFUSED",
      message: expect.stringMatching(/may not publish \$JS\.API\.STREAM\.INFO\.ROWS/) as string,
    });
  });
});

/** What the README's table of permissions lets a role publish. */
function permissionsIn(readme: string, role: string): string {
  const [, row = ""] = new RegExp(`^\\| ${role} +\\|([^|]*)\\|`, "m").exec(readme) ?? [];
  return [...row.matchAll(/`([^`]+)`/g)]
    .map(([, subject = ""]) => subject)
    .filter((subject) => subject !== "stream")
    .map((subject) => `"${subject}"`)
    .join(", ");
}
