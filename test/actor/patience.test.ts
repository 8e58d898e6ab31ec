/** Calls that wait for a place that cannot be reached for a while. */
import { expect, test } from "vitest";
import { patientBlobs, patiently } from "../../framework/actor/patience.ts";
import { StreamError } from "../../framework/errors.ts";
import type { Blobs } from "../../framework/log/contracts.ts";
import type { Logger } from "../../framework/platform/platform.ts";
import { Rig, WatchedBlobs } from "./rig.ts";

test("Y1: a retryable error is waited out, with a back-off that doubles up to a second", async () => {
  const rig = new Rig();
  const at: number[] = [];
  const call = () => {
    at.push(rig.clock.monotonicMs());
    return at.length < 8 ? Promise.reject(new StreamError("UNAVAILABLE", "gone")) : Promise.resolve("there");
  };
  expect(await rig.result(patiently(rig.platform, "the call", call))).toBe("there");
  expect(at.slice(1).map((ms, index) => ms - (at[index] ?? 0))).toEqual([50, 100, 200, 400, 800, 1_000, 1_000]);
});

test.each(["CORRUPT", "FENCED", "NOT_FOUND"] as const)("Y1: %s passes through", async (code) => {
  const rig = new Rig();
  let calls = 0;
  const call = () => {
    calls += 1;
    return Promise.reject(new StreamError(code, "no"));
  };
  await expect(rig.result(patiently(rig.platform, "the call", call))).rejects.toMatchObject({ code });
  expect(calls).toBe(1);
});

test("a store that is out of reach while a chunk is written gets it afterwards, once", async () => {
  const rig = new Rig();
  const watched = new WatchedBlobs(await rig.result(rig.seams.blobs("job", 1)), () => undefined);
  watched.failures = 3;
  const blobs = patientBlobs(rig.platform, watched, 1);
  await rig.result(blobs.put("sums.0.1.1.0.0.ff", Buffer.from("state")));
  expect(await rig.result(blobs.list(""))).toEqual(["sums.0.1.1.0.0.ff"]);
});

test.each([
  [1, "at once", 0],
  [3, "after 10 s", 10_000],
] as const)(
  "Z1: a chunk that is not there, in a store with %d copies, is absent %s",
  async (replicas, _when, afterMs) => {
    const rig = new Rig();
    const blobs = patientBlobs(rig.platform, await rig.result(rig.seams.blobs("job", 1)), replicas);
    expect(await rig.result(blobs.get("sums.0.1.1.0.0.ff"))).toBeUndefined();
    expect(rig.clock.monotonicMs()).toBeGreaterThanOrEqual(afterMs);
    expect(rig.clock.monotonicMs()).toBeLessThan(afterMs + 1_000);
  },
);

test("Z1: a chunk that several copies do not show at first is found", async () => {
  const rig = new Rig();
  const there = await rig.result(rig.seams.blobs("job", 1));
  const blobs = patientBlobs(rig.platform, there, 3);
  const found = blobs.get("sums.0.1.1.0.0.ff");
  await rig.pass(500);
  const put = there.put("sums.0.1.1.0.0.ff", Buffer.from("state"));
  await rig.result(put);
  expect(Buffer.from((await rig.result(found)) ?? []).toString()).toBe("state");
});

test("Y2: a wait that takes long is spoken of, once, and its end", async () => {
  const rig = new Rig();
  const lines: string[] = [];
  const logger: Logger = { log: (level, message) => void lines.push(`${level} ${message}`), child: () => logger };
  let calls = 0;
  const call = () => {
    calls += 1;
    return calls < 20 ? Promise.reject(new StreamError("UNAVAILABLE", "gone")) : Promise.resolve("there");
  };
  await rig.result(patiently({ ...rig.platform, logger }, "the call", call));
  expect(lines).toEqual(["warn no answer yet; trying for ever", "info answered at last"]);
});

test("Y3: what somebody has under way who is gone is not tried again", async () => {
  const rig = new Rig();
  let tries = 0;
  let isOver = false;
  const failing: Blobs = {
    put: () => {
      tries += 1;
      return Promise.reject(new StreamError("UNAVAILABLE", "not now"));
    },
    get: () => Promise.resolve(undefined),
    delete: () => Promise.resolve(),
    list: () => Promise.resolve([]),
  };
  const blobs = patientBlobs(rig.platform, failing, 1, () => isOver);
  const put = blobs.put("chunk", Buffer.from("state"));
  put.catch(() => undefined);
  await rig.pass(500);
  const before = tries;
  expect(before).toBeGreaterThan(1);
  isOver = true;
  await expect(rig.result(put)).rejects.toMatchObject({ code: "FENCED" });
  expect(tries).toBe(before);
  await expect(rig.result(blobs.get("chunk"))).rejects.toMatchObject({ code: "FENCED" });
});
