/**
 * Who asks, and over what: users, tokens, nkeys, credentials files, contexts and TLS, each against a server that wants exactly that.
 */
import { promises as files } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { nkeys } from "@nats-io/transport-node";
import { afterAll, describe, expect, onTestFinished, test, vi } from "vitest";
import { StreamError } from "../../framework/errors.ts";
import { connectNats, type NatsOptions } from "../../framework/nats/connect.ts";
import { newJob } from "../conformance/place.ts";
import { makeAuthority, makeCertificate } from "../support/certificates.ts";
import { binaryForTests, natsForTests } from "../support/nats.ts";
import { makeOperator } from "../support/operator.ts";

const timeout = 30_000;
const binary = await binaryForTests();
const scratch = await files.mkdtemp(join(tmpdir(), "tidemark-credentials-"));
const jetstream = "jetstream { store_dir: jetstream }";

afterAll(() => files.rm(scratch, { recursive: true, force: true }));

async function write(name: string, text: string): Promise<string> {
  const path = join(scratch, name);
  await files.writeFile(path, text);
  return path;
}

/** Starts a server for one test; answers its port on `localhost`. */
async function serverWith(config: string): Promise<string> {
  const nats = await natsForTests(
    { config: await write(`${newJob()}.conf`, `${jetstream}\n${config}`) },
    onTestFinished,
  );
  return `localhost:${nats?.server.port}`;
}

/** Connects and uses the connection. */
async function expectWorks(options: NatsOptions): Promise<void> {
  const seams = await connectNats(options);
  try {
    const log = await seams.logs.create(`TM_${newJob()}_1_LOG`, { maxBytes: 1_000_000, full: "refuse" });
    expect((await log.info()).last).toBe(0);
  } finally {
    await seams.close();
  }
}

/** What is said of a connection that does not come to be: at once, in a line, without `secrets`. */
async function refusal(options: NatsOptions, ...secrets: readonly string[]): Promise<StreamError> {
  const startedMs = performance.now();
  const error = await connectNats(options).catch((thrown: unknown) => thrown);
  expect(performance.now() - startedMs).toBeLessThan(5_000);
  if (!StreamError.is(error)) throw new Error(`not a StreamError: ${String(error)}`);
  const said = `${error.message} ${error.stack} ${JSON.stringify(error)}`;
  expect(error.message).not.toContain("\n");
  for (const secret of secrets) expect(said).not.toContain(secret);
  return error;
}

/** Writes a context and makes it the place where contexts are looked for. */
async function context(fields: object): Promise<string> {
  await files.mkdir(join(scratch, "nats", "context"), { recursive: true });
  vi.stubEnv("XDG_CONFIG_HOME", scratch);
  onTestFinished(() => void vi.unstubAllEnvs());
  const name = newJob();
  await write(join("nats", "context", `${name}.json`), JSON.stringify(fields));
  return name;
}

describe.skipIf(binary === undefined)("users and tokens", { timeout }, () => {
  test("a user with a password: in the URL, or in a context", async () => {
    const server = await serverWith(`authorization { user: tide, password: "p@ss word" }`);
    await expectWorks({ servers: `nats://tide:p%40ss%20word@${server}` });
    await expectWorks({ context: await context({ url: server, user: "tide", password: "p@ss word" }) });
    const wrong = await context({ url: server, user: "tide", password: "hidden" });
    expect(await refusal({ context: wrong }, "hidden")).toMatchObject({ code: "SERVER_REFUSED" });
  });

  test("what is said directly beats the context, and the context says the rest", async () => {
    const server = await serverWith(`authorization { user: tide, password: right }`);
    const name = await context({ url: "nats://127.0.0.1:1", user: "tide", password: "right" });
    await expectWorks({ servers: server, context: name });
    const other = await context({ url: server, user: "tide", password: "wrong" });
    await expectWorks({ servers: `tide:right@${server}`, context: other });
  });

  test("a token: in the URL, or in a context", async () => {
    const server = await serverWith(`authorization { token: sesame }`);
    await expectWorks({ servers: `sesame@${server}` });
    await expectWorks({ context: await context({ url: server, token: "sesame" }) });
    expect(await refusal({ servers: `hidden@${server}` }, "hidden")).toMatchObject({ code: "SERVER_REFUSED" });
  });

  test("an nkey, from the file that a context names", async () => {
    const pair = nkeys.createUser();
    const seed = Buffer.from(pair.getSeed()).toString();
    const server = await serverWith(`authorization { users: [{ nkey: ${pair.getPublicKey()} }] }`);
    const nkey = await write("user.nk", `${seed}\n`);
    await expectWorks({ context: await context({ url: server, nkey }) });
    const nonsense = await context({ url: server, nkey: await write("nonsense.nk", "hidden") });
    expect(await refusal({ context: nonsense }, "hidden")).toMatchObject({ code: "OPTION_INVALID" });
  });
});

describe.skipIf(binary === undefined)("credentials files", { timeout }, () => {
  test("a user of an operator's account: as an option, or in a context", async () => {
    const operator = makeOperator();
    const server = await serverWith(operator.config);
    const credentials = await write("user.creds", operator.credentials);
    await expectWorks({ servers: server, credentials });
    await expectWorks({ context: await context({ url: server, creds: credentials }) });
    expect(await refusal({ servers: server })).toMatchObject({ code: "SERVER_REFUSED" });
    const stranger = makeOperator();
    const strange = await write("stranger.creds", stranger.credentials);
    const error = await refusal({ servers: server, credentials: strange }, stranger.seed);
    expect(error).toMatchObject({ code: "SERVER_REFUSED" });
  });
});

describe("files", () => {
  test.each([
    ["credentials", (path: string) => ({ credentials: path })],
    ["authorities", (path: string) => ({ tls: { ca: path } })],
    ["certificates", (path: string) => ({ tls: { cert: path, key: path } })],
  ])("a file that holds no %s is refused by its path, and not quoted", async (_what, optionsFor) => {
    const path = await write("nonsense", "hidden text\n");
    const error = await refusal({ servers: "127.0.0.1:1", ...optionsFor(path) }, "hidden");
    expect(error.code).toBe("OPTION_INVALID");
    expect(error.message).toContain(path);
  });

  test("a file that is not there is named", async () => {
    for (const which of ["ca", "credentials"]) {
      const path = `/nowhere/${which}.pem`;
      const options = which === "ca" ? { tls: { ca: path } } : { credentials: path };
      const error = await refusal({ servers: "127.0.0.1:1", ...options });
      expect(error.code).toBe("PATH_UNUSABLE");
      expect(error.message).toContain(path);
    }
  });

  test("a certificate without its key, and the other way round", async () => {
    for (const tls of [{ cert: "a.pem" }, { key: "a.pem" }]) {
      expect(await refusal({ servers: "127.0.0.1:1", tls })).toMatchObject({ code: "OPTION_INVALID" });
    }
  });

  test("no server at all", async () => {
    expect(await refusal({})).toMatchObject({ code: "OPTION_INVALID" });
    expect(await refusal({ servers: "nats://%zz@127.0.0.1" }, "%zz")).toMatchObject({ code: "OPTION_INVALID" });
  });
});

describe.skipIf(binary === undefined)("TLS", { timeout }, () => {
  test("an authority of one's own; another one is refused", async () => {
    const [authority, stranger] = [await makeAuthority(scratch, "ours"), await makeAuthority(scratch, "theirs")];
    const { cert, key } = await makeCertificate(scratch, "server", authority);
    const server = await serverWith(`tls { timeout: 30, cert_file: "${cert}", key_file: "${key}" }`);
    await expectWorks({ servers: `tls://${server}`, tls: { ca: authority.cert } });
    await expectWorks({ context: await context({ url: server, ca: authority.cert }) });
    for (const tls of [{ ca: stranger.cert }, undefined]) {
      const error = await refusal({ servers: `tls://${server}`, tls });
      expect(error.code).toBe("SERVER_UNSUITABLE");
      expect(error.message).toMatch(/TLS: .*certificate/);
    }
  });

  test("a server that asks for a certificate gets one, and refuses a client without", async () => {
    const authority = await makeAuthority(scratch, "mutual");
    const [server, client] = [
      await makeCertificate(scratch, "asking", authority),
      await makeCertificate(scratch, "client", authority),
    ];
    const place = await serverWith(
      `tls { timeout: 30, cert_file: "${server.cert}", key_file: "${server.key}", ca_file: "${authority.cert}", verify: true }`,
    );
    await expectWorks({ servers: place, tls: { ca: authority.cert, ...client } });
    const error = await refusal({ servers: place, tls: { ca: authority.cert } });
    expect(error.code).toBe("SERVER_UNREACHABLE");
    expect(error.message).toMatch(/may ask for a client certificate/);
  });

  test("a certificate that has expired, of the server or of the client, is refused at once, and said", async () => {
    const authority = await makeAuthority(scratch, "lasting");
    const over = await makeCertificate(scratch, "over", authority, -1);
    const server = await makeCertificate(scratch, "lasts", authority);
    const spent = await serverWith(`tls { timeout: 30, cert_file: "${over.cert}", key_file: "${over.key}" }`);
    const ofServer = await refusal({ servers: `tls://${spent}`, tls: { ca: authority.cert } });
    expect(ofServer.message).toMatch(/certificate has expired/);
    const asking = await serverWith(
      `tls { timeout: 30, cert_file: "${server.cert}", key_file: "${server.key}", ca_file: "${authority.cert}", verify: true }`,
    );
    const ofClient = await refusal({ servers: asking, tls: { ca: authority.cert, ...over } });
    expect(ofClient.message).toMatch(/expired/);
  });

  test("TLS before the first word, where the server is configured for it", async () => {
    const authority = await makeAuthority(scratch, "first");
    const { cert, key } = await makeCertificate(scratch, "silent", authority);
    const server = await serverWith(
      `tls { timeout: 30, cert_file: "${cert}", key_file: "${key}", handshake_first: true }`,
    );
    await expectWorks({ servers: server, tls: { ca: authority.cert, handshakeFirst: true } });
  });

  test("a server without TLS is not spoken to in the clear by one who wants it", async () => {
    const authority = await makeAuthority(scratch, "wanted");
    const server = await serverWith("");
    expect(await refusal({ servers: `tls://${server}`, tls: { ca: authority.cert } })).toMatchObject({
      code: "SERVER_UNSUITABLE",
    });
  });
});
