/** The logs of a job as a worker reaches them. */
import { beforeEach, expect, test } from "vitest";
import { LogDirectory } from "../../framework/actor/log-directory.ts";
import { Rig } from "./rig.ts";

const name = "TM_job_1_IN_sums_0";

let rig: Rig;
let directory: LogDirectory;

beforeEach(() => {
  rig = new Rig();
  directory = new LogDirectory(rig.platform, rig.seams.logs);
});

test("a log is opened once, and again for a claim", async () => {
  await rig.log(name);
  const first = await rig.result(directory.open(name));
  expect(await rig.result(directory.open(name))).toBe(first);
  const again = await rig.result(directory.openAgain(name));
  expect(again).not.toBe(first);
  expect(await rig.result(directory.open(name))).toBe(again);
});

test("a log that is not there yet is waited for", async () => {
  const opening = directory.open(name);
  await rig.pass(5_000);
  const created = rig.seams.logs.create(name, { maxBytes: 1_000, full: "refuse" });
  expect((await rig.result(opening)).name).toBe((await created).name);
});

test("a log that is missing for long is gone, and that is said", async () => {
  await expect(rig.result(directory.open(name))).rejects.toMatchObject({
    code: "DATA_LOST",
    message: expect.stringContaining(`${name} does not exist any more`) as string,
  });
  expect(rig.clock.monotonicMs()).toBeGreaterThanOrEqual(10_000);
});
