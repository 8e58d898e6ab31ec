/**
 * Restores and upgrades on a real server: what was counted goes on being counted, nothing twice and nothing left out, whatever happens in the middle.
 */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { binaryForTests, natsForTests } from "../support/nats.ts";
import { startTidemark, type Program } from "../support/program.ts";
import { until } from "../support/until.ts";

const timeout = 120_000;
const binary = await binaryForTests();
const programFile = "test/e2e/programs/counted.ts";

interface Row {
  readonly key: string;
  readonly sum: number;
  readonly version: string;
}

/** A server, a file for the results, and the commands that know both. */
async function scene() {
  const nats = await natsForTests({}, onTestFinished);
  if (nats === undefined) throw new Error("no nats-server");
  const folder = await mkdtemp(join(tmpdir(), "tidemark-upgrade-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const path = join(folder, "counts.jsonl");
  const start = (...args: readonly string[]) => startTidemark(args, { TIDEMARK_NATS: nats.server.url });
  const rows = async (): Promise<readonly Row[]> => {
    const text = await readFile(path, "utf8").catch(() => "");
    return text
      .split("\n")
      .slice(0, -1)
      .map((line) => JSON.parse(line) as Row);
  };
  const grows = async (isWanted: (row: Row) => boolean = () => true) => {
    const count = (await rows()).filter(isWanted).length;
    let latest = await rows();
    const look = setInterval(() => void rows().then((read) => (latest = read)), 50);
    await until("more rows", () => latest.filter(isWanted).length > count + 20, 60_000).finally(() =>
      clearInterval(look),
    );
  };
  const tidemark = async (...args: readonly string[]) => {
    const program = start(...args);
    const { code } = await program.ended();
    return { code, out: program.stdout.join("\n"), said: program.stderr.join("\n") };
  };
  const run = (version: string, partitions = "8") =>
    start("run", programFile, "--", "counted", path, version, partitions);
  const upgrade = (version: string, partitions = "8", ...flags: readonly string[]): Program =>
    start("upgrade", programFile, ...flags, "--", "counted", path, version, partitions);
  return { start, rows, grows, tidemark, run, upgrade, path };
}

/** Of each key 1, 2, 3 …: nothing lost, nothing twice, in order. */
function expectExact(rows: readonly Row[]): void {
  const wrong = [...Map.groupBy(rows, ({ key }) => key)].filter(([, own]) => own.some(({ sum }, at) => sum !== at + 1));
  expect(wrong.map(([key, own]) => [key, own.map(({ sum }) => sum).join()])).toEqual([]);
}

describe.skipIf(binary === undefined)("savepoints used", { timeout }, () => {
  test("8 partitions restored at 12; refused with the reason while it runs, and with another state", async () => {
    const { rows, grows, tidemark, run, start, path } = await scene();
    const first = run("1");
    await grows();
    const stopped = await tidemark("savepoint", "counted", "before", "--stop");
    expect(stopped).toMatchObject({ code: 0 });
    await first.ended();
    const restore = (version: string, ...flags: readonly string[]) =>
      ["restore", programFile, "--from", "counted/before", ...flags, "--", "counted", path, version, "12"] as const;
    const dry = await tidemark(...restore("2", "--dry-run"));
    expect(dry).toMatchObject({ code: 0 });
    expect(dry.out).toContain("stage counts: 8 partitions become 12, keys are divided anew");
    expect(dry.out).toContain("state counts/sum is migrated from version 1 to 2");
    expect(await tidemark(...restore("broken", "--dry-run"))).toMatchObject({
      code: 1,
      said: expect.stringMatching(
        /state counts\/state\/sum of key "k\d+" cannot be migrated from version 1 to 2: no way/,
      ) as string,
    });
    expect(await tidemark(...restore("other"))).toMatchObject({
      code: 1,
      said: expect.stringContaining("allow it with --allow-missing counts/total") as string,
    });
    const second = start(...restore("1"));
    await grows();
    expect(
      await tidemark("restore", programFile, "--from", "counted/before", "--", "counted", path, "2"),
    ).toMatchObject({
      code: 1,
    });
    second.send("SIGTERM");
    await second.ended();
    expectExact(await rows());
  });

  test("upgraded with a migrated state, after one that was refused and one that was rolled back", async () => {
    const { rows, grows, run, upgrade } = await scene();
    const first = run("1");
    await grows();
    const refused = upgrade("other");
    expect(await refused.ended()).toMatchObject({ code: 1 });
    expect(refused.stderr.join("\n")).toContain("state counts/total is not in the savepoint");
    const broken = upgrade("broken");
    expect(await broken.ended()).toMatchObject({ code: 1 });
    expect(broken.stderr.join("\n")).toMatch(/has not been upgraded, and generation 1 goes on: .*no way from here/);
    await grows(({ version }) => version === "1");
    const second = upgrade("2", "12", "--json");
    await second.prints(/pauseMs/);
    await first.ended();
    await grows(({ version }) => version === "2");
    second.send("SIGTERM");
    await second.ended();
    const said = JSON.parse(second.stdout.join("\n")) as { readonly pauseMs: number; readonly generation: number };
    process.stderr.write(`pause of the upgrade: ${said.pauseMs} ms\n`);
    expect(said).toMatchObject({ from: 1, generation: 3 });
    expectExact(await rows());
  });
});
