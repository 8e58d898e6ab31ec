/**
 * The example programs as a user runs them: what they print, and what they say to a command line that makes no sense.
 */
import { describe, expect, test } from "vitest";
import { plan } from "tidemark";
import { operatorHarness, testJob } from "tidemark/testing";
import quickStart from "../../examples/quick-start.ts";
import { type Program, startNode, startTidemark } from "../support/program.ts";

const timeout = 60_000;

async function resultOf(program: Program) {
  const { code } = await program.ended();
  return { code, out: program.stdout, said: program.stderr };
}

describe("quick-start", { timeout }, () => {
  test("prints the average of each device and minute, and ends", async () => {
    const { code, out, said } = await resultOf(startNode(["examples/quick-start.ts"]));
    expect(out.toSorted()).toEqual([
      '{"label":"average per minute","value":{"key":"boiler","window":{"start":0,"end":60000},"value":75}}',
      '{"label":"average per minute","value":{"key":"boiler","window":{"start":60000,"end":120000},"value":90}}',
      '{"label":"average per minute","value":{"key":"cellar","window":{"start":60000,"end":120000},"value":12}}',
    ]);
    expect({ code, said }).toEqual({ code: 0, said: [] });
  });

  test("a test takes the results themselves, whatever the sink makes of them", async () => {
    const t = await testJob(quickStart, { partitions: 2, workers: 2 });
    await t.feed("readings", [
      { device: "a", at: 0, celsius: 10 },
      { device: "a", at: 1_000, celsius: 30 },
    ]);
    await t.crash("average/1");
    await t.endOfInput();
    expect(t.take("average per minute")).toEqual([
      { value: { key: "a", window: { start: 0, end: 60_000 }, value: 20 }, timestamp: 59_999 },
    ]);
  });

  test("an operator of its plan can be tested alone", () => {
    const [average] = plan(quickStart).stages[1]?.operators ?? [];
    if (average === undefined) throw new Error("the second stage has no operator");
    const key = (reading: unknown) => (reading as { readonly device: string }).device;
    const harness = operatorHarness(average.factory, { key, restoreEachStep: true, poisonEachRecord: true });
    harness.process({ device: "boiler", celsius: 70 }, 5_000).process({ device: "boiler", celsius: 80 }, 58_000);
    expect(harness.watermark(Infinity).take()).toEqual({
      main: [{ value: { key: "boiler", window: { start: 0, end: 60_000 }, value: 75 }, timestamp: 59_999 }],
      late: [],
      deadLetters: [],
    });
  });
});

describe("a command line that makes no sense is one line and exit code 2", { timeout }, () => {
  test.each([
    ["host-monitor", ["--frobnicate"], "'--frobnicate'"],
    ["host-monitor", ["--average", "0s"], 'behind source "metrics": the size of a tumbling window is "0s"'],
    ["host-monitor", ["--duration", "ever"], 'duration is "ever"'],
    ["sensor-history", ["--input", "a.csv"], "--out is missing"],
  ])("%s %j", async (example, args, message) => {
    const { code, out, said } = await resultOf(startNode([`examples/${example}.ts`, ...args]));
    expect(said).toHaveLength(1);
    expect(said[0]).toContain(message);
    expect({ code, out }).toEqual({ code: 2, out: [] });
  });
});

test("tidemark plan prints the streams of readings, without asking a server", { timeout }, async () => {
  const { code, out, said } = await resultOf(startTidemark(["plan", "examples/readings.ts"]));
  expect({ code, said }).toEqual({ code: 0, said: [] });
  for (const part of ["jetstream(READINGS, from first)", "jetstream(averages)", "each row once", "file(late.jsonl)"]) {
    expect(out.join("\n")).toContain(part);
  }
});

test("tidemark plan prints the stages of sensor-history, without reading a file", { timeout }, async () => {
  const program = startTidemark(["plan", "examples/sensor-history.ts", "--", "--input", "a.csv", "--out", "b.jsonl"]);
  const { code, out, said } = await resultOf(program);
  expect({ code, said }).toEqual({ code: 0, said: [] });
  const text = out.join("\n");
  expect(text).toMatch(/^job sensor-history\n/);
  const stages = ["readings", "in-time", "hours", "days", "alerts", "history", "late-readings"];
  for (const stage of stages) expect(text).toMatch(new RegExp(`^${stage} +(splits|\\d+) `, "m"));
  for (const part of ["csv(a.csv)", "max sliding 1d every 1h", "file(b.jsonl)", "each row once", "reserves"]) {
    expect(text).toContain(part);
  }
});
