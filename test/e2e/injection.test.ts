/** `tidemark run --inject`: what is refused, what happens to the job, and that nothing is lost by it. */
import { describe, expect, onTestFinished, test } from "vitest";
import { binaryForTests, natsForTests } from "../support/nats.ts";
import { startTidemark } from "../support/program.ts";

const timeout = 90_000;
const binary = await binaryForTests();
const example = "examples/quick-start.ts";

async function run(faults: readonly string[], more: readonly string[] = [], environment = {}) {
  const flags = faults.flatMap((fault) => ["--inject", fault]);
  const program = startTidemark(["run", example, ...flags, ...more], environment);
  const { code, signal } = await program.ended();
  return { code, signal, rows: program.stdout.toSorted(), said: program.stderr };
}

describe("refused in one line", { timeout }, () => {
  test.each([
    ["a fault that is none", ["explode:average/0@1"], {}, /^OPTION_INVALID: .*explode.*write crash:STAGE/],
    ["a stage that is not there", ["crash:mean/0@1"], {}, /^OPTION_INVALID: .*no stage "mean".*readings, average/],
    [
      "a partition that is not there",
      ["crash:readings/1@1"],
      {},
      /^OPTION_INVALID: .*readings has the partitions 0 to 0/,
    ],
    ["production", ["crash:average/0@1"], { NODE_ENV: "production" }, /^OPTION_INVALID: .*--inject-in-production/],
  ])("%s", async (_what, faults, environment, message) => {
    const { code, rows, said } = await run(faults, [], environment);
    expect({ code, rows }).toEqual({ code: 2, rows: [] });
    expect(said).toHaveLength(1);
    expect(said[0]).toMatch(message);
  });
});

describe("embedded", { timeout }, () => {
  test("a crashed actor and a paused one: each said once, and the same rows", async () => {
    const undisturbed = await run([]);
    const { code, rows, said } = await run(
      ["crash:readings/0@2", "pause:readings/0@3:200ms"],
      ["--inject-in-production"],
      {
        NODE_ENV: "production",
      },
    );
    expect({ code, rows }).toEqual({ code: 0, rows: undisturbed.rows });
    expect(said.filter((line) => line.includes("a fault is injected"))).toHaveLength(2);
  });
});

describe.skipIf(binary === undefined)("on NATS", { timeout }, () => {
  test("a process that is killed once: started again with the same flags it completes, with the same rows", async () => {
    const nats = await natsForTests({}, onTestFinished);
    const connection = ["--nats", nats?.server.url ?? ""];
    const faults = ["crash-process:readings/0@4"];
    const first = await run(faults, connection);
    expect(first).toMatchObject({ code: null, signal: "SIGKILL" });
    expect(first.said.join("\n")).toContain("a fault is injected");
    const second = await run(faults, connection);
    expect(second.code).toBe(0);
    expect(second.said.join("\n")).not.toContain("a fault is injected");
    const undisturbed = await run([]);
    expect([...new Set([...first.rows, ...second.rows])].toSorted()).toEqual(undisturbed.rows);
  });
});
