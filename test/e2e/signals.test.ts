/**
 * How a process is asked to go: once, and it leaves everything in order; twice, and it is gone.
 */
import { existsSync, statSync } from "node:fs";
import { describe, expect, onTestFinished, test } from "vitest";
import { binaryForTests, natsForTests } from "../support/nats.ts";
import { startNode } from "../support/program.ts";
import { until } from "../support/until.ts";
import { historyPlace, type HistoryPlace, written, wrongs } from "./history-place.ts";

const timeout = 240_000;
const binary = await binaryForTests();

function argumentsOf({ inputs, out }: HistoryPlace, ...more: readonly string[]): string[] {
  return ["examples/sensor-history.ts", ...inputs.flatMap((input) => ["--input", input]), "--out", out, ...more];
}

async function serverOfThisTest() {
  const nats = await natsForTests({}, onTestFinished);
  if (nats === undefined) throw new Error("no nats-server");
  return nats.server;
}

function hasRows(path: string): boolean {
  return existsSync(path) && statSync(path).size > 0;
}

describe.skipIf(binary === undefined)("on NATS", { timeout }, () => {
  test.each(["SIGTERM", "SIGINT"] as const)(
    "%s in mid-run: exit code 0 within 10 s; started again it goes on where it was, no line lost or doubled",
    async (signal) => {
      const { url } = await serverOfThisTest();
      const of = await historyPlace({ seed: 5, hours: 300, lateShare: 0.02 });
      const first = startNode(argumentsOf(of, "--nats", url, "--rate", "400"));
      await until("rows are written", () => hasRows(of.out), 120_000);
      first.send(signal);
      const ending = await first.ended();
      expect(ending).toMatchObject({ code: 0, signal: null });
      expect(ending.ms).toBeLessThan(10_000);
      const before = written(of);
      expect(wrongs(of, before)).not.toEqual([]);

      const second = startNode(argumentsOf(of, "--nats", url));
      expect(await second.ended()).toMatchObject({ code: 0 });
      const after = written(of);
      expect(wrongs(of, after)).toEqual([]);
      expect(after.lines.slice(0, before.lines.length)).toEqual(before.lines);
      expect([...first.stderr, ...second.stderr]).toEqual([]);
    },
  );

  test("a server that does not answer holds nobody: exit within 10 s all the same", async () => {
    const server = await serverOfThisTest();
    const of = await historyPlace({ seed: 5, hours: 300 });
    const first = startNode(argumentsOf(of, "--nats", server.url, "--rate", "300"));
    await until("rows are written", () => hasRows(of.out), 120_000);
    await server.kill("SIGSTOP");
    first.send("SIGTERM");
    const ending = await first.ended();
    await server.kill("SIGCONT");
    expect(ending).toMatchObject({ code: 0, signal: null });
    expect(ending.ms).toBeLessThan(10_000);
    expect(first.stderr.join("\n")).toContain("not everything was released");

    const second = startNode(argumentsOf(of, "--nats", server.url));
    expect(await second.ended()).toMatchObject({ code: 0 });
    expect(wrongs(of, written(of))).toEqual([]);
  });

  test("a second signal ends it at once", async () => {
    const server = await serverOfThisTest();
    const of = await historyPlace({ seed: 5, hours: 300 });
    const program = startNode(argumentsOf(of, "--nats", server.url, "--rate", "300"));
    await until("rows are written", () => hasRows(of.out), 120_000);
    // So that the first one has something to wait for.
    await server.kill("SIGSTOP");
    program.send("SIGINT");
    program.send("SIGTERM");
    const ending = await program.ended();
    await server.kill("SIGCONT");
    expect(ending).toMatchObject({ code: 130, signal: null });
    // Without it the program would wait for its last snapshots: 10 s.
    expect(ending.ms).toBeLessThan(5_000);
  });
});

test("in one process: exit code 0, and only whole lines", { timeout }, async () => {
  const of = await historyPlace({ seed: 5, hours: 300, badShare: 0 });
  const program = startNode(argumentsOf(of, "--rate", "400"));
  await until("rows are written", () => hasRows(of.out), 120_000);
  program.send("SIGTERM");
  expect(await program.ended()).toMatchObject({ code: 0 });
  expect(written(of).lines.length).toBeGreaterThan(0);
});
