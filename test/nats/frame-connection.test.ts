/**
 * The connection for frames, whose read buffers are used again and again: what is taken late is still what was sent.
 */
import { execFile } from "node:child_process";
import { promises as files } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, describe, expect, test } from "vitest";
import { seededRandom } from "../../framework/platform/random.ts";
import type { NatsSeams } from "../../framework/nats/nats-seams.ts";
import { Appending, Collector, numberOf, numbers } from "../conformance/collector.ts";
import { newJob } from "../conformance/place.ts";
import { natsForTests } from "../support/nats.ts";
import { until } from "../support/until.ts";

const run = promisify(execFile);
const nats = await natsForTests();
const scratch = await files.mkdtemp(join(tmpdir(), "tidemark-tls-"));
const secured = nats && (await serverWithTls());

afterAll(() => files.rm(scratch, { recursive: true, force: true }));

/** A server with a certificate made for this run; undefined where openssl is not there. */
async function serverWithTls(): ReturnType<typeof natsForTests> {
  const [key, certificate] = [join(scratch, "key.pem"), join(scratch, "certificate.pem")];
  const subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"];
  const request = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-keyout", key, "-out", certificate];
  try {
    await run("openssl", [...request, ...subject]);
  } catch {
    return undefined;
  }
  const config = join(scratch, "nats.conf");
  await files.writeFile(
    config,
    `jetstream { store_dir: jetstream }\ntls { timeout: 30, cert_file: "${certificate}", key_file: "${key}" }`,
  );
  return natsForTests({ config });
}

/** Frames of many sizes; every byte of one follows from its number. */
function frames(count: number): readonly Uint8Array[] {
  const random = seededRandom("frames");
  return numbers(count).map((number) => {
    const size = random.below(4) === 0 ? 4 + random.below(262_140) : 4 + random.below(3_000);
    const frame = new Uint8Array(size).fill((number * 31) & 255);
    new DataView(frame.buffer).setUint32(0, number);
    return frame;
  });
}

/** Appends to three logs at once while one reader of each holds back, then takes everything; answers how many frames came as they were sent. */
async function exchange(seams: NatsSeams | undefined): Promise<number> {
  if (seams === undefined) throw new Error("no nats-server");
  let whole = 0;
  const sent = frames(300);
  const config = { maxBytes: 1024 ** 3, full: "refuse" } as const;
  const logs = await Promise.all(numbers(3).map((n) => seams.logs.create(`TM_${newJob()}_1_IN_x_${n}`, config)));
  const collectors = logs.map((log) => new Collector(log, 1, false));
  await Promise.all(logs.map((log) => new Appending(log).appendAll(sent)));
  await until("all hold something", () => collectors.every(({ reader }) => reader.buffered.messages > 50));
  for (const collector of collectors) {
    collector.take();
    await collector.has(sent.length);
    expect(collector.entries.map(numberOf)).toEqual(numbers(sent.length));
    whole += collector.entries.filter(({ payload }, at) => Buffer.compare(payload, sent[at] ?? payload) === 0).length;
    collector.reader.close();
  }
  return whole;
}

describe.skipIf(nats === undefined)("frames of all sizes", () => {
  test("X1: arrive as they were sent, however late they are taken", async () => {
    expect(await exchange(await nats?.connect())).toBe(900);
  });
});

describe.skipIf(secured === undefined)("a server with TLS", () => {
  const url = secured?.server.url.replace("127.0.0.1", "localhost").replace("nats://", "tls://") ?? "";

  test("X3: works with the authority that is given", async () => {
    const seams = await secured?.connect({ servers: url, tls: { ca: join(scratch, "certificate.pem") } });
    expect(await exchange(seams)).toBe(900);
  });

  test("is found out when it asks for TLS by itself", async () => {
    const bare = secured?.connect();
    await expect(bare).rejects.toMatchObject({ code: "SERVER_UNSUITABLE" });
    await expect(bare).rejects.toThrow(/TLS: .*certificate/);
  });
});
