/**
 * R14 on real processes: an HTTP server is asked, workers are killed between call and answer, and the file holds each number once, with an answer that was
 * given for it.
 */
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { temporaryFolder } from "../connectors/temporary-folder.ts";
import { binaryForTests, natsForTests } from "../support/nats.ts";
import { startNode } from "../support/program.ts";
import { until } from "../support/until.ts";

const binary = await binaryForTests();
const numbers = 1_200;

/** A server that answers each call differently, refuses some, and remembers who was asked with which key. */
async function callee() {
  const calls: { readonly n: number; readonly key: string; readonly answer: string }[] = [];
  const server = createServer((request, response) => {
    const n = Number(request.url?.slice(1));
    const key = String(request.headers["idempotency-key"]);
    const answer = `answer ${calls.length}`;
    calls.push({ n, key, answer });
    const isRefused = calls.length % 17 === 0;
    setTimeout(() => response.writeHead(isRefused ? 503 : 200).end(answer), (n % 7) * 5);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, calls };
}

test.skipIf(binary === undefined)(
  "workers that are killed between call and answer: each number once, and one key per number",
  async () => {
    const nats = await natsForTests({}, onTestFinished);
    const { url, calls } = await callee();
    const path = join(await temporaryFolder(), "answers.jsonl");
    const args = ["test/e2e/programs/asking.ts", url, path, String(numbers), "400"];
    const startWorker = () => startNode(args, { TIDEMARK_NATS: nats?.server.url ?? "" });
    const workers = [startWorker(), startWorker()];
    for (const [at, victim] of workers.slice().entries()) {
      await until(`${at + 1} parts asked`, () => calls.length > (at + 1) * 300, 120_000);
      victim.send("SIGKILL");
      workers.push(startWorker());
    }
    const ended = await Promise.all(workers.slice(2).map((worker) => worker.ended()));
    expect(ended.map(({ code }) => code)).toEqual([0, 0]);

    const rows = readFileSync(path, "utf8")
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as { n: number; answer: string });
    expect(rows.map(({ n }) => n).toSorted((a, b) => a - b)).toEqual(Array.from({ length: numbers }, (_, n) => n));
    const given = new Set(calls.map(({ n, answer }) => `${n} ${answer}`));
    expect(rows.filter(({ n, answer }) => !given.has(`${n} ${answer}`))).toEqual([]);

    const keys = new Map<string, Set<number>>();
    for (const { n, key } of calls) keys.set(key, (keys.get(key) ?? new Set()).add(n));
    expect(keys.size).toBe(numbers);
    expect([...keys.values()].every(({ size }) => size === 1)).toBe(true);
    expect(calls.length).toBeGreaterThan(numbers);
  },
  120_000,
);
