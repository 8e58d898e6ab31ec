/**
 * What only logs in memory do: virtual time drives them, and they can be made to lose their tail.
 */
import { expect, test } from "vitest";
import type { Log, ReadBroken } from "../../framework/log/contracts.ts";
import { MemorySeams } from "../../framework/log/memory-seams.ts";
import { VirtualClock } from "../../framework/platform/virtual-clock.ts";

const name = "TM_mon_1_IN_avg_0";
const config = { maxBytes: 1_000_000, full: "refuse" } as const;

async function opened(): Promise<{ clock: VirtualClock; seams: MemorySeams; log: Log }> {
  const clock = new VirtualClock();
  const seams = new MemorySeams(clock);
  const creating = seams.logs.create(name, config);
  await clock.settle();
  return { clock, seams, log: await creating };
}

function append(log: Log, count: number): void {
  const appender = log.appender(
    () => {},
    () => {},
  );
  for (let tag = 1; tag <= count; tag++) appender.append(Uint8Array.of(tag), tag, 1);
}

test("nothing is answered before the clock is driven", async () => {
  const clock = new VirtualClock();
  const seams = new MemorySeams(clock);
  let isCreated = false;
  void seams.logs.create(name, config).then(() => (isCreated = true));
  await new Promise((resolve) => setImmediate(resolve));
  expect(isCreated).toBe(false);
  await clock.settle();
  expect(isCreated).toBe(true);
});

test("what is stored carries the wall time of the injected clock", async () => {
  const { clock, log } = await opened();
  await clock.advance(1_234);
  append(log, 1);
  const getting = log.get(1);
  await clock.settle();
  expect((await getting)?.storedAtMs).toBe(clock.now());
});

test("M5: lives of a log that begin in the same millisecond have different creation times", async () => {
  const { clock, seams, log } = await opened();
  const creating = seams.logs.delete(name).then(() => seams.logs.create(name, config));
  await clock.settle();
  expect((await creating).createdMs).not.toBe(log.createdMs);
});

test("R8: a log that loses its tail breaks a reader that has read it", async () => {
  const { clock, seams, log } = await opened();
  const broken: ReadBroken[] = [];
  append(log, 10);
  const reader = log.read({ from: 1, onReadable: () => {}, onBroken: (reason) => void broken.push(reason) });
  await clock.settle();
  while (reader.take() !== undefined);
  seams.logs.loseTail(name, 3);
  await clock.settle();
  expect(broken).toEqual([{ expected: 11, first: 1, last: 7, createdMs: log.createdMs }]);
});

test("H4: sequences of a lost tail are given to others, and only the message itself tells", async () => {
  const { clock, seams, log } = await opened();
  append(log, 3);
  await clock.settle();
  seams.logs.loseTail(name, 1);
  const appender = log.appender(
    () => {},
    () => {},
  );
  appender.append(Uint8Array.of(99), 1, 1);
  const getting = log.get(3);
  await clock.settle();
  expect((await getting)?.payload).toEqual(Uint8Array.of(99));
});

test("a log that is trimmed all the time keeps its sequences over many messages", async () => {
  const { clock, log } = await opened();
  for (let round = 1; round <= 40; round++) {
    append(log, 100);
    void log.trim(round * 100 - 10);
    await clock.settle();
  }
  const asking = Promise.all([log.info(), log.get(3_990), log.get(3_989)]);
  await clock.settle();
  const [info, first, before] = await asking;
  expect(info).toMatchObject({ first: 3_990, last: 4_000, bytes: 11 * (30 + name.length + 1) });
  expect(first?.sequence).toBe(3_990);
  expect(before).toBeUndefined();
});
