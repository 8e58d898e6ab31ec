/**
 * What every log keeps: the contract of `framework/log/contracts.ts`, sentence by sentence.
 */
import { describe, expect, test } from "vitest";
import { StreamError } from "../../framework/errors.ts";
import type { Log, LogConfig, Seams } from "../../framework/log/contracts.ts";
import { turn, until } from "../support/until.ts";
import { Appending, Collector, numberOf, numbers, payloads } from "./collector.ts";
import { newJob, type Place } from "./place.ts";

const roomy: LogConfig = { maxBytes: 64 * 1024 * 1024, full: "refuse" };

function nameOf(job = newJob()): string {
  return `TM_${job}_1_IN_avg_0`;
}

function create(seams: Seams, config: LogConfig = roomy): Promise<Log> {
  return seams.logs.create(nameOf(), config);
}

function codeOf(error: unknown): string {
  return StreamError.is(error) ? error.code : String(error);
}

async function filled(seams: Seams, count: number, size = 16): Promise<Log> {
  const log = await create(seams);
  const appending = new Appending(log);
  await appending.appendAll(payloads(count, size));
  appending.close();
  return log;
}

/** The suite of logs. */
export function describeLogs(place: Place): void {
  describe(`logs (${place.name})`, () => {
    describeLives(place);
    describeAppends(place);
    describeSingleAppends(place);
    describeReads(place);
    describeBreaks(place);
    describeLimits(place);
  });
}

function describeLives(place: Place): void {
  test("creating a log that exists opens it", () =>
    place.run(async (seams) => {
      const name = nameOf();
      const [first, second] = await Promise.all([seams.logs.create(name, roomy), seams.logs.create(name, roomy)]);
      expect(second.createdMs).toBe(first.createdMs);
      expect((await seams.logs.open(name)).createdMs).toBe(first.createdMs);
    }));

  test("a log with another configuration is refused, and the message says which option", () =>
    place.run(async (seams) => {
      const { name } = await create(seams);
      const smaller = await seams.logs
        .create(name, { ...roomy, maxBytes: 2 * roomy.maxBytes })
        .catch((error: unknown) => error);
      expect(codeOf(smaller)).toBe("SERVER_UNSUITABLE");
      expect(String(smaller)).toContain(String(2 * roomy.maxBytes));
      const other = await seams.logs.create(name, { ...roomy, full: "dropOldest" }).catch((error: unknown) => error);
      expect(codeOf(other)).toBe("SERVER_UNSUITABLE");
    }));

  test("R13: a log that has been raised since is still the one that was asked for", () =>
    place.run(async (seams) => {
      const log = await create(seams);
      await log.resize(roomy.maxBytes + 1024 * 1024);
      const again = await seams.logs.create(log.name, roomy);
      expect((await again.info()).config.maxBytes).toBe(roomy.maxBytes + 1024 * 1024);
    }));

  test("a log that does not exist cannot be opened", () =>
    place.run(async (seams) => {
      await expect(seams.logs.open(nameOf())).rejects.toMatchObject({ code: "NOT_FOUND" });
    }));

  test("an empty log begins at 1 and ends at 0", () =>
    place.run(async (seams) => {
      const log = await create(seams);
      expect(await log.info()).toEqual({
        name: log.name,
        createdMs: log.createdMs,
        first: 1,
        last: 0,
        bytes: 0,
        config: roomy,
      });
    }));

  test("logs are listed by the beginning of their names", () =>
    place.run(async (seams) => {
      const job = newJob();
      const names = [0, 1, 2].map((partition) => `TM_${job}_1_IN_avg_${partition}`);
      await Promise.all([...names, `TM_${job}_2_LOG`].map((name) => seams.logs.create(name, roomy)));
      const found = await seams.logs.list(`TM_${job}_1_`);
      expect(found.map(({ name }) => name).toSorted()).toEqual(names);
      expect(found[0]?.config).toEqual(roomy);
    }));

  test("deleting is harmless when repeated, and what is deleted cannot be asked", () =>
    place.run(async (seams) => {
      const log = await create(seams);
      await seams.logs.delete(log.name);
      await seams.logs.delete(log.name);
      await expect(log.info()).rejects.toMatchObject({ code: "NOT_FOUND" });
      const appending = new Appending(log);
      appending.append(payloads(1)[0] ?? new Uint8Array(0));
      await appending.heard(1);
      expect(appending.kinds).toEqual(["failed"]);
    }));
}

function describeAppends(place: Place): void {
  test("appends get the sequences 1, 2, 3 … in their order, with the tag and attempt they came with", () =>
    place.run(async (seams) => {
      const appending = new Appending(await create(seams));
      for (const [index, payload] of payloads(20).entries()) appending.append(payload, 100 + index, 7);
      await appending.heard(20);
      const inOrder = appending.results.toSorted((left, right) => left.tag - right.tag);
      expect(inOrder).toEqual(
        numbers(20).map((sequence) => ({ tag: 99 + sequence, attempt: 7, result: { kind: "stored", sequence } })),
      );
    }));

  test("no result comes within the append itself", () =>
    place.run(async (seams) => {
      const appending = new Appending(await create(seams));
      appending.append(new Uint8Array(1));
      expect(appending.results).toEqual([]);
      await appending.heard(1);
    }));

  test("the buffer of an append may be reused after the task and its microtasks", () =>
    place.run(async (seams) => {
      const log = await create(seams);
      const appending = new Appending(log);
      const buffer = Buffer.alloc(64 * 1024);
      for (const fill of numbers(20)) {
        appending.append(buffer.fill(fill));
        await turn();
        buffer.fill(255);
      }
      const collector = new Collector(log, 1);
      await collector.has(20);
      const fills = collector.entries.map(({ payload }) => new Set(payload));
      expect(fills).toEqual(numbers(20).map((fill) => new Set([fill])));
    }));

  test("two appenders share a log, and each hears its own results", () =>
    place.run(async (seams) => {
      const log = await create(seams);
      const [left, right] = [new Appending(log), new Appending(log)];
      await Promise.all([left.appendAll(payloads(100)), right.appendAll(payloads(100))]);
      const sequences = [...left.results, ...right.results].map(({ result }) =>
        result.kind === "stored" ? result.sequence : 0,
      );
      expect(sequences.toSorted((a, b) => a - b)).toEqual(numbers(200));
    }));

  test("a closed appender hears nothing any more", () =>
    place.run(async (seams) => {
      const log = await create(seams);
      const closed = new Appending(log);
      closed.append(new Uint8Array(1));
      closed.close();
      const witness = new Appending(log);
      witness.append(new Uint8Array(1));
      await witness.heard(1);
      await log.info();
      expect(closed.results).toEqual([]);
    }));

  test("a message without bytes is a message", () =>
    place.run(async (seams) => {
      const log = await create(seams);
      await new Appending(log).appendAll([new Uint8Array(0), new Uint8Array(1)]);
      const collector = new Collector(log, 1);
      await collector.has(2);
      expect(collector.entries.map(({ payload }) => payload.length)).toEqual([0, 1]);
    }));
}

function describeSingleAppends(place: Place): void {
  test("a single append answers its sequence, and its buffer may be reused at once", () =>
    place.run(async (seams) => {
      const log = await filled(seams, 3);
      const buffer = Buffer.from("stop");
      const appended = log.append(buffer);
      buffer.fill(0);
      expect(await appended).toBe(4);
      expect(String(Buffer.from((await log.get(4))?.payload ?? []))).toBe("stop");
    }));

  test("a single append to a full log, or to one that is gone, throws", () =>
    place.run(async (seams) => {
      const full = await create(seams, { maxBytes: 100, full: "refuse" });
      await expect(full.append(new Uint8Array(200))).rejects.toMatchObject({ code: "LOG_FULL" });
      await seams.logs.delete(full.name);
      await expect(full.append(new Uint8Array(1))).rejects.toBeInstanceOf(StreamError);
    }));
}

function describeReads(place: Place): void {
  test("a reader delivers from where it was told to begin, in order, and what is appended later", () =>
    place.run(async (seams) => {
      const log = await filled(seams, 10);
      const collector = new Collector(log, 4);
      await collector.has(7);
      await new Appending(log).appendAll(payloads(3));
      await collector.has(10);
      expect(collector.sequences).toEqual(numbers(10, 4));
      expect(collector.entries.slice(0, 7).map(numberOf)).toEqual(numbers(7, 4));
    }));

  test("a reader at the end waits for the next message", () =>
    place.run(async (seams) => {
      const log = await filled(seams, 3);
      const collector = new Collector(log, 4);
      await new Appending(log).appendAll(payloads(1));
      await collector.has(1);
      expect(collector.sequences).toEqual([4]);
      expect(collector.broken).toEqual([]);
    }));

  test("onReadable is called again after take has answered undefined, and not before", () =>
    place.run(async (seams) => {
      const log = await filled(seams, 2);
      const collector = new Collector(log, 1, false);
      await until("it is readable", () => collector.calls === 1);
      await new Appending(log).appendAll(payloads(5));
      await until("all is there", () => collector.reader.buffered.messages === 7);
      expect(collector.calls).toBe(1);
      collector.take();
      await new Appending(log).appendAll(payloads(1));
      await collector.has(8);
      expect(collector.calls).toBe(2);
    }));

  test("a reader holds a bounded part of the log, and delivers all of it in the end", () =>
    place.run(async (seams) => {
      const log = await filled(seams, 1_500, 1024);
      const collector = new Collector(log, 1, false);
      await until("it holds something", () => collector.reader.buffered.messages > 100);
      await log.info();
      expect(collector.reader.buffered.messages).toBeLessThan(600);
      collector.take();
      await collector.has(1_500);
      expect(collector.entries.map(numberOf)).toEqual(numbers(1_500));
      expect(collector.reader.buffered).toEqual({ messages: 0, bytes: 0 });
    }));

  test("frames of 256 KiB arrive whole, with bounded memory", () =>
    place.run(async (seams) => {
      const log = await filled(seams, 64, 256 * 1024);
      const collector = new Collector(log, 1, false);
      await until("it holds something", () => collector.reader.buffered.bytes >= 2 * 1024 * 1024);
      await log.info();
      expect(collector.reader.buffered.bytes).toBeLessThanOrEqual(8 * 1024 * 1024);
      collector.take();
      await collector.has(64);
      expect(collector.entries.map(numberOf)).toEqual(numbers(64));
      expect(collector.entries.every(({ payload }) => payload[300] === payload[262_143])).toBe(true);
    }));

  test("get and a reader tell the same bytes and the same stored time", () =>
    place.run(async (seams) => {
      const log = await filled(seams, 5);
      const collector = new Collector(log, 1);
      await collector.has(5);
      for (const entry of collector.entries) expect(await log.get(entry.sequence)).toEqual(entry);
      expect(await log.get(6)).toBeUndefined();
      expect(collector.entries.every(({ storedAtMs }) => Number.isSafeInteger(storedAtMs))).toBe(true);
    }));

  test("a closed reader calls nobody", () =>
    place.run(async (seams) => {
      const log = await filled(seams, 3);
      const closed = new Collector(log, 1);
      closed.reader.close();
      closed.reader.close();
      const witness = new Collector(log, 1);
      await witness.has(3);
      expect(closed.entries).toEqual([]);
      expect(closed.reader.take()).toBeUndefined();
    }));

  test("two readers of a log do not disturb each other", () =>
    place.run(async (seams) => {
      const log = await filled(seams, 50);
      const [left, right] = [new Collector(log, 1), new Collector(log, 26)];
      await Promise.all([left.has(50), right.has(25)]);
      expect(left.sequences).toEqual(numbers(50));
      expect(right.sequences).toEqual(numbers(25, 26));
    }));
}

function describeBreaks(place: Place): void {
  test("R8: a reader that begins beyond the end is broken, with the facts", () =>
    place.run(async (seams) => {
      const log = await filled(seams, 3);
      const collector = new Collector(log, 5);
      await collector.breaks();
      expect(collector.broken).toEqual([{ expected: 5, first: 1, last: 3, createdMs: log.createdMs }]);
    }));

  test("R8: a reader that begins before the first message is broken, with the facts", () =>
    place.run(async (seams) => {
      const log = await filled(seams, 9);
      await log.trim(6);
      const collector = new Collector(log, 5);
      await collector.breaks();
      expect(collector.broken).toEqual([{ expected: 5, first: 6, last: 9, createdMs: log.createdMs }]);
      expect(collector.entries).toEqual([]);
    }));

  test("R8: a log that is trimmed beyond its reader breaks it, after what it holds, without a hole", () =>
    place.run(async (seams) => {
      const log = await filled(seams, 1_500);
      const collector = new Collector(log, 1, false);
      await until("it holds something", () => collector.reader.buffered.messages > 100);
      await log.trim(1_490);
      collector.take();
      await collector.breaks();
      const taken = collector.entries.length;
      expect(collector.sequences).toEqual(numbers(taken));
      expect(collector.broken).toMatchObject([{ first: 1_490, last: 1_500, createdMs: log.createdMs }]);
      expect(collector.broken[0]?.expected).toBeLessThan(1_490);
    }));

  test("R8: a log that is deleted and created anew breaks its reader, though its sequences fit", () =>
    place.run(async (seams) => {
      const log = await filled(seams, 3);
      const collector = new Collector(log, 1);
      await collector.has(3);
      await seams.logs.delete(log.name);
      const anew = await seams.logs.create(log.name, roomy);
      await new Appending(anew).appendAll(payloads(9));
      await collector.breaks();
      expect(anew.createdMs).not.toBe(log.createdMs);
      expect(collector.sequences).toEqual([1, 2, 3]);
      expect(collector.broken[0]).toMatchObject({ expected: 4 });
      expect(collector.broken[0]?.createdMs).not.toBe(log.createdMs);
    }));

  test("R8: a log opened before it was created anew cannot be read", () =>
    place.run(async (seams) => {
      const log = await filled(seams, 3);
      await seams.logs.delete(log.name);
      const anew = await seams.logs.create(log.name, roomy);
      await new Appending(anew).appendAll(payloads(3));
      const collector = new Collector(log, 1);
      await collector.breaks();
      expect(collector.broken).toEqual([{ expected: 1, first: 1, last: 3, createdMs: anew.createdMs }]);
    }));

  test("R8: a log that is gone breaks its reader", () =>
    place.run(async (seams) => {
      const log = await filled(seams, 3);
      const collector = new Collector(log, 1);
      await collector.has(3);
      await seams.logs.delete(log.name);
      await collector.breaks();
      expect(collector.broken).toEqual([{ expected: 4, first: 1, last: 0, createdMs: 0 }]);
    }));
}

function describeLimits(place: Place): void {
  test("R7: trim removes what is below, never the message itself, and is harmless when repeated", () =>
    place.run(async (seams) => {
      const log = await filled(seams, 10);
      await log.trim(1);
      expect(await log.info()).toMatchObject({ first: 1, last: 10 });
      await log.trim(7);
      await log.trim(7);
      await log.trim(3);
      expect(await log.info()).toMatchObject({ first: 7, last: 10 });
      expect(await log.get(6)).toBeUndefined();
      expect((await log.get(7))?.sequence).toBe(7);
    }));

  test("R7: no trim empties a log", () =>
    place.run(async (seams) => {
      const log = await filled(seams, 10);
      await log.trim(10_000);
      expect(await log.info()).toMatchObject({ first: 10, last: 10 });
      await new Appending(log).appendAll(payloads(1));
      expect(await log.info()).toMatchObject({ first: 10, last: 11 });
    }));

  test("a full log refuses, and takes again when it has been trimmed", () =>
    place.run(async (seams) => {
      const log = await create(seams, { maxBytes: 10_000, full: "refuse" });
      const appending = new Appending(log);
      await appending.appendAll(payloads(12, 1_000));
      const stored = appending.kinds.filter((kind) => kind === "stored").length;
      expect(stored).toBe(9);
      expect(appending.kinds.slice(stored)).toEqual(["full", "full", "full"]);
      const info = await log.info();
      expect(info.last).toBe(9);
      expect(info.bytes).toBeLessThanOrEqual(10_000);
      await log.trim(5);
      await appending.appendAll(payloads(1, 1_000));
      expect(appending.results.at(-1)?.result).toEqual({ kind: "stored", sequence: 10 });
    }));

  test("a full log still takes a smaller message: whoever sends stops at the first refusal", () =>
    place.run(async (seams) => {
      const log = await create(seams, { maxBytes: 10_000, full: "refuse" });
      const appending = new Appending(log);
      await appending.appendAll([new Uint8Array(8_000), new Uint8Array(8_000), new Uint8Array(100)]);
      expect(appending.kinds).toEqual(["stored", "full", "stored"]);
    }));

  test("a log that drops the oldest takes everything and keeps the newest", () =>
    place.run(async (seams) => {
      const log = await create(seams, { maxBytes: 10_000, full: "dropOldest" });
      const appending = new Appending(log);
      await appending.appendAll(payloads(50, 1_000));
      expect(new Set(appending.kinds)).toEqual(new Set(["stored"]));
      const { first, last, bytes } = await log.info();
      expect({ first, last }).toEqual({ first: 42, last: 50 });
      expect(bytes).toBeLessThanOrEqual(10_000);
    }));

  test("a log that is made larger takes more", () =>
    place.run(async (seams) => {
      const log = await create(seams, { maxBytes: 3_000, full: "refuse" });
      const appending = new Appending(log);
      await appending.appendAll(payloads(3, 1_000));
      await log.resize(6_000);
      await appending.appendAll(payloads(1, 1_000));
      expect(appending.kinds).toEqual(["stored", "stored", "full", "stored"]);
    }));
}
