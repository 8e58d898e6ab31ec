/** A job of which one host is bad: what is found out, and what becomes of the job. */
import { expect, test } from "vitest";
import { testJob, type TestJob } from "tidemark/testing";
import { listQuarantines, releaseQuarantine } from "../../framework/administration/quarantine-orders.ts";
import { administrator, settled } from "../administration/administrator.ts";
import { readings, twoExchanges } from "./jobs.ts";

const bad = { host: "bad" };
const good = { host: "good" };

const hostOf = (t: TestJob, worker: string) => t.status().workers.find((each) => each.worker === worker)?.host;
const instancesOn = (t: TestJob, host: string) =>
  t.status().instances.filter(({ worker }) => hostOf(t, worker) === host).length;

/** Crashes each instance of the keyed stages that takes a turn on the first worker, while `isBad` says so. */
async function onBadHost(isBad: () => boolean, workers = 2): Promise<TestJob> {
  const places = Array.from({ length: workers }, (_, index) => (index === 1 ? bad : good));
  return testJob(twoExchanges(), {
    workers,
    places,
    crashAt: ({ stage, worker }) => (isBad() && worker === 1 && stage !== "readings" ? "actor" : undefined),
  });
}

async function feedOn(t: TestJob, from: number, to: number): Promise<void> {
  for (let at = from; at < to; at += 1_000) {
    await t.feed("readings", readings(4, at, at + 1_000));
    await t.clock(1_000);
  }
}

test("instances that crash on one worker and not elsewhere move away from it, and the job does not fail", async () => {
  let isBad = false;
  const t = await onBadHost(() => isBad);
  expect(instancesOn(t, "bad")).toBeGreaterThan(0);
  isBad = true;
  await feedOn(t, 0, 8_000);
  const [found] = t.status().quarantines;
  expect(found).toMatchObject({ scope: "worker", times: 1 });
  expect(found?.evidence).toMatch(/crashes of \d instances? there/);
  expect(instancesOn(t, "bad")).toBe(0);
  expect(
    t
      .status()
      .workers.map(({ host, standing }) => `${host} ${standing}`)
      .toSorted(),
  ).toEqual(["bad quarantine", "good open"]);
  await t.endOfInput();
  expect(t.outcome).toBe("completed");
  expect(t.take("out")).toHaveLength(32);
});

test("it survives the leader, ends by time, and the next one is longer", async () => {
  let isBad = false;
  const t = await onBadHost(() => isBad, 3);
  isBad = true;
  await feedOn(t, 0, 8_000);
  const [first] = t.status().quarantines;
  expect(first?.times).toBe(1);
  t.workers.find(({ isLeader, id }) => isLeader && id !== first?.subject)?.kill();
  await t.clock(5_000);
  expect(t.status().quarantines).toEqual([first]);
  expect(instancesOn(t, "bad")).toBe(0);
  isBad = false;
  await t.clock(60_000);
  expect(t.status().quarantines).toEqual([]);
  expect(instancesOn(t, "bad")).toBeGreaterThan(0);
  isBad = true;
  await feedOn(t, 8_000, 16_000);
  expect(t.status().quarantines).toMatchObject([{ times: 2 }]);
  const [{ sinceMs, untilMs } = { sinceMs: 0, untilMs: 0 }] = t.status().quarantines;
  expect(untilMs - sinceMs).toBe(120_000);
});

test("a release by command ends it; what is not in quarantine is refused by name", async () => {
  let isBad = false;
  const t = await onBadHost(() => isBad);
  isBad = true;
  await feedOn(t, 0, 8_000);
  const admin = administrator(t);
  const { quarantines } = await settled(t, listQuarantines(admin, "two-exchanges"));
  const subject = quarantines[0]?.subject ?? "";
  await expect(settled(t, releaseQuarantine(admin, "two-exchanges", "nobody"))).rejects.toThrow(
    `"nobody" is not in quarantine in job two-exchanges: there are worker ${subject}`,
  );
  isBad = false;
  const released = await settled(t, releaseQuarantine(admin, "two-exchanges", subject));
  expect(released.quarantines).toEqual([]);
  await t.clock(5_000);
  expect(instancesOn(t, "bad")).toBeGreaterThan(0);
});

test("a lone worker is never in quarantine, and a program that crashes everywhere uses up its budget", async () => {
  let isBad = false;
  const crashAt = ({ stage }: { readonly stage: string }) => (isBad && stage !== "readings" ? "actor" : undefined);
  const t = await testJob(twoExchanges(), { workers: 1, places: [bad], crashAt });
  isBad = true;
  await t.feed("readings", readings(4, 0, 1_000));
  await t.clock(60_000);
  expect(t.outcome).toBe("failed");
  expect(t.failure).toMatchObject({ code: "RESTARTS_EXHAUSTED" });
});
