/** The HTTP endpoint of a worker: what it answers, and what it refuses. */
import { createServer } from "node:http";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { beforeEach, describe, expect, onTestFinished, test } from "vitest";
import { openEndpoint, type Endpoint } from "../../framework/telemetry/endpoint.ts";

let obstacles: string[];
let scrapes: number;

beforeEach(() => {
  obstacles = [];
  scrapes = 0;
});

async function open(host = "127.0.0.1"): Promise<Endpoint> {
  const endpoint = await openEndpoint(
    { port: 0, host },
    {
      obstacles: () => obstacles,
      scrape: (_request, response) => {
        scrapes += 1;
        response.end("tidemark_leader 1\n");
      },
    },
  );
  onTestFinished(() => endpoint.close());
  return endpoint;
}

const at = ({ url }: Endpoint, path: string, init?: RequestInit) => fetch(new URL(path, url), init);

test("it listens on loopback at a free port, and says where", async () => {
  const { url } = await open();
  expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/metrics$/);
  expect(await (await fetch(url)).text()).toBe("tidemark_leader 1\n");
  expect(scrapes).toBe(1);
});

test("/healthz is well as long as it answers, whatever is in the way of the job", async () => {
  const endpoint = await open();
  obstacles = ["the connection to the NATS server is down"];
  const response = await at(endpoint, "/healthz?from=kubelet");
  expect(response.status).toBe(200);
  expect(response.headers.get("content-type")).toBe("application/json");
  expect(await response.json()).toEqual({ healthy: true });
});

test("/readyz says why not", async () => {
  const endpoint = await open();
  const ready = await at(endpoint, "/readyz");
  expect(ready.status).toBe(200);
  expect(await ready.json()).toEqual({ ready: true, reasons: [] });
  obstacles = ["the worker is leaving"];
  const refused = await at(endpoint, "/readyz");
  expect(refused.status).toBe(503);
  expect(await refused.json()).toEqual({ ready: false, reasons: ["the worker is leaving"] });
});

test("HEAD is answered without a body, other methods and paths are refused", async () => {
  const endpoint = await open();
  const head = await at(endpoint, "/readyz", { method: "HEAD" });
  expect([head.status, await head.text()]).toEqual([200, ""]);
  const posted = await at(endpoint, "/metrics", { method: "POST", body: "{}" });
  expect([posted.status, posted.headers.get("allow")]).toEqual([405, "GET, HEAD"]);
  const nowhere = await at(endpoint, "/../etc/passwd");
  expect(nowhere.status).toBe(404);
  expect(await nowhere.json()).toEqual({ error: "there are /metrics, /healthz and /readyz" });
  expect(scrapes).toBe(0);
});

describe("refused before anything starts", () => {
  const shown = { obstacles: () => [], scrape: () => undefined };

  test("a port that is taken", async () => {
    const other = createServer().listen(0, "127.0.0.1");
    await once(other, "listening");
    onTestFinished(() => void other.close());
    const { port } = other.address() as AddressInfo;
    await expect(openEndpoint({ port, host: "127.0.0.1" }, shown)).rejects.toMatchObject({
      code: "OPTION_INVALID",
      message: `metrics cannot be served at 127.0.0.1:${port}: somebody listens there already: name another port for each process, or 0 for a free one`,
    });
  });

  test("an address that is none of this machine's", async () => {
    await expect(openEndpoint({ port: 0, host: "192.0.2.1" }, shown)).rejects.toMatchObject({
      code: "OPTION_INVALID",
      message: expect.stringMatching(/^metrics cannot be served at 192\.0\.2\.1:0: .*name an address of this machine/),
    });
  });
});

test("H1: close waits for no client, and frees the port", async () => {
  const endpoint = await open();
  await (await fetch(endpoint.url, { headers: { connection: "keep-alive" } })).text();
  await endpoint.close();
  await expect(fetch(endpoint.url)).rejects.toThrow("fetch failed");
});
