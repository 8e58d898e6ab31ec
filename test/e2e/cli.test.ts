/**
 * `tidemark run FILE` and `tidemark plan FILE` as commands: what they print, and the exit codes.
 */
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { describe, expect, onTestFinished, test } from "vitest";
import { binaryForTests, natsForTests } from "../support/nats.ts";
import { startTidemark } from "../support/program.ts";

const timeout = 90_000;
const binary = await binaryForTests();

async function tidemark(...args: readonly string[]) {
  const program = startTidemark(args);
  const { code } = await program.ended();
  return { code, out: program.stdout.join("\n"), said: program.stderr.join("\n") };
}

describe("plan", { timeout }, () => {
  test("as text: stages, edges, sinks with their guarantees, bytes reserved", async () => {
    const { code, out } = await tidemark("plan", "examples/host-monitor.ts");
    expect(code).toBe(0);
    expect(out).toMatch(/^job host-monitor/);
    for (const part of ["metrics.average", "tumbling 2s", "maximum memory", "at least once", "reserves"])
      expect(out).toContain(part);
  });

  test("as JSON, and as Mermaid", async () => {
    const json = await tidemark("plan", "--json", "examples/quick-start.ts");
    const { job, version, stages } = JSON.parse(json.out) as {
      readonly job: string;
      readonly version: string;
      readonly stages: readonly { readonly name: string }[];
    };
    expect({ job, stages: stages.map(({ name }) => name), code: json.code }).toEqual({
      job: "quick-start",
      stages: ["readings", "average"],
      code: 0,
    });
    const file = await readFile("examples/quick-start.ts");
    expect(version).toBe(createHash("sha256").update(file).digest("hex").slice(0, 16));
    const mermaid = await tidemark("plan", "examples/quick-start.ts", "--mermaid");
    expect(mermaid.out).toMatch(/^flowchart LR\n/);
    expect(mermaid.code).toBe(0);
  });

  test("on a cluster the inboxes are larger, and nothing is connected to", async () => {
    const { code, out } = await tidemark("plan", "examples/quick-start.ts", "--nats", "nats://127.0.0.1:1");
    expect(code).toBe(0);
    expect(out).toContain("records 128 MiB");
  });

  test("a wrong program is refused with the place", async () => {
    const { code, said, out } = await tidemark("plan", "test/e2e/programs/wrong-plan.ts");
    expect({ code, out }).toEqual({ code: 2, out: "" });
    expect(said).toMatch(/^PLAN_INVALID: .*"more"/);
    expect(said.split("\n")).toHaveLength(1);
  });
});

describe("run", { timeout }, () => {
  test("what follows -- are the program's arguments", async () => {
    const { code, out } = await tidemark("run", "test/e2e/programs/greetings.ts", "--", "Ada", "--new");
    expect(code).toBe(0);
    expect(out.split("\n").map((line) => (JSON.parse(line) as { readonly value: string }).value)).toEqual([
      "hello Ada",
      "hello --new",
    ]);
  });

  test.each([
    ["a wrong program", "test/e2e/programs/wrong-plan.ts", /^PLAN_INVALID: .*"more"/],
    ["a file that is not there", "test/e2e/programs/nothing.ts", /^PATH_UNUSABLE: .*nothing\.ts/],
    ["a file without a job", "examples/command-line.ts", /^PLAN_INVALID: .*command-line\.ts default-exports neither/],
    ["a wrong argument of the program", "examples/sensor-history.ts", /^OPTION_INVALID: --input is missing/],
  ])("%s: one line, and an exit code", async (_what, file, message) => {
    const { code, said, out } = await tidemark("run", file);
    expect(said).toMatch(message);
    expect(said.split("\n")).toHaveLength(1);
    expect(out).toBe("");
    expect(code).not.toBe(0);
  });

  test.each([[["frobnicate"]], [["run"]], [["run", "examples/quick-start.ts", "--frobnicate"]]])(
    "%j: the command line is wrong",
    async (args) => {
      const { code, said } = await tidemark(...args);
      expect(code).toBe(2);
      expect(said).toMatch(/^error: /);
    },
  );

  test("--help is no error", async () => {
    const { code, out } = await tidemark("--help");
    expect(code).toBe(0);
    expect(out).toContain("plan");
  });
});

describe.skipIf(binary === undefined)("a job that is over", { timeout }, () => {
  test("is said to be over, and --new starts the next generation", async () => {
    const nats = await natsForTests({}, onTestFinished);
    const run = ["run", "examples/quick-start.ts", "--nats", nats?.server.url ?? ""];
    const lines = (out: string) => out.split("\n").toSorted();

    const first = await tidemark(...run);
    expect(first.code).toBe(0);
    expect(lines(first.out)).toHaveLength(3);

    const again = await tidemark(...run);
    expect({ code: again.code, out: again.out }).toEqual({ code: 0, out: "" });
    expect(again.said).toMatch(/quick-start, generation 1, has completed.*--new/);

    const next = await tidemark(...run, "--new");
    expect(next.code).toBe(0);
    expect(lines(next.out)).toEqual(lines(first.out));

    const after = await tidemark(...run);
    expect(after.said).toMatch(/generation 2, has completed/);
  });
});
