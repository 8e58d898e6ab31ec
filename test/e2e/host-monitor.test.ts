/**
 * `npm start` as a user runs it: window results, then the summary, then the exit code.
 */
import { expect, onTestFinished, test } from "vitest";
import { binaryForTests, natsForTests } from "../support/nats.ts";
import { type Program, startNode } from "../support/program.ts";

const timeout = 90_000;
const binary = await binaryForTests();
const flags = ["examples/host-monitor.ts", "--json", "--average", "500ms", "--maximum", "1s/500ms", "--every", "50ms"];

interface Result {
  readonly label: string;
  readonly value: {
    readonly key: string;
    readonly window: { readonly start: number; readonly end: number };
    readonly value: number;
  };
}

interface Summary {
  readonly summary: Readonly<Record<"recordsIn" | "windowsOut" | "late" | "deadLetters" | "restarts", number>>;
}

function resultsOf({ stdout }: Program): { readonly results: readonly Result[]; readonly summary: Summary["summary"] } {
  const lines = stdout.map((line) => JSON.parse(line) as Result | Summary);
  const last = lines.at(-1);
  if (last === undefined || !("summary" in last)) throw new Error(`no summary at the end: ${JSON.stringify(last)}`);
  return { results: lines.slice(0, -1) as readonly Result[], summary: last.summary };
}

function expectResults({ results, summary }: ReturnType<typeof resultsOf>): void {
  expect(new Set(results.map(({ label }) => label))).toEqual(new Set(["average CPU", "maximum memory"]));
  for (const { value } of results) {
    expect(value.window.end - value.window.start).toBeOneOf([500, 1_000]);
    expect(value.value).toBeGreaterThanOrEqual(0);
    expect(value.value).toBeLessThanOrEqual(100);
  }
  expect(summary).toMatchObject({ late: 0, deadLetters: 0, restarts: 0 });
  expect(summary.recordsIn).toBeGreaterThan(0);
}

test(
  "npm start -- --duration: every window, those at the end too, the summary last, exit code 0",
  { timeout },
  async () => {
    const program = startNode([...flags, "--duration", "4s"]);
    expect(await program.ended()).toMatchObject({ code: 0 });
    const answer = resultsOf(program);
    expectResults(answer);
    expect(answer.summary.windowsOut).toBe(answer.results.length);
    const ids = answer.results.map(({ label, value }) => `${label} ${value.window.start}`);
    expect(new Set(ids).size).toBe(ids.length);
  },
);

test.skipIf(binary === undefined)("the same on NATS: a worker that goes after its time", { timeout }, async () => {
  const nats = await natsForTests({}, onTestFinished);
  const program = startNode([...flags, "--nats", nats?.server.url ?? "", "--duration", "6s"]);
  expect(await program.ended()).toMatchObject({ code: 0 });
  expectResults(resultsOf(program));
});

test("a wrong option is one line and exit code 2", { timeout }, async () => {
  const program = startNode(["examples/host-monitor.ts", "--maximum", "1h"]);
  expect(await program.ended()).toMatchObject({ code: 2 });
  expect(program.stderr).toEqual([expect.stringContaining("--maximum")]);
});
