/** A production job on a real server, tapped and replayed from the command line, beside its workers and after a kill. */
import { expect, describe, onTestFinished, test } from "vitest";
import type { TappedRecord } from "../../framework/administration/tap.ts";
import type { ReplayReport } from "../../framework/replay/replay.ts";
import { binaryForTests, natsForTests } from "../support/nats.ts";
import { type Program, startTidemark } from "../support/program.ts";

const timeout = 120_000;
const binary = await binaryForTests();
const ticking = "test/e2e/programs/ticking.ts";

interface Ran {
  readonly code: number | null;
  readonly out: string;
  readonly said: string;
}

interface Place {
  readonly start: (...args: readonly string[]) => Program;
  readonly tidemark: (...args: readonly string[]) => Promise<Ran>;
}

async function place(): Promise<Place> {
  const nats = await natsForTests({}, onTestFinished);
  if (nats === undefined) throw new Error("no nats-server");
  const start = (...args: readonly string[]) => startTidemark(args, { TIDEMARK_NATS: nats.server.url });
  const tidemark = async (...args: readonly string[]) => {
    const program = start(...args);
    const { code } = await program.ended();
    return { code, out: program.stdout.join("\n"), said: program.stderr.join("\n") };
  };
  return { start, tidemark };
}

describe.skipIf(binary === undefined)("a production job", { timeout }, () => {
  test("each edge is watched live; any actor is replayed beside it, after a kill, and is equal", async () => {
    const { start, tidemark } = await place();
    const first = start("run", ticking, "--", "watched");
    await first.prints(/ticks/);
    first.send("SIGKILL");
    await first.ended();
    const second = start("run", ticking, "--", "watched");
    await second.prints(/ticks/);

    const tapped = await tidemark("tap", "watched", "numbers.count", "--limit", "20", "--json");
    expect(tapped).toMatchObject({ code: 0, said: "" });
    const records = tapped.out.split("\n").map((line) => JSON.parse(line) as TappedRecord);
    expect(records).toHaveLength(20);
    expect(records.every(({ value, timestamp }) => (value as { at: number }).at === timestamp)).toBe(true);

    for (const instance of ["count/0", "count/1"]) {
      const replayed = await tidemark("replay", "watched", instance, "--program", ticking, "--json", "--", "watched");
      expect(replayed).toMatchObject({ code: 0, said: "" });
      expect(JSON.parse(replayed.out)).toMatchObject({ instance, isEqual: true, outputs: { differences: 0 } });
    }
    const source = await tidemark("replay", "watched", "numbers/0", "--program", ticking, "--", "watched");
    expect(source).toMatchObject({ code: 0, out: expect.stringMatching(/differences[^]*\nequal$/) });

    const traced = await tidemark("replay", "watched", "count/0", "--program", ticking, "--trace", "--", "watched");
    expect(traced.said).toMatch(/watermark: numbers\.count at/);
    await tidemark("stop", "watched");
    await second.ended();
  });

  test("an actor that is no function of its inbox: exit code 1, both values named", async () => {
    const { start, tidemark } = await place();
    const program = "test/e2e/programs/forgetful.ts";
    const worker = start("run", program, "--", "forgetful");
    expect(await worker.ended(60_000)).toMatchObject({ code: 0 });
    const args = ["replay", "forgetful", "counter/0", "--program", program, "--from", "start"];
    const replayed = await tidemark(...args, "--json", "--", "forgetful");
    expect(replayed.code).toBe(1);
    const report = JSON.parse(replayed.out) as ReplayReport;
    expect(report).toMatchObject({ isEqual: false, outputs: { compared: 40, differences: 40 } });
    expect(report.outputs.difference).toMatchObject({ edge: "counter.passing", number: 1 });
    expect(report.outputs.difference?.logged?.value).toMatchObject({ by: worker.processId });
    expect(report.outputs.difference?.replayed.value).not.toMatchObject({ by: worker.processId });
    const text = await tidemark(...args, "--", "forgetful");
    expect(text.out).toMatch(/first difference: counter\.passing to 0, record 1[^]*replayed:[^]*logged:[^]*NOT EQUAL$/);
  });

  test("what makes no sense is refused", async () => {
    const { start, tidemark } = await place();
    const worker = start("run", ticking, "--", "refusing");
    await worker.prints(/ticks/);
    expect(await tidemark("tap", "refusing", "numbers.nothing")).toMatchObject({
      code: 2,
      said: expect.stringMatching(/^OPTION_INVALID: .*numbers\.count/),
    });
    expect(await tidemark("tap", "nobody", "a.b")).toMatchObject({
      code: 1,
      said: expect.stringMatching(/^NOT_FOUND/),
    });
    expect(await tidemark("tap", "refusing", "numbers.count", "--limit", "x")).toMatchObject({ code: 2 });
    expect(await tidemark("replay", "refusing", "count/0")).toMatchObject({ code: 2 });
    const other = await tidemark("replay", "refusing", "count/0", "--program", "test/e2e/programs/forgetful.ts");
    expect(other).toMatchObject({ code: 1, said: expect.stringMatching(/^JOB_MISMATCH/) });
    const pause = ["--pause-at", "3", "--program", ticking, "--", "refusing"];
    expect(await tidemark("replay", "refusing", "count/0", ...pause)).toMatchObject({ code: 2 });
    await tidemark("stop", "refusing");
    await worker.ended();
  });
});
