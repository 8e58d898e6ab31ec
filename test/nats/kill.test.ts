/**
 * What is left of a log when its server is killed in the middle: nothing acknowledged is lost, and nothing is out of order.
 */
import { describe, expect, test } from "vitest";
import { StreamError } from "../../framework/errors.ts";
import type { Log } from "../../framework/log/contracts.ts";
import { Collector } from "../conformance/collector.ts";
import { newJob } from "../conformance/place.ts";
import { natsForTests } from "../support/nats.ts";
import { until } from "../support/until.ts";
import { GoBackLane, readFrame } from "./go-back-lane.ts";

const nats = await natsForTests();

/** The numbers a receiver accepts per sender by "the last one plus 1"; the rest are repetitions or, if there are any, holes. */
function accept(collector: Collector, senders: number): { readonly last: readonly number[]; readonly holes: number } {
  const last = Array.from({ length: senders }, () => 0);
  let holes = 0;
  for (const { payload } of collector.entries) {
    const { sender, number } = readFrame(payload);
    const expected = (last[sender] ?? 0) + 1;
    if (number === expected) last[sender] = number;
    else if (number > expected) holes++;
  }
  return { last, holes };
}

async function open(): Promise<Log> {
  const seams = await nats?.connect();
  if (seams === undefined) throw new Error("no nats-server");
  return seams.logs.create(`TM_${newJob()}_1_IN_avg_0`, { maxBytes: 256 * 1024 * 1024, full: "refuse" });
}

describe.skipIf(nats === undefined)("a server that is killed", () => {
  test("R3: three lanes of pipelined frames through five kills: nothing lost, no hole, and the reader heals by itself", async () => {
    const [count, kills, senders] = [4_000, 5, 3];
    const log = await open();
    const collector = new Collector(log, 1);
    const lanes = Array.from({ length: senders }, (_, sender) => new GoBackLane(log, sender, count));
    for (const lane of lanes) lane.start();
    for (let kill = 1; kill <= kills; kill++) {
      const mark = (kill * count) / (kills + 1);
      await until(`frame ${mark} is proven`, () => lanes.every(({ proven }) => proven.length >= mark));
      await nats?.server.kill("SIGKILL");
      await nats?.server.restart();
    }
    await until("every frame is proven", () => lanes.every(({ isDone }) => isDone));
    const { last } = await log.info();
    await collector.has(last);
    for (const lane of lanes) lane.close();

    expect(collector.sequences).toEqual(Array.from({ length: last }, (_, index) => index + 1));
    expect(accept(collector, senders)).toEqual({ last: [count, count, count], holes: 0 });
    expect(collector.broken).toEqual([]);
    for (const [sender, lane] of lanes.entries()) {
      const proven = lane.proven.map((sequence) => collector.entries[sequence - 1]?.payload);
      expect(proven.map((payload) => payload && readFrame(payload))).toEqual(
        Array.from({ length: count }, (_, index) => ({ sender, number: index + 1 })),
      );
    }
  });

  test("a server that stands still is waited for", async () => {
    const log = await open();
    const collector = new Collector(log, 1);
    const lane = new GoBackLane(log, 0, 2_000);
    lane.start();
    await until("some frames are proven", () => lane.proven.length >= 500);
    await nats?.server.kill("SIGSTOP");
    // The signal takes a moment, on a busy machine a long one: until then calls are answered.
    const endMs = performance.now() + 15_000;
    let asked: unknown;
    while (!StreamError.is(asked) && performance.now() < endMs)
      asked = await log.info().catch((error: unknown) => error);
    await nats?.server.kill("SIGCONT");
    expect(asked).toMatchObject({ code: "TIMEOUT" });
    await until("every frame is proven", () => lane.isDone);
    await collector.has((await log.info()).last);
    lane.close();
    expect(accept(collector, 1)).toEqual({ last: [2_000], holes: 0 });
  });

  test("appends while the connection is down fail, and lanes hear when it is back", async () => {
    const log = await open();
    const events: string[] = [];
    const results: string[] = [];
    const appender = log.appender(
      (_tag, _attempt, result) => void results.push(result.kind),
      (event) => void events.push(event),
    );
    await nats?.server.kill("SIGKILL");
    await until("the loss is noticed", () => events.length === 1);
    appender.append(new Uint8Array(1), 1, 1);
    expect(results).toEqual([]);
    await until("the append has failed", () => results.length === 1);
    await nats?.server.restart();
    await until("the connection is back", () => events.length === 2);
    appender.append(new Uint8Array(1), 1, 2);
    await until("the append is stored", () => results.length === 2);
    expect(events).toEqual(["disconnected", "reconnected"]);
    expect(results).toEqual(["failed", "stored"]);
    expect(await log.info()).toMatchObject({ last: 1 });
    appender.close();
  });

  test("a call made while the server is down waits for it for a while, and is UNAVAILABLE when it does not come back", async () => {
    const log = await open();
    const events: string[] = [];
    log.appender(
      () => {},
      (event) => void events.push(event),
    );
    await nats?.server.kill("SIGKILL");
    await expect(log.info()).rejects.toMatchObject({ code: "UNAVAILABLE" });
    await until("the loss is noticed", () => events.length === 1);
    await expect(log.info()).rejects.toMatchObject({ code: "UNAVAILABLE" });
    const [info] = await Promise.all([log.info(), nats?.server.restart()]);
    expect(info).toMatchObject({ last: 0 });
  });

  test("a call in flight when the server is killed fails at once, and what it did is unknown", async () => {
    const log = await open();
    await nats?.server.kill("SIGSTOP");
    const outcomes = Promise.allSettled([log.info(), log.info(), log.trim(2), log.get(1)]);
    const startedMs = performance.now();
    await nats?.server.kill("SIGKILL");
    const settled = await outcomes;
    expect(performance.now() - startedMs).toBeLessThan(1_900);
    const codes = settled.map((outcome) =>
      outcome.status === "rejected" ? StreamError.is(outcome.reason, "UNAVAILABLE") : true,
    );
    expect(codes).toEqual([true, true, true, true]);
    await nats?.server.restart();
  });
});
