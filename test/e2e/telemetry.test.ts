/** Metrics and health of workers on NATS: what the command line asks for, what happens to them when the server is gone, and a real Prometheus. */
import { describe, expect, onTestFinished, test } from "vitest";
import { nats, start } from "tidemark";
import { silentLogger } from "../../framework/platform/logger.ts";
import { systemRandom } from "../../framework/platform/random.ts";
import { realClock } from "../../framework/platform/real-clock.ts";
import { binaryForTests, natsForTests } from "../support/nats.ts";
import { startTidemark, type Program } from "../support/program.ts";
import { prometheusForTests, startPrometheus } from "../support/prometheus.ts";
import steady from "./programs/steady.ts";

const timeout = 120_000;
const limitMsMax = 90_000;
const program = "test/e2e/programs/steady.ts";
const binary = await binaryForTests();
const platform = { clock: realClock(), random: systemRandom(), logger: silentLogger };

/** Reads again and again until `holds`. */
async function untilFound<T>(what: string, read: () => Promise<T>, holds: (found: T) => boolean): Promise<T> {
  const endMs = performance.now() + limitMsMax;
  for (;;) {
    const found = await read();
    if (holds(found)) return found;
    if (performance.now() > endMs)
      throw new Error(`not within ${limitMsMax} ms: ${what}; found ${JSON.stringify(found)}`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

async function urlOf(worker: Program): Promise<string> {
  return (await worker.prints(/^metrics and health: /)).slice("metrics and health: ".length);
}

async function readiness(url: string) {
  const response = await fetch(new URL("/readyz", url));
  return { status: response.status, ...((await response.json()) as { readonly reasons: readonly string[] }) };
}

describe("the command line", { timeout }, () => {
  test("--metrics-port 0 takes a free port and says which", async () => {
    const worker = startTidemark(["run", program, "--metrics-port", "0"]);
    const url = await urlOf(worker);
    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/metrics$/);
    const isCounted = (text: string) => /^tidemark_records_in_total\{.*tidemark_stage="counts".*\} [1-9]/m.test(text);
    await untilFound("records are counted", async () => (await fetch(url)).text(), isCounted);
    worker.send("SIGTERM");
    expect(await worker.ended()).toMatchObject({ code: 0 });
  });

  test("TIDEMARK_METRICS_PORT does the same; a port that is taken is refused, and nothing has begun", async () => {
    const first = startTidemark(["run", program], { TIDEMARK_METRICS_PORT: "0" });
    const { port } = new URL(await urlOf(first));
    const second = startTidemark(["run", program, "--metrics-port", port]);
    expect(await second.ended()).toMatchObject({ code: 2 });
    expect(second.stderr).toEqual([
      expect.stringMatching(
        new RegExp(`^OPTION_INVALID: metrics cannot be served at 127\\.0\\.0\\.1:${port}: somebody listens there`),
      ),
    ]);
  });

  test.each([
    [["--metrics-port", "http"], /^OPTION_INVALID: --metrics-port is http: a port is a whole number/],
    [["--metrics-host", "0.0.0.0"], /^OPTION_INVALID: telemetry\.prometheus has no port/],
    [["--otlp", "collector:4317"], /^OPTION_INVALID: telemetry\.otlp\.url is no http or https URL/],
  ])("%j is refused", async (flags, line) => {
    const worker = startTidemark(["run", program, ...flags]);
    expect(await worker.ended()).toMatchObject({ code: 2 });
    expect(worker.stderr).toEqual([expect.stringMatching(line)]);
  });
});

describe.skipIf(binary === undefined)("on NATS", { timeout }, () => {
  async function serverOfThisTest() {
    const started = await natsForTests({}, onTestFinished);
    if (started === undefined) throw new Error("no nats-server");
    return started.server;
  }

  test("a server that stands still or is gone: /healthz stays 200, /readyz is 503 with the reason, and 200 when it is back", async () => {
    const server = await serverOfThisTest();
    const handle = await start(steady, nats({ servers: server.url }), { telemetry: { prometheus: 0 }, platform });
    onTestFinished(() => handle.stop());
    const url = handle.metricsUrl ?? "";
    const comes = (status: number) =>
      untilFound(
        `/readyz is ${status}`,
        () => readiness(url),
        (found) => found.status === status,
      );
    const isHealthy = async () => expect((await fetch(new URL("/healthz", url))).status).toBe(200);
    await comes(200);

    await server.kill("SIGSTOP");
    const still = await comes(503);
    await isHealthy();
    await server.kill("SIGCONT");
    expect(still.reasons).toEqual([expect.stringMatching(/^nothing has been heard over the bus for \d+ s/)]);
    await comes(200);

    await server.kill("SIGKILL");
    const gone = await comes(503);
    await isHealthy();
    expect((await fetch(url)).status).toBe(200);
    await server.restart();
    expect(gone.reasons).toEqual(["the connection to the NATS server is down"]);
    await comes(200);
  });

  test("a real Prometheus scrapes two workers: who leads, what each has read, and nothing of the job twice", async ({
    skip,
  }) => {
    const prometheus = await prometheusForTests();
    if (prometheus === undefined) return skip("no Prometheus");
    const { url } = await serverOfThisTest();
    const workers = [0, 1].map(() => startTidemark(["run", program, "--nats", url, "--metrics-port", "0"]));
    const targets = await Promise.all(workers.map(async (worker) => new URL(await urlOf(worker)).host));
    const server = await startPrometheus(prometheus, targets);
    const query = (expression: string, label: string) => server.query(expression, label);

    const up = await untilFound(
      "both are scraped",
      () => query("up", "instance"),
      ({ size }) => size === 2,
    );
    expect([...up.keys()].toSorted()).toEqual(targets.toSorted());
    const share = "sum by (tidemark_worker) (tidemark_instances)";
    const shares = await untilFound(
      "both host instances",
      () => query(share, "tidemark_worker"),
      ({ size }) => size === 2,
    );
    for (const instances of shares.values()) expect(instances).toBeGreaterThan(0);
    await untilFound(
      "one leads two",
      () => query("tidemark_workers", "tidemark_worker"),
      (alive) => [...alive.values()].includes(2),
    );
    expect([...(await query("sum(tidemark_leader)", "")).values()]).toEqual([1]);

    const recordsIn = 'sum by (tidemark_stage) (tidemark_records_in_total{tidemark_job="steady"})';
    const read = () => query(recordsIn, "tidemark_stage");
    const first = await untilFound("records are counted", read, (found) => (found.get("counts") ?? 0) > 0);
    const more = (first.get("counts") ?? 0) + 2_000;
    const later = await untilFound("they grow", read, (found) => (found.get("counts") ?? 0) > more);
    expect([...later.keys()].toSorted()).toEqual(["counts", "readings"]);
    expect(await query('{__name__=~"tidemark_.*", tidemark_job!="steady"}', "__name__")).toEqual(new Map());
  });
});
