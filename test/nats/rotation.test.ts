/**
 * What changes under a connection that is there: credentials that expire, are revoked, or are replaced, and certificates. Each time the link goes, what has
 * to be mended is said within seconds, and what is mended counts at once.
 */
import { promises as files } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { connectNats, type NatsOptions } from "../../framework/nats/connect.ts";
import type { NatsSeams } from "../../framework/nats/nats-seams.ts";
import type { NatsServer } from "../../framework/nats/server.ts";
import type { Logger } from "../../framework/platform/platform.ts";
import { newJob } from "../conformance/place.ts";
import { makeAuthority, makeCertificate } from "../support/certificates.ts";
import { binaryForTests, natsForTests } from "../support/nats.ts";
import { makeOperator } from "../support/operator.ts";
import { until } from "../support/until.ts";

const timeout = 60_000;
const limitMs = 30_000;
const binary = await binaryForTests();
const scratch = await files.mkdtemp(join(tmpdir(), "tidemark-rotation-"));

afterAll(() => files.rm(scratch, { recursive: true, force: true }));

async function write(name: string, text: string): Promise<string> {
  const path = join(scratch, name);
  await files.writeFile(path, text);
  return path;
}

/** Tests run at the same time: each ends what it has begun. */
type AtEnd = (stop: () => Promise<void>) => void;

/** A server whose configuration may be written anew. */
async function serverWith(
  config: string,
  atEnd: AtEnd,
): Promise<{ server: NatsServer; configure: (text: string) => Promise<void> }> {
  const name = `${newJob()}.conf`;
  const configure = async (text: string) => void (await write(name, `jetstream { store_dir: jetstream }\n${text}`));
  await configure(config);
  const nats = await natsForTests({ config: join(scratch, name) }, atEnd);
  if (nats === undefined) throw new Error("no nats-server");
  return { server: nats.server, configure };
}

/** A connection, and what it says. */
async function connected(
  options: NatsOptions,
  atEnd: AtEnd,
): Promise<{ seams: NatsSeams; said: (text: RegExp) => Promise<void> }> {
  const lines: string[] = [];
  const logger: Logger = {
    log: (_level, message, fields) => void lines.push(`${message} ${JSON.stringify(fields ?? {})}`),
    child: () => logger,
  };
  const seams = await connectNats({ ...options, logger });
  atEnd(() => seams.close());
  const said = (text: RegExp) =>
    until(`${text} is said`, () => lines.some((line) => text.test(line)), limitMs).catch((error: unknown) => {
      throw new Error(`${String(error)}\n${lines.join("\n")}`);
    });
  return { seams, said };
}

async function expectWorks(seams: NatsSeams): Promise<void> {
  const log = await seams.logs.create(`TM_${newJob()}_1_LOG`, { maxBytes: 1_000_000, full: "refuse" });
  expect(await log.append(Buffer.from("a"))).toBe(1);
}

describe.skipIf(binary === undefined)("under a connection that is there", { timeout, concurrent: true }, () => {
  test("credentials expire: that is said, nothing is shown that is broken, and the ones that take their place are used", async ({
    onTestFinished,
  }) => {
    const operator = makeOperator();
    const { server } = await serverWith(operator.config, onTestFinished);
    const credentials = await write("short.creds", operator.credentialsFor(2));
    const { seams, said } = await connected({ servers: server.url, credentials }, onTestFinished);
    await expectWorks(seams);
    await files.writeFile(credentials, "half a fi");
    await said(/is lost; trying again/);
    await said(/no connection .*"code":"OPTION_INVALID".*holds no JWT and seed/);
    await files.writeFile(credentials, operator.credentials);
    await said(/is back/);
    await expectWorks(seams);
  });

  test("a user is revoked, and allowed again", async ({ onTestFinished }) => {
    const operator = makeOperator();
    const { server, configure } = await serverWith(operator.config, onTestFinished);
    const credentials = await write("revoked.creds", operator.credentials);
    const { seams, said } = await connected({ servers: server.url, credentials }, onTestFinished);
    await expectWorks(seams);
    await configure(operator.revoking);
    await server.restart();
    await said(/no connection .*"code":"SERVER_REFUSED".*refuses the credentials/);
    await configure(operator.config);
    await server.restart();
    await said(/is back/);
    await expectWorks(seams);
  });

  test("certificates of both sides expire, and are renewed in the same files", async ({ onTestFinished }) => {
    const authority = await makeAuthority(scratch, "authority");
    const [ours, theirs] = [
      await makeCertificate(scratch, "ours", authority),
      await makeCertificate(scratch, "theirs", authority),
    ];
    const verify = `ca_file: "${authority.cert}", verify: true`;
    const { server } = await serverWith(
      `tls { timeout: 30, cert_file: "${theirs.cert}", key_file: "${theirs.key}", ${verify} }`,
      onTestFinished,
    );
    const servers = `tls://localhost:${server.port}`;
    const options = { servers, tls: { ca: authority.cert, ...ours } };
    const { seams, said } = await connected(options, onTestFinished);
    await makeCertificate(scratch, "theirs", authority, -1);
    await server.restart();
    await said(/no connection .*"code":"SERVER_UNSUITABLE".*TLS: certificate has expired/);
    await expect(connectNats(options)).rejects.toMatchObject({ code: "SERVER_UNSUITABLE" });
    await makeCertificate(scratch, "ours", authority, -1);
    await makeCertificate(scratch, "theirs", authority);
    await server.restart();
    await said(/no connection .*"code":"SERVER_UNREACHABLE".*client certificate/);
    await makeCertificate(scratch, "ours", authority);
    await said(/is back/);
    await expectWorks(seams);
  });
});
