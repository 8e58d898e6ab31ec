/** An edge watched beside a running job: what its receivers take, each record once, and nothing of the job is changed by it. */
import { expect, describe, test } from "vitest";
import { openTap, type TapOptions, type TappedRecord } from "../../framework/administration/tap.ts";
import { edgesIn, planText } from "../../framework/plan/plan-text.ts";
import { testJob, type TestJob } from "../../framework/testing/test-job.ts";
import { readings, twoExchanges } from "../actor/jobs.ts";
import { administrator, settled } from "./administrator.ts";

interface Tapped {
  readonly records: TappedRecord[];
  readonly missed: string[];
  readonly close: () => void;
}

async function tap(t: TestJob, options: Partial<TapOptions> = {}): Promise<Tapped> {
  const records: TappedRecord[] = [];
  const missed: string[] = [];
  const asked = { edge: "readings.sums", from: "now", ...options } as const;
  const events = {
    onRecord: (record: TappedRecord) => records.push(record),
    onMissed: (_to: number, what: string) => missed.push(what),
  };
  const close = await settled(t, openTap(administrator(t), t.plan.job, asked, events));
  return { records, missed, close };
}

/** `from>to#number` of each, in order. */
function identities(records: readonly TappedRecord[]): string[] {
  return records.map(({ from, to, number }) => `${from}>${to}#${number}`).toSorted();
}

describe("an edge", () => {
  test("each record that goes over it, with its number, message, time and value", async () => {
    const t = await testJob(twoExchanges());
    const { records, missed } = await tap(t);
    const fed = readings(4, 0, 1_000);
    await t.feed("readings", fed);
    expect(records.map(({ value }) => value)).toEqual(expect.arrayContaining([...fed]));
    expect(records).toHaveLength(fed.length);
    expect(records.every(({ timestamp, value }) => timestamp === (value as { at: number }).at)).toBe(true);
    expect(missed).toEqual([]);
  });

  test("R2: what is said again after a crash is told once; with `repeats`, that it is a repetition", async () => {
    const t = await testJob(twoExchanges());
    const [once, all] = [await tap(t), await tap(t, { repeats: true })];
    await t.feed("readings", readings(4, 0, 1_000));
    await t.crash("readings/0");
    await t.feed("readings", readings(4, 1_000, 2_000));
    const told = identities(once.records);
    expect(new Set(told).size).toBe(told.length);
    expect(identities(all.records.filter(({ isRepeated }) => !isRepeated))).toEqual(told);
    expect(all.records.some(({ isRepeated }) => isRepeated)).toBe(true);
  });

  test("`start` begins with what the inboxes still hold; a partition is watched alone", async () => {
    const t = await testJob(twoExchanges());
    const fed = readings(6, 0, 1_000);
    await t.feed("readings", fed);
    expect((await tap(t)).records).toEqual([]);
    const whole = await tap(t, { from: "start" });
    await t.settle();
    expect(whole.records).toHaveLength(fed.length);
    const one = await tap(t, { from: "start", partition: 1 });
    await t.settle();
    expect(identities(one.records)).toEqual(identities(whole.records.filter(({ to }) => to === 1)));
  });

  test("T2: what the job has trimmed is not waited for: it begins with what is there", async () => {
    const t = await testJob(twoExchanges());
    for (let second = 0; second < 4; second += 1) {
      await t.feed("readings", readings(4, second * 1_000, second * 1_000 + 1_000));
      await t.clock(11_000);
    }
    const { records } = await tap(t, { from: "start" });
    await t.settle();
    expect(records.length).toBeGreaterThan(0);
    expect(Math.min(...records.map(({ number }) => number))).toBeGreaterThan(1);
  });

  test("after `close` nothing is told", async () => {
    const t = await testJob(twoExchanges());
    const { records, close } = await tap(t);
    close();
    await t.feed("readings", readings(4, 0, 1_000));
    expect(records).toEqual([]);
  });
});

describe("late records and dead letters are edges, too", () => {
  test("`sums.late`", async () => {
    const t = await testJob(twoExchanges());
    const { records } = await tap(t, { edge: "sums.late" });
    await t.feed("readings", readings(1, 5_000, 6_000));
    await t.watermark("readings", 5_900);
    await t.feed("readings", [{ at: 1, device: "d0", celsius: 1 }]);
    expect(records.map(({ value }) => value)).toEqual([{ at: 1, device: "d0", celsius: 1 }]);
  });
});

describe("what is refused", () => {
  test("an edge or partition that is not there, with those that are", async () => {
    const t = await testJob(twoExchanges());
    await expect(tap(t, { edge: "sums.readings" })).rejects.toMatchObject({
      code: "OPTION_INVALID",
      message: expect.stringMatching(/readings\.sums, sums\.totals, .*sums\.late/),
    });
    await expect(tap(t, { partition: 2 })).rejects.toThrow(/sums has partitions 0 to 1/);
  });
});

test("the edges in a plan's text are the plan's own", async () => {
  const { plan } = await testJob(twoExchanges());
  const written = edgesIn(planText(plan));
  const nameOf = (to: number | "dead" | "late") => (typeof to === "number" ? { stage: plan.stages[to]?.name } : to);
  expect(written).toMatchObject(
    plan.edges.map(({ index, name, from, to }) => ({ index, name, from: plan.stages[from]?.name, to: nameOf(to) })),
  );
});
