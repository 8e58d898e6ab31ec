/**
 * `examples/sensor-history.ts` as a process, through real crashes of itself and of its server: the output is what plain code computes from the files.
 */
import { describe, expect, onTestFinished, test } from "vitest";
import {
  type HistoryRun,
  runHistory,
  runHistoryKilled,
  runHistoryOverServerKills,
} from "../../framework/scripts/history-under-fire.ts";
import { binaryForTests, natsForTests, type NatsForTests } from "../support/nats.ts";
import { deadLetters, historyPlace, type HistoryPlace, written, wrongs } from "./history-place.ts";

const limitMs = 240_000;
// Ahead of the test's own limit: who is stuck is told with what the program said last.
const runLimitMs = 220_000;
const binary = await binaryForTests();

function place(): Promise<HistoryPlace> {
  return historyPlace({ seed: 11, files: 3, hours: 400, lateShare: 0.02 });
}

function runOf({ inputs, out }: HistoryPlace, rate?: number): HistoryRun {
  return { inputs, out, rate, limitMs: runLimitMs };
}

async function server(): Promise<NatsForTests> {
  const started = await natsForTests({}, onTestFinished);
  if (started === undefined) throw new Error("no nats-server");
  return started;
}

/** Every line right, every bad row a dead letter once, and some of everything there is. */
async function expectRight(of: HistoryPlace, nats: NatsForTests): Promise<void> {
  const output = written(of);
  expect(wrongs(of, output)).toEqual([]);
  expect(new Set(output.lines.map(({ kind }) => kind))).toEqual(new Set(["hour", "day", "alert"]));
  expect(output.late.length).toBeGreaterThan(0);
  const letters = await deadLetters(of, await nats.connect());
  expect(letters.length).toBe(of.bad);
  expect(letters.every(({ code, reason }) => code === "ROW_INVALID" && reason !== "")).toBe(true);
}

test("in one process: what plain code computes, late rows and bad ones apart", { timeout: limitMs }, async () => {
  const of = await place();
  const { exitCode, said } = await runHistory(runOf(of));
  expect(exitCode).toBe(0);
  expect(wrongs(of, written(of))).toEqual([]);
  const letters = said.map((line) => JSON.parse(line) as { readonly deadLetter: { readonly reason: string } });
  expect(letters.filter(({ deadLetter }) => deadLetter.reason !== "").length).toBe(of.bad);
  expect(said.length).toBe(of.bad);
});

describe.skipIf(binary === undefined)("on NATS", () => {
  test("the same", { timeout: limitMs }, async () => {
    const nats = await server();
    const of = await place();
    const { exitCode } = await runHistory({ ...runOf(of, 1_500), servers: nats.server.url });
    expect(exitCode).toBe(0);
    await expectRight(of, nats);
  });

  test("the process is killed by SIGKILL six times and started again each time", { timeout: limitMs }, async () => {
    const nats = await server();
    const of = await place();
    const shots = { everyMs: 300, afterGrowth: true, shotsMax: 6 };
    const { exitCode, kills } = await runHistoryKilled({ ...runOf(of, 250), servers: nats.server.url }, shots);
    expect({ exitCode, kills }).toEqual({ exitCode: 0, kills: 6 });
    await expectRight(of, nats);
  });

  test("nats-server is killed by SIGKILL three times and started again", { timeout: limitMs }, async () => {
    const nats = await server();
    const of = await place();
    const shots = { everyMs: 500, afterGrowth: true, shotsMax: 3 };
    const { exitCode, kills } = await runHistoryOverServerKills(
      { ...runOf(of, 600), servers: nats.server.url },
      nats.server,
      shots,
    );
    expect({ exitCode, kills }).toEqual({ exitCode: 0, kills: 3 });
    await expectRight(of, nats);
  });
});
