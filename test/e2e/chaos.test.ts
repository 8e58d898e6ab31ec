/**
 * The generator under fire, judged by its sink alone: a short one of what `npm run chaos -- --duration …` does for longer.
 */
import { describe, expect, test } from "vitest";
import { type ChaosReport, runGeneratorChaos } from "../../framework/scripts/chaos/generator-chaos.ts";
import { binaryForTests } from "../support/nats.ts";
import { startNode } from "../support/program.ts";

const binary = await binaryForTests();
const timeout = 180_000;

function expectRight(report: ChaosReport, faultsMin: number): void {
  const { records, lost, duplicated, wrongWindows, examples, faults } = report;
  expect({ lost, duplicated, wrongWindows, examples }).toEqual({
    lost: 0,
    duplicated: 0,
    wrongWindows: 0,
    examples: [],
  });
  // How many there are is a matter of how fast the machine starts: enough to say something.
  expect(records).toBeGreaterThan(5_000);
  expect(faults).toBeGreaterThanOrEqual(faultsMin);
  expect(report.replays.filter(({ isEqual }) => !isEqual)).toEqual([]);
}

describe.skipIf(binary === undefined)("nothing is lost, duplicated or wrong", { timeout }, () => {
  test("while processes, links and the only server are hurt for 20 s", async () => {
    const said: string[] = [];
    const only = ["kill-worker-reported", "kill-leader", "crash-actor", "torn-link", "cut-link", "kill-server"];
    const options = { durationMs: 20_000, calmMs: 5_000, replicas: 1, seed: "e2e-5", rate: 2_000, workers: 3, only };
    const report = await runGeneratorChaos({ ...options, say: (line) => void said.push(line) });
    expectRight(report, 3);
    expect(report.kills).toBeGreaterThan(0);
    expect(report.replays.length).toBeGreaterThan(0);
    expect(Object.keys(report.recoveryMs).every((kind) => only.includes(kind))).toBe(true);
    expect(report.calmPauseMs.samples).toBeGreaterThan(0);
  });

  test("while one server of three is parted from the others, and one that leads an inbox is killed", async () => {
    const only = ["kill-stream-leader", "partition-servers"];
    const options = { durationMs: 10_000, calmMs: 2_000, replicas: 3, seed: "e2e-323", rate: 1_000, workers: 2, only };
    const report = await runGeneratorChaos({ ...options, say: () => undefined });
    // Ten seconds may leave nothing to replay: when the end is waited for, both snapshots of every actor may be of the same place.
    expectRight(report, 2);
    expect(report.log.map(({ kind }) => kind)).toEqual(only.toReversed());
    expect(report.kills).toBeGreaterThan(0);
  });
});

test.each([
  [["--duration", "soon"], /--duration/],
  [["--duration", "10s", "--replicas", "2"], /--replicas is 2; it takes 1, 3 or 5/],
  [["--duration", "10s", "--only", "rain"], /--only is rain, and there are kill-worker,/],
  [["--duration", "10s", "--rate", "1500"], /--rate is 1500; it takes a multiple of 1000/],
  [[], /give a time .*or CSV files/],
] as const)("chaos %j is refused in one line", async (args, line) => {
  const command = startNode(["framework/scripts/chaos.ts", ...args]);
  const { code } = await command.ended();
  expect(command.stderr).toEqual([expect.stringMatching(line)]);
  expect(code).toBe(2);
});
