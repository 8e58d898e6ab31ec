/**
 * A pipe whose reader has gone (`… | head -2`): the job, the fleet or the command ends without a word, as Unix tools do.
 */
import { describe, expect, test } from "vitest";
import { binaryForTests } from "./support/nats.ts";
import { startNodeForHead } from "./support/program.ts";

const timeout = 60_000;
const binary = await binaryForTests();
const tidemark = "framework/cli/tidemark.mjs";
const monitor = "examples/host-monitor.ts";

describe("a pipe whose reader has gone", { timeout }, () => {
  test.each([
    ["a job that would go on for ever", 2, [monitor, "--average", "100ms", "--every", "50ms"]],
    ["a job that ends by itself", 1, ["examples/features/windows.ts"]],
    ["a command", 1, [tidemark, "plan", monitor, "--json"]],
    ["a job that a command runs", 2, [tidemark, "run", monitor, "--", "--average", "100ms", "--every", "50ms"]],
  ])("%s ends with 0 and says nothing of it", async (_what, lines, args) => {
    const program = startNodeForHead(lines, args);
    await program.ended();
    expect(program.stderr).toEqual(["exit 0"]);
    expect(program.stdout).toHaveLength(lines);
  });

  test.skipIf(binary === undefined)("a fleet ends with its workers and its server", async () => {
    const program = startNodeForHead(2, [tidemark, "run", monitor, "--workers", "2", "--", "--average", "100ms"]);
    await program.ended();
    expect(program.stderr.filter((line) => !line.startsWith("nats-server of this fleet"))).toEqual(["exit 0"]);
    expect(program.stdout).toHaveLength(2);
  });
});
