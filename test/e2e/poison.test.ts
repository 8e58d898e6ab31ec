/**
 * Records that do harm, on real processes: one that throws, one that ends its process, one that never ends (R15). All others are processed, each once.
 */
import { describe, expect, onTestFinished, test } from "vitest";
import { runTidemark } from "../support/command.ts";
import { binaryForTests, natsForTests } from "../support/nats.ts";
import { startNode, type Program } from "../support/program.ts";

const timeout = 120_000;
const binary = await binaryForTests();
const program = "test/e2e/programs/poisoned.ts";
const count = 600;

async function serverUrl(): Promise<string> {
  const nats = await natsForTests({}, onTestFinished);
  if (nats === undefined) throw new Error("no nats-server");
  return nats.server.url;
}

/** Every number that came out, and whether each sum is that of its key's numbers up to there, but for `harmful`. */
function expectAllBut(harmful: readonly number[], lines: readonly string[]): void {
  const rows = new Map<number, { key: number; index: number; sum: number }>();
  for (const line of lines) {
    const row = rowIn(line);
    if (row !== undefined) rows.set(row.index, row);
  }
  const healthy = Array.from({ length: count }, (_, index) => index).filter((index) => !harmful.includes(index));
  expect([...rows.keys()].toSorted((a, b) => a - b)).toEqual(healthy);
  const sums = new Map<number, number>();
  for (const index of healthy) {
    const sum = (sums.get(index % 8) ?? 0) + index;
    sums.set(index % 8, sum);
    expect(rows.get(index)).toEqual({ key: index % 8, index, sum });
  }
}

function rowIn(line: string): { key: number; index: number; sum: number } | undefined {
  const start = line.indexOf("{");
  if (start < 0) return undefined;
  const parsed = JSON.parse(line.slice(start)) as { value?: { key: number; index: number; sum: number } };
  return parsed.value ?? (parsed as unknown as { key: number; index: number; sum: number });
}

async function expectEnded(running: Program, harmful: readonly number[]): Promise<void> {
  expect(await running.ended(timeout)).toMatchObject({ code: 0 });
  const end = running.stderr.find((line) => line.startsWith("completed"));
  expect(end).toContain(`"recordsIn":${count}`);
  expect(end).toContain(`"deadLetters":${harmful.length}`);
  expectAllBut(harmful, running.stdout);
}

/** What the command line says of the dead letters of the job `poisoned`. */
async function expectLetters(url: string): Promise<void> {
  const tidemark = (...args: readonly string[]) =>
    runTidemark(["dead-letters", "poisoned", ...args], { TIDEMARK_NATS: url });
  const listed = JSON.parse((await tidemark("list", "--json")).out) as {
    number: string;
    code: string;
    value: unknown;
  }[];
  const whats = listed.map(({ code, value }) => `${(value as { index: number }).index} ${code}`);
  expect(new Set(whats)).toEqual(new Set(["100 USER_FUNCTION", "200 POISON", "300 POISON"]));
  expect(listed).toHaveLength(3);
  const thrown = listed.find(({ code }) => code === "USER_FUNCTION")?.number ?? "";
  expect((await tidemark("list", "--reason", "poison")).out.split("\n")).toHaveLength(3);
  const shown = await tidemark("show", thrown);
  expect(shown.out).toMatch(/reason: +USER_FUNCTION: it does not like this one\n/);
  expect(shown.out).toMatch(/record: +\{"index":100,"key":4\}\n/);
  expect(shown.out).toMatch(/at .*poisoned\.ts:\d+/);
  expect(await tidemark("drop", thrown)).toMatchObject({ code: 0, out: "1 dead letter of job poisoned dropped" });
  expect(await tidemark("show", thrown)).toMatchObject({
    code: 1,
    said: expect.stringContaining("NOT_FOUND") as string,
  });
  expect(await tidemark("bury")).toMatchObject({ code: 2 });
  expect(await tidemark("show")).toMatchObject({ code: 2 });
  expect(await tidemark("list", "--limit", "none")).toMatchObject({ code: 2 });
  expect(await tidemark("drop", "all")).toMatchObject({ code: 0, out: "2 dead letters of job poisoned dropped" });
  expect((await tidemark()).out).toBe("no dead letters");
}

describe.skipIf(binary === undefined)("R15: on a fleet", { timeout }, () => {
  test("a record that throws, one that calls process.exit, and one that loops for ever: everything else is there", async () => {
    const url = await serverUrl();
    const running = startNode([program, "poisoned", "throws,exits,loops", "3", url]);
    await expectEnded(running, [100, 200, 300]);
    expect(running.stderr.some((line) => /ended from within a turn.*sums/.test(line))).toBe(true);
    await expectLetters(url);
  });

  test("a record that kills its process with a signal, whatever thread it is in", async () => {
    await expectEnded(startNode([program, "killed", "kills", "2", await serverUrl()]), [100]);
  });
});

describe.skipIf(binary === undefined)("R15: a worker alone", { timeout }, () => {
  test("is ended by its watchdog, and when it is started again it is known whose turn it was", async () => {
    const environment = { TIDEMARK_NATS: await serverUrl() };
    const start = () => startNode([program, "alone", "loops"], environment);
    const said: string[] = [];
    for (let deaths = 0; deaths < 2; deaths += 1) {
      const running = start();
      expect(await running.ended(timeout)).toMatchObject({ signal: "SIGKILL" });
      expect(running.stderr.some((line) => /a turn has not ended in time.*sums/.test(line))).toBe(true);
      said.push(...running.stdout);
    }
    const running = start();
    expect(await running.ended(timeout)).toMatchObject({ code: 0 });
    expect(running.stderr.find((line) => line.startsWith("completed"))).toContain('"deadLetters":1');
    expectAllBut([100], [...said, ...running.stdout]);
  });
});

describe("R15: in one process, on memory", { timeout }, () => {
  test("a record that never ends ends the process, with a word about where", async () => {
    const running = startNode([program, "embedded", "loops"]);
    expect(await running.ended(timeout)).toMatchObject({ signal: "SIGKILL" });
    expect(running.stderr.some((line) => /a turn has not ended in time.*sums/.test(line))).toBe(true);
  });

  test("one that calls process.exit is named, and is no success", async () => {
    const running = startNode([program, "embedded", "exits"]);
    expect(await running.ended(timeout)).toMatchObject({ code: 3 });
    expect(running.stderr.some((line) => /ended from within a turn.*sums/.test(line))).toBe(true);
  });
});
