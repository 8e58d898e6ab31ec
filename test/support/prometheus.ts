/**
 * A real Prometheus for one test: from the PATH, or from Debian's package, unpacked and not installed.
 *
 * Where neither can be had the tests that need one are skipped, and say so.
 */
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, writeFileSync } from "node:fs";
import { mkdir, readdir } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { onTestFinished } from "vitest";
import { messageOf } from "../../framework/errors.ts";
import { temporaryFolder } from "../connectors/temporary-folder.ts";
import { freePort } from "./free-port.ts";
import { root } from "./program.ts";

const run = promisify(execFile);
const downloadMsMax = 60_000;
const startMsMax = 30_000;

/** A Prometheus that scrapes. */
export interface Prometheus {
  /** The value of an expression, by the value of one of its labels; undefined as long as there is none. */
  query(expression: string, label: string): Promise<ReadonlyMap<string, number>>;
}

/** The binary, or undefined with a visible word about it. */
export async function prometheusForTests(): Promise<string | undefined> {
  try {
    await run("prometheus", ["--version"]);
    return "prometheus";
  } catch {
    return unpacked().catch((error: unknown) => {
      console.warn(`SKIPPED: the scrape by a real Prometheus, because there is none: ${messageOf(error)}`);
      return undefined;
    });
  }
}

async function unpacked(): Promise<string> {
  const folder = join(root, ".cache", "prometheus");
  const binary = join(folder, "usr/bin/prometheus");
  if (existsSync(binary)) return binary;
  await mkdir(folder, { recursive: true });
  await run("apt-get", ["download", "prometheus"], { cwd: folder, timeout: downloadMsMax });
  const archive = (await readdir(folder)).find((name) => name.endsWith(".deb"));
  if (archive === undefined) throw new Error("apt-get has downloaded nothing");
  await run("dpkg", ["-x", archive, "."], { cwd: folder, timeout: downloadMsMax });
  return binary;
}

/** Starts it on `targets` (host:port), scraping twice a second; ends with the test. */
export async function startPrometheus(binary: string, targets: readonly string[]): Promise<Prometheus> {
  const folder = await temporaryFolder();
  const config = join(folder, "prometheus.json");
  const scrape = { job_name: "tidemark", static_configs: [{ targets }] };
  // YAML is a superset of JSON.
  writeFileSync(
    config,
    JSON.stringify({ global: { scrape_interval: "500ms", scrape_timeout: "500ms" }, scrape_configs: [scrape] }),
  );
  const address = `127.0.0.1:${await freePort()}`;
  const flags = [`--config.file=${config}`, `--storage.tsdb.path=${folder}/data`, `--web.listen-address=${address}`];
  const child = spawn(binary, flags, { stdio: ["ignore", "ignore", "pipe"] });
  const said: string[] = [];
  child.stderr.on("data", (part: Buffer) => said.push(part.toString()));
  const closed = once(child, "close");
  onTestFinished(async () => {
    child.kill("SIGTERM");
    await closed;
  });
  await answers(`http://${address}/-/ready`, () => said.join(""));
  return { query: (expression, label) => query(address, expression, label) };
}

async function answers(url: string, said: () => string): Promise<void> {
  const endMs = performance.now() + startMsMax;
  for (;;) {
    const response = await fetch(url).catch(() => undefined);
    if (response?.ok === true) return;
    if (performance.now() > endMs) throw new Error(`prometheus is not ready within ${startMsMax} ms:\n${said()}`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

interface Answer {
  readonly data: {
    readonly result: readonly { readonly metric: Readonly<Record<string, string>>; readonly value: [number, string] }[];
  };
}

async function query(address: string, expression: string, label: string): Promise<ReadonlyMap<string, number>> {
  const response = await fetch(`http://${address}/api/v1/query?query=${encodeURIComponent(expression)}`);
  const { data } = (await response.json()) as Answer;
  return new Map(data.result.map(({ metric, value: [, text] }) => [metric[label] ?? "", Number(text)]));
}
