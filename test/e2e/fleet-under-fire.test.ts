/**
 * `examples/sensor-history.ts` as a fleet of three processes that are killed and stopped while they run, whoever leads: the output is what plain code
 * computes from the files, each line once.
 */
import { describe, expect, onTestFinished, test } from "vitest";
import { type FleetRun, runFleetKilled, runFleetStopped } from "../../framework/scripts/fleet-under-fire.ts";
import { runHistory, runHistoryOverServerKills } from "../../framework/scripts/history-under-fire.ts";
import { binaryForTests, natsForTests, type NatsForTests } from "../support/nats.ts";
import { deadLetters, historyPlace, type HistoryPlace, written, wrongs } from "./history-place.ts";

const limitMs = 240_000;
// Ahead of the test's own limit: who is stuck is told with what the program said last.
const runLimitMs = 220_000;
const binary = await binaryForTests();

interface Scene {
  readonly nats: NatsForTests;
  readonly place: HistoryPlace;
  readonly run: FleetRun;
}

/** A server, files, and a fleet that takes about `seconds` for them. */
async function scene(seconds?: number): Promise<Scene> {
  const nats = await natsForTests({}, onTestFinished);
  if (nats === undefined) throw new Error("no nats-server");
  const place = await historyPlace({ seed: 11, files: 3, hours: 300, lateShare: 0.02 });
  const rows = [...place.rows.values()].reduce((sum, of) => sum + of.length, 0);
  const rate = seconds === undefined ? undefined : rows / seconds;
  const run = { inputs: place.inputs, out: place.out, rate, limitMs: runLimitMs, servers: nats.server.url, workers: 3 };
  return { nats, place, run };
}

/** Every line right and every bad row a dead letter once. */
async function expectRight({ place, nats }: Scene): Promise<void> {
  const output = written(place);
  expect(wrongs(place, output)).toEqual([]);
  expect(new Set(output.lines.map(({ kind }) => kind))).toEqual(new Set(["hour", "day", "alert"]));
  expect(output.late.length).toBeGreaterThan(0);
  expect((await deadLetters(place, await nats.connect())).length).toBe(place.bad);
}

describe.skipIf(binary === undefined)("three workers", { timeout: limitMs }, () => {
  test("undisturbed", async () => {
    const at = await scene();
    expect(await runHistory(at.run)).toMatchObject({ exitCode: 0, said: [] });
    await expectRight(at);
  });

  test.each(["worker", "leader"] as const)(
    "one %s after the other is killed by SIGKILL, five times",
    async (target) => {
      const at = await scene(11);
      const { exitCode, kills, said } = await runFleetKilled(at.run, target, { everyMs: 600, shotsMax: 5 });
      expect({ exitCode, kills }).toEqual({ exitCode: 0, kills: 5 });
      expect(said.filter((line) => line.includes("is replaced"))).toHaveLength(5);
      await expectRight(at);
    },
  );

  test("one is stopped by SIGSTOP for longer than the silence that counts as death, and goes on", async () => {
    const at = await scene(9);
    const { exitCode, kills } = await runFleetStopped(at.run, 4_000, { everyMs: 500, afterGrowth: true, shotsMax: 1 });
    expect({ exitCode, kills }).toEqual({ exitCode: 0, kills: 1 });
    await expectRight(at);
  });

  test("nats-server is killed by SIGKILL twice and started again", async () => {
    const at = await scene(6);
    const shots = { everyMs: 500, afterGrowth: true, shotsMax: 2 };
    const { exitCode, kills } = await runHistoryOverServerKills(at.run, at.nats.server, shots);
    expect({ exitCode, kills }).toEqual({ exitCode: 0, kills: 2 });
    await expectRight(at);
  });
});
