/**
 * The first contact with a server: what is refused, how fast, and in which words.
 */
import { promises as files } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, onTestFinished, test } from "vitest";
import { StreamError } from "../../framework/errors.ts";
import { connectNats, type NatsOptions } from "../../framework/nats/connect.ts";
import { newJob } from "../conformance/place.ts";
import { binaryForTests, natsForTests } from "../support/nats.ts";

const binary = await binaryForTests();
const scratch = await files.mkdtemp(join(tmpdir(), "tidemark-connect-"));
const listening: Server[] = [];

afterAll(async () => {
  for (const server of listening) server.close();
  await files.rm(scratch, { recursive: true, force: true });
});

/** Writes a configuration and starts a server with it, for one test. */
async function serverWith(config: string): ReturnType<typeof natsForTests> {
  const path = join(scratch, `${newJob()}.conf`);
  await files.writeFile(path, config);
  return natsForTests({ config: path }, onTestFinished);
}

/** A TCP server that speaks as much NATS as `greet` and an answer to PING. */
function pretend(greet: (socket: Socket) => void): Promise<string> {
  const server = createServer((socket) => {
    socket.on("error", () => {});
    socket.on("data", (data) => {
      if (data.includes("PING")) socket.write("PONG\r\n");
    });
    greet(socket);
  });
  listening.push(server);
  return new Promise((resolve) => {
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      resolve(`127.0.0.1:${typeof address === "object" ? address?.port : ""}`);
    });
  });
}

function information(version: string): string {
  const fields = { server_id: "X", version, proto: 1, headers: true, max_payload: 1_048_576, jetstream: true };
  return `INFO ${JSON.stringify(fields)}\r\n`;
}

async function refusal(options: NatsOptions): Promise<StreamError> {
  const startedMs = performance.now();
  const error = await connectNats(options).catch((thrown: unknown) => thrown);
  expect(performance.now() - startedMs).toBeLessThan(5_000);
  if (!StreamError.is(error)) throw new Error(`not a StreamError: ${String(error)}`);
  expect(error.message).not.toContain("\n");
  return error;
}

describe("an address that cannot work", () => {
  test("an absent server is unreachable, and the message says where and what to do", async () => {
    const error = await refusal({ servers: "127.0.0.1:1" });
    expect(error.code).toBe("SERVER_UNREACHABLE");
    expect(error.message).toContain("127.0.0.1:1");
    expect(error.message).toContain("nats.conf");
  });

  test("something that listens and says nothing is unreachable within 5 s", async () => {
    const error = await refusal({ servers: await pretend(() => {}) });
    expect(error.code).toBe("SERVER_UNREACHABLE");
  });

  test("something that hangs up is unreachable", async () => {
    const error = await refusal({ servers: await pretend((socket) => socket.end()) });
    expect(error.code).toBe("SERVER_UNREACHABLE");
  });

  test("a server older than 2.10 is unsuitable: found, needed and recommended are named", async () => {
    const servers = await pretend((socket) => socket.write(information("2.9.10")));
    const error = await refusal({ servers });
    expect(error.code).toBe("SERVER_UNSUITABLE");
    expect(error.message).toMatch(/version 2\.9\.10: 2\.10 or newer is needed, 2\.12 or newer recommended/);
  });

  test("an address that is none is refused before anything is tried, without its secret", async () => {
    const error = await refusal({ servers: "http://user:hidden@host" });
    expect(error.code).toBe("OPTION_INVALID");
    expect(error.message).not.toContain("hidden");
  });

  test("a credentials file that is not there is named", async () => {
    const error = await refusal({ servers: "127.0.0.1:1", credentials: "/nowhere/x.creds" });
    expect(error.code).toBe("PATH_UNUSABLE");
    expect(error.message).toContain("/nowhere/x.creds");
  });

  test("a number of replicas that no stream can have is refused", async () => {
    expect((await refusal({ servers: "127.0.0.1:1", replicas: 2 })).code).toBe("OPTION_INVALID");
  });
});

describe.skipIf(binary === undefined)("a server that does not suit", () => {
  test("without JetStream", async () => {
    const nats = await serverWith("max_payload: 1MB");
    const error = await refusal({ servers: nats?.server.url ?? "" });
    expect(error.code).toBe("SERVER_UNSUITABLE");
    expect(error.message).toContain("JetStream");
  });

  test("it is passed over while another one is named, whichever is tried first", async () => {
    const [without, suitable] = await Promise.all([
      serverWith("max_payload: 1MB"),
      serverWith("jetstream { store_dir: jetstream }"),
    ]);
    const urls = [without, suitable].map((nats) => nats?.server.url ?? "");
    for (let attempt = 0; attempt < 8; attempt += 1) {
      const seams = await connectNats({ servers: attempt % 2 === 0 ? urls : urls.toReversed() });
      await expect(seams.capacity()).resolves.toBeDefined();
      await seams.close();
    }
    const error = await refusal({ servers: [urls[0] ?? "", urls[0]?.replace("127.0.0.1", "localhost") ?? ""] });
    expect(error.code).toBe("SERVER_UNSUITABLE");
    expect(error.message).toContain("JetStream");
  });

  test("with JetStream, but not for this account", async () => {
    const nats = await serverWith(`
      jetstream { store_dir: jetstream }
      accounts { A { users: [{ user: a, password: a }], jetstream: enabled }, B { users: [{ user: b, password: b }] } }`);
    const server = nats?.server.url.replace("nats://", "") ?? "";
    const error = await refusal({ servers: `nats://b:b@${server}` });
    expect(error.code).toBe("SERVER_UNSUITABLE");
    expect(error.message).toContain("JetStream");
    const seams = await connectNats({ servers: `nats://a:a@${server}` });
    await seams.close();
  });

  test("credentials that it refuses, by user and by token, appear in no message", async () => {
    const nats = await serverWith(
      `jetstream { store_dir: jetstream }\nauthorization { user: "tide", password: "right" }`,
    );
    const host = nats?.server.url.replace("nats://", "") ?? "";
    for (const user of ["tide:hidden@", "hidden@", ""]) {
      const error = await refusal({ servers: `nats://${user}${host}` });
      expect(error.code).toBe("SERVER_REFUSED");
      expect(`${error.message} ${error.stack} ${JSON.stringify(error)}`).not.toContain("hidden");
    }
    const seams = await connectNats({ servers: `nats://tide:right@${host}` });
    await seams.close();
  });

  test("with a max_payload one below what is needed; as much is enough", async () => {
    const nats = await serverWith("jetstream { store_dir: jetstream }\nmax_payload: 600000");
    await (await connectNats({ servers: nats?.server.url ?? "" })).close();
    const less = await serverWith("jetstream { store_dir: jetstream }\nmax_payload: 599999");
    const error = await refusal({ servers: less?.server.url ?? "" });
    expect(error.code).toBe("SERVER_UNSUITABLE");
    expect(error.message).toMatch(/takes messages of 599999 bytes \(max_payload\); 600000 are needed/);
  });

  test("an account without a stream or a consumer too many: refused with both numbers", async () => {
    const nats = await serverWith(`
      jetstream { store_dir: jetstream }
      accounts { A { users: [{ user: a, password: a }], jetstream: { max_streams: 3, max_consumers: 2 } } }
      no_auth_user: a`);
    const seams = await nats?.connect();
    await seams?.checkRoom({ bytes: 1, streams: 3, consumers: 2 });
    await seams?.logs.create(`TM_${newJob()}_1_LOG`, { maxBytes: 1_000, full: "refuse" });
    await expect(seams?.checkRoom({ bytes: 1, streams: 3, consumers: 1 })).rejects.toMatchObject({
      code: "SERVER_FULL",
      message: expect.stringMatching(/needs 3 streams, and the account has 2 left/),
    });
    await expect(seams?.checkRoom({ bytes: 1, streams: 2, consumers: 3 })).rejects.toThrow(
      /needs 3 consumers, .* 2 left/,
    );
  });

  test("one replica too many for a single server", async () => {
    const nats = await serverWith("jetstream { store_dir: jetstream }");
    const seams = await nats?.connect({ replicas: 3 });
    const created = seams?.logs.create(`TM_${newJob()}_1_LOG`, { maxBytes: 1_000_000, full: "refuse" });
    await expect(created).rejects.toMatchObject({ code: "SERVER_UNSUITABLE" });
  });

  test("an account without room: before anything is created, with both figures, and when it is", async () => {
    const nats = await serverWith(`
      jetstream { store_dir: jetstream }
      accounts { A { users: [{ user: a, password: a }], jetstream: { max_file: 10MB, max_memory: 1MB } } }
      no_auth_user: a`);
    const seams = await nats?.connect();
    await seams?.checkRoom({ bytes: 8_000_000, streams: 1, consumers: 1 });
    await seams?.logs.create(`TM_${newJob()}_1_LOG`, { maxBytes: 8_000_000, full: "refuse" });
    await expect(seams?.checkRoom({ bytes: 8_000_000, streams: 1, consumers: 1 })).rejects.toThrow(
      /reserves 8000000 bytes; the account has 2485760 left/,
    );
    await expect(seams?.checkRoom({ bytes: 8_000_000, streams: 1, consumers: 1 })).rejects.toMatchObject({
      code: "SERVER_FULL",
    });
    const second = seams?.logs.create(`TM_${newJob()}_1_LOG`, { maxBytes: 8_000_000, full: "refuse" });
    await expect(second).rejects.toMatchObject({ code: "SERVER_FULL" });
  });
});
