/**
 * What happens to a reader that only a server can do to it.
 */
import { connect, type NatsConnection } from "@nats-io/transport-node";
import { afterAll, describe, expect, onTestFinished, test } from "vitest";
import type { Log, ReadBroken } from "../../framework/log/contracts.ts";
import { type ApiAnswer, JetStreamApi } from "../../framework/nats/api.ts";
import { Link } from "../../framework/nats/link.ts";
import { NatsReader } from "../../framework/nats/nats-reader.ts";
import { PullConsumer } from "../../framework/nats/pull-consumer.ts";
import { type StreamDescription, Streams } from "../../framework/nats/streams.ts";
import { silentLogger } from "../../framework/platform/logger.ts";
import { Appending, Collector, numberOf, numbers, payloads } from "../conformance/collector.ts";
import { newJob } from "../conformance/place.ts";
import { natsForTests } from "../support/nats.ts";
import { until } from "../support/until.ts";

const nats = await natsForTests();
const outsider = nats && (await connect({ servers: nats.server.url }));
afterAll(() => outsider?.close());

async function ask<T>(connection: NatsConnection | undefined, operation: string, body: object = {}): Promise<T> {
  const answer = await connection?.request(`$JS.API.${operation}`, JSON.stringify(body), { timeout: 5_000 });
  if (answer === undefined) throw new Error("no nats-server");
  return answer.json<T>();
}

async function open(count: number): Promise<Log> {
  const seams = await nats?.connect();
  if (seams === undefined) throw new Error("no nats-server");
  const log = await seams.logs.create(`TM_${newJob()}_1_LOG`, { maxBytes: 64 * 1024 * 1024, full: "refuse" });
  await new Appending(log).appendAll(payloads(count));
  return log;
}

async function consumersOf(log: Log): Promise<readonly string[]> {
  const { consumers } = await ask<{ consumers?: string[] | null }>(outsider, `CONSUMER.NAMES.${log.name}`);
  return consumers ?? [];
}

describe.skipIf(nats === undefined)("a reader on NATS", () => {
  test("goes on when its consumer is deleted under it, without hole or repetition", async () => {
    const log = await open(10);
    const collector = new Collector(log, 1);
    await collector.has(10);
    for (const name of await consumersOf(log)) await ask(outsider, `CONSUMER.DELETE.${log.name}.${name}`);
    await new Appending(log).appendAll(payloads(10));
    await collector.has(20);
    expect(collector.sequences).toEqual(numbers(20));
  });

  test("leaves no consumer behind when it is closed", async () => {
    const log = await open(10);
    const collector = new Collector(log, 1);
    await collector.has(10);
    expect(await consumersOf(log)).toHaveLength(1);
    collector.reader.close();
    let left = 1;
    const look = setInterval(() => void consumersOf(log).then((names) => (left = names.length)), 5);
    await until("the consumer is gone", () => left === 0);
    clearInterval(look);
  });

  test("goes on after its consumer has been forgotten while it held back", async () => {
    const log = await open(1_500);
    const collector = new Collector(log, 1, false);
    await until("it holds back", () => collector.reader.buffered.messages >= 128);
    for (const name of await consumersOf(log)) await ask(outsider, `CONSUMER.DELETE.${log.name}.${name}`);
    collector.take();
    await collector.has(1_500);
    expect(collector.entries.map(numberOf)).toEqual(numbers(1_500));
  });

  test("R8: is broken when the stream is emptied under it, by the next message", async () => {
    const log = await open(10);
    const collector = new Collector(log, 11);
    const witness = new Collector(log, 10);
    await witness.has(1);
    await ask(outsider, `STREAM.PURGE.${log.name}`, { seq: 13 });
    await new Appending(log).appendAll(payloads(1));
    await collector.breaks();
    expect(collector.broken).toMatchObject([{ expected: 11, createdMs: log.createdMs }]);
    expect(collector.entries).toEqual([]);
  });

  test("E4: is broken when the stream is emptied under it while it holds back, after a while without any message", async () => {
    const log = await open(1_500);
    if (outsider === undefined) throw new Error("no nats-server");
    const link = new Link(outsider);
    const watchers: ((nowMs: number) => void)[] = [];
    link.onWatch = (look) => {
      watchers.push(look);
      return () => {};
    };
    const broken: ReadBroken[] = [];
    const { name, createdMs } = log;
    const reader = new NatsReader(
      { streams: new Streams(new JetStreamApi(link)), link, logger: silentLogger, name, createdMs },
      { from: 10, onReadable: () => {}, onBroken: (reason) => void broken.push(reason) },
    );
    await until("it holds back", () => reader.buffered.messages === 256);
    for (const look of watchers) look(performance.now() + 31_000);
    await log.info();
    expect(broken).toEqual([]);
    await ask(outsider, `STREAM.PURGE.${name}`, { seq: 1_600 });
    for (const look of watchers) look(performance.now() + 62_000);
    await until("it is broken", () => broken.length === 1);
    expect(broken).toMatchObject([{ expected: 266, first: 1_600, last: 1_599, createdMs }]);
    reader.close();
  });

  describe("E1: of a stream of several copies that ends too early for a moment", () => {
    /** Says of the stream, as long as it lags, that it has three copies and ends before the last messages. */
    class LaggingStreams extends Streams {
      lag = 0;
      override async find(name: string): Promise<StreamDescription | undefined> {
        const found = await super.find(name);
        if (found === undefined) return undefined;
        const { config, state } = found;
        const seen = { ...state, last_seq: state.last_seq - this.lag };
        return { ...found, config: { ...config, num_replicas: 3 }, state: seen };
      }
    }

    interface Lagging {
      readonly log: Log;
      readonly streams: LaggingStreams;
      readonly broken: ReadBroken[];
      readonly sequences: number[];
      /** Has the reader look at the stream again. */
      readonly disturb: () => Promise<void>;
    }

    async function lagging(): Promise<Lagging> {
      const log = await open(10);
      if (outsider === undefined) throw new Error("no nats-server");
      const link = new Link(outsider);
      const streams = new LaggingStreams(new JetStreamApi(link));
      const { name, createdMs } = log;
      const broken: ReadBroken[] = [];
      const sequences: number[] = [];
      const takeAll = () => {
        for (let entry = reader.take(); entry !== undefined; entry = reader.take()) sequences.push(entry.sequence);
      };
      const reader: NatsReader = new NatsReader(
        { streams, link, logger: silentLogger, name, createdMs },
        { from: 1, onReadable: () => takeAll(), onBroken: (reason) => void broken.push(reason) },
      );
      takeAll();
      onTestFinished(() => reader.close());
      await until("everything is read", () => sequences.length === 10);
      const disturb = async () => {
        for (const consumer of await consumersOf(log)) await ask(outsider, `CONSUMER.DELETE.${name}.${consumer}`);
      };
      return { log, streams, broken, sequences, disturb };
    }

    test("waits until the end is there again, and goes on", async () => {
      const { log, streams, broken, sequences, disturb } = await lagging();
      streams.lag = 2;
      await disturb();
      await new Appending(log).appendAll(payloads(1));
      streams.lag = 0;
      await until("it goes on", () => sequences.length === 11);
      expect(sequences).toEqual(numbers(11));
      expect(broken).toEqual([]);
    });

    test("is broken when the last message that was read is another one then", async () => {
      const { log, streams, broken, disturb } = await lagging();
      streams.lag = 1;
      const found = promiseOfFinds(streams);
      await disturb();
      await found;
      // The end is lost, and its sequence given to another message: as if what is at 10 had been stored at another time.
      streams.api.ask = answeringLater(streams.api);
      streams.lag = 0;
      await until("it is broken", () => broken.length === 1);
      expect(broken).toMatchObject([{ expected: 11, createdMs: log.createdMs }]);
    });

    /** Resolves when the stream has been looked at once more. */
    function promiseOfFinds(streams: LaggingStreams): Promise<void> {
      const { promise, resolve } = Promise.withResolvers<void>();
      const find = streams.find.bind(streams);
      streams.find = async (name) => {
        const found = await find(name);
        resolve();
        return found;
      };
      return promise;
    }

    /** Says of every message that it was stored a second later. */
    function answeringLater(api: JetStreamApi): JetStreamApi["ask"] {
      const askServer = api.ask.bind(api);
      return async <T>(operation: string, body?: object): Promise<ApiAnswer<T>> => {
        const answer = await askServer<T>(operation, body);
        if (answer.kind === "refused" || !operation.startsWith("STREAM.MSG.GET")) return answer;
        const { message } = answer.value as { readonly message: { readonly time: string } };
        const time = new Date(Date.parse(message.time) + 1_000).toISOString();
        return { kind: "done", value: { message: { ...message, time } } as T };
      };
    }
  });

  test("P2: a consumer that is silent for too long is given up; one that was asked for nothing may be silent", async () => {
    const log = await open(0);
    if (outsider === undefined) throw new Error("no nats-server");
    const link = new Link(outsider);
    const odd: string[] = [];
    const events = { onEntry: () => {}, onOdd: (reason: string) => void odd.push(reason) };
    const asking = new PullConsumer(new JetStreamApi(link), link, log.name, { ...events, hasRoom: () => true });
    const full = new PullConsumer(new JetStreamApi(link), link, log.name, { ...events, hasRoom: () => false });
    await Promise.all([asking.open(1), full.open(1)]);
    const nowMs = performance.now();
    for (const consumer of [asking, full])
      for (let passedMs = 500; passedMs <= 13_000; passedMs += 500) consumer.look(nowMs + passedMs);
    expect(odd).toHaveLength(1);
    expect(odd[0]).toMatch(/^silent for 1\d{4} ms$/);
    full.close();
  });

  test("P2: time in which nobody could look is no silence: the process was stopped, or busy", async () => {
    const log = await open(0);
    if (outsider === undefined) throw new Error("no nats-server");
    const link = new Link(outsider);
    const odd: string[] = [];
    const events = { onEntry: () => {}, onOdd: (reason: string) => void odd.push(reason), hasRoom: () => true };
    const consumer = new PullConsumer(new JetStreamApi(link), link, log.name, events);
    await consumer.open(1);
    const nowMs = performance.now();
    consumer.look(nowMs);
    consumer.look(nowMs + 20_000);
    consumer.look(nowMs + 20_500);
    expect(odd).toEqual([]);
    consumer.close();
  });

  test("the configuration that an operator has edited is noticed when the log is opened again", async () => {
    const log = await open(1);
    const { config } = await ask<{ config: object }>(outsider, `STREAM.INFO.${log.name}`);
    await ask(outsider, `STREAM.UPDATE.${log.name}`, { ...config, max_age: 3_600_000_000_000, discard: "old" });
    const seams = await nats?.connect();
    const again = seams?.logs.create(log.name, { maxBytes: 64 * 1024 * 1024, full: "refuse" });
    await expect(again).rejects.toThrow(/max_age is 3600000000000, needed is 0; discard is "old", needed is "new"/);
  });
});
