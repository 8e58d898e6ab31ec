/**
 * JetStream streams as sources, on a real server.
 */
import fc from "fast-check";
import { afterAll, describe, expect, onTestFinished, test } from "vitest";
import { jetstream, type JetStreamSourceOptions } from "../../framework/connectors/jetstream.ts";
import { StreamError } from "../../framework/errors.ts";
import type { EndHome } from "../../framework/log/ends.ts";
import type { Split } from "../../framework/log/source.ts";
import { json } from "../../framework/record/json-codec.ts";
import { natsForTests } from "../support/nats.ts";
import { until } from "../support/until.ts";
import { noCluster } from "./home.ts";
import { replayable } from "./reading.ts";
import { SplitCollector } from "./split-collector.ts";
import { homeOn, Outsider } from "./streams.ts";

const nats = await natsForTests();
const owner = nats === undefined ? undefined : await Outsider.on(nats.server);
afterAll(() => owner?.connection.close());

function world(): { readonly outsider: Outsider; readonly home: EndHome; readonly logged: readonly string[] } {
  if (nats === undefined || owner === undefined) throw new Error("no nats-server");
  return { outsider: owner, ...homeOn(nats.server) };
}

type Options = Partial<JetStreamSourceOptions<unknown>>;

function sourceOf(stream: string, options: Options = {}) {
  return replayable(jetstream({ stream, codec: json(), ...options }));
}

async function splitOf(stream: string, options: Options = {}, home = world().home): Promise<Split> {
  const [split] = await sourceOf(stream, options).splits(home);
  if (split === undefined) throw new Error("a stream is one split");
  return split;
}

/** Opens the split that is listed now, or one that was listed before. */
async function read(
  stream: string,
  options: Options = {},
  at: { readonly split?: Split; readonly after?: number; readonly home?: EndHome } = {},
): Promise<SplitCollector> {
  const home = at.home ?? world().home;
  const split = at.split ?? (await splitOf(stream, options, home));
  const collector = await SplitCollector.of(sourceOf(stream, options), split, home, at.after);
  onTestFinished(() => collector.close());
  return collector;
}

function numbers(count: number, first = 1): number[] {
  return Array.from({ length: count }, (_, at) => first + at);
}

test("what makes no sense is refused before anything is asked", () => {
  const refused = expect.objectContaining({ code: "OPTION_INVALID" });
  for (const from of ["second", "2026-01-01", { sequence: 0 }, { sequence: 1.5 }, new Date(Number.NaN)]) {
    expect(() => jetstream({ stream: "S", from })).toThrow(refused);
  }
  expect(() => jetstream({ stream: "a.b" })).toThrow(refused);
  expect(() => jetstream({ stream: "S", untl: "last" } as { stream: string })).toThrow(
    /there is no option "untl"; did you mean "until"/,
  );
});

test("without a cluster and without `servers` it says what to give", async () => {
  await expect(sourceOf("S").splits(noCluster)).rejects.toMatchObject({
    code: "OPTION_INVALID",
    message: expect.stringMatching(/`servers`.*TIDEMARK_NATS.*--nats/) as string,
  });
});

test("the plan says which stream, from where to where", () => {
  expect(jetstream({ stream: "READINGS" }).description).toBe("jetstream(READINGS, from first)");
  const from = "2026-01-31T12:00:00+01:00";
  expect(jetstream({ stream: "R", from, until: "last" }).description).toBe(
    "jetstream(R, from 2026-01-31T11:00:00.000Z, until last)",
  );
});

describe.skipIf(nats === undefined)("where it begins and ends", () => {
  test("first: at the first message that is there; records carry the stream's sequence and time", async () => {
    const { outsider } = world();
    const stream = await outsider.make();
    const before = Date.now() - 1;
    await outsider.publish(stream, "1", "2", "3");
    await outsider.trim(stream, 2);
    const split = await read(stream);
    await split.has(2);
    await split.is("empty");
    expect(split.entries).toMatchObject([
      { position: 2, value: 2 },
      { position: 3, value: 3 },
    ]);
    for (const entry of split.entries) {
      const { storedAtMs = 0 } = entry as { readonly storedAtMs?: number };
      expect(storedAtMs).toBeGreaterThan(before);
      expect(storedAtMs).toBeLessThanOrEqual(Date.now() + 1);
    }
  });

  test("first, of a stream that never held anything: what comes", async () => {
    const { outsider } = world();
    const stream = await outsider.make();
    const split = await read(stream);
    await split.is("empty");
    await outsider.publish(stream, "7");
    await split.has(1);
    expect(split.positions).toEqual([1]);
  });

  test("J2: new is resolved when the splits are listed, and holds for a restart before the first snapshot", async () => {
    const { outsider } = world();
    const stream = await outsider.make();
    await outsider.publish(stream, "1", "2");
    const split = await splitOf(stream, { from: "new" });
    await outsider.publish(stream, "3", "4");
    const first = await read(stream, { from: "new" }, { split });
    await first.has(2);
    first.close();
    await outsider.publish(stream, "5");
    const second = await read(stream, { from: "new" }, { split });
    await second.has(3);
    expect(second.values).toEqual([3, 4, 5]);
  });

  test("a time: at the first message stored then or later, as a Date or ISO 8601", async () => {
    const { outsider } = world();
    const stream = await outsider.make();
    await outsider.publish(stream, "1", "2");
    const [{ storedAtMs = 0 } = {}] = (await collected(stream, 2)) as { readonly storedAtMs?: number }[];
    await until("the clock has moved", () => Date.now() > storedAtMs + 5);
    const time = new Date();
    await until("and again", () => Date.now() > time.getTime());
    await outsider.publish(stream, "3", "4");
    for (const from of [time, time.toISOString()]) {
      const split = await read(stream, { from });
      await split.has(2);
      expect(split.values).toEqual([3, 4]);
    }
    const later = await read(stream, { from: new Date() });
    await later.is("empty");
    expect(later.entries).toEqual([]);
    // One for each reader, none for the questions.
    expect(await outsider.consumers(stream)).toHaveLength(4);
    const tomorrow = new Date(Date.now() + 86_400_000);
    await expect(splitOf(stream, { from: tomorrow })).rejects.toMatchObject({ code: "OPTION_INVALID" });
  });

  test("a sequence: there; one that is not there is refused", async () => {
    const { outsider } = world();
    const stream = await outsider.make();
    await outsider.publish(stream, "1", "2", "3");
    await outsider.trim(stream, 2);
    const split = await read(stream, { from: { sequence: 3 } });
    await split.has(1);
    expect(split.positions).toEqual([3]);
    const next = await read(stream, { from: { sequence: 4 } });
    await next.is("empty");
    for (const sequence of [1, 5]) {
      await expect(splitOf(stream, { from: { sequence } })).rejects.toMatchObject({
        code: "OPTION_INVALID",
        message: expect.stringMatching(/has 2 to 3/) as string,
      });
    }
  });

  test("until last: it ends with the message that was the last one, whatever comes after", async () => {
    const { outsider } = world();
    const stream = await outsider.make();
    await outsider.publish(stream, "1", "2", "3");
    const options = { until: "last" } as const;
    const split = await splitOf(stream, options);
    await outsider.publish(stream, "4");
    const reading = await read(stream, options, { split });
    await reading.is("ended");
    expect(reading.values).toEqual([1, 2, 3]);
    const rest = await read(stream, options, { split, after: 3 });
    expect(rest.state).toBe("ended");
    expect(sourceOf(stream, options).bounded).toBe(true);
  });

  test("until last, where the last messages have been deleted", async () => {
    const { outsider } = world();
    const stream = await outsider.make();
    await outsider.publish(stream, "1", "2", "3", "4");
    const options = { until: "last" } as const;
    const split = await splitOf(stream, options);
    await outsider.remove(stream, 3, 4);
    const reading = await read(stream, options, { split });
    await reading.is("ended");
    expect(reading.values).toEqual([1, 2]);
  });

  test("until last, of an empty stream: it ends at once", async () => {
    const { outsider } = world();
    const stream = await outsider.make();
    const reading = await read(stream, { until: "last" });
    await reading.is("ended");
    expect(reading.entries).toEqual([]);
  });

  test("a stream that is not there, or from which a job cannot read again, is refused with what to do", async () => {
    const { outsider } = world();
    await expect(splitOf("NOWHERE")).rejects.toMatchObject({
      code: "SERVER_UNSUITABLE",
      message: expect.stringMatching(/no stream NOWHERE at 127.*nats stream add NOWHERE/) as string,
    });
    for (const config of [{ retention: "workqueue" }, { retention: "interest" }, { max_msgs_per_subject: 3 }]) {
      const stream = await outsider.make(config);
      await expect(splitOf(stream)).rejects.toMatchObject({
        code: "SERVER_UNSUITABLE",
        message: expect.stringMatching(new RegExp(`${stream}.*"sources"`)) as string,
      });
    }
  });

  async function collected(stream: string, count: number) {
    const split = await read(stream);
    await split.has(count);
    return split.entries;
  }
});

describe.skipIf(nats === undefined)("what is read", () => {
  test("a message that does not decode is an invalid entry at its position", async () => {
    const { outsider } = world();
    const stream = await outsider.make();
    await outsider.publish(stream, "1", "{", "3");
    const split = await read(stream);
    await split.has(3);
    expect(split.entries).toMatchObject([
      { position: 1, value: 1 },
      { position: 2, raw: "{", invalid: expect.stringMatching(/^message 2: .*JSON/) as string },
      { position: 3, value: 3 },
    ]);
  });

  test("select makes the record, with subject, headers and time; its throw is an invalid entry", async () => {
    const { outsider } = world();
    const stream = await outsider.make();
    await outsider.publishWith(`${stream}.boiler`, "20", { Unit: "celsius", Via: "a" });
    await outsider.publish(`${stream}.cellar`, "-1");
    const reading = replayable(
      jetstream({
        stream,
        codec: json<number>(),
        select: ({ value, subject, headers, sequence, storedAtMs }) => {
          if (value < 0) throw new Error("below zero");
          return { value, subject, unit: headers.get("Unit"), sequence, isTimed: storedAtMs > 0 };
        },
      }),
    );
    const split = await SplitCollector.of(reading, await splitOf(stream), world().home);
    onTestFinished(() => split.close());
    await split.has(2);
    expect(split.values).toEqual([
      { value: 20, subject: `${stream}.boiler`, unit: "celsius", sequence: 1, isTimed: true },
    ]);
    expect(split.entries[1]).toMatchObject({ position: 2, invalid: "message 2: below zero", raw: "-1" });
  });

  test("S1: reading from behind each entry gives what follows it", async () => {
    const { outsider } = world();
    const stream = await outsider.make();
    await outsider.publish(stream, "1", "2", "3", "4");
    await outsider.remove(stream, 2);
    const split = await splitOf(stream);
    for (const [after, values] of [
      [undefined, [1, 3, 4]],
      [1, [3, 4]],
      [3, [4]],
      [4, []],
    ] as const) {
      const reading = await read(stream, {}, { split, ...(after !== undefined && { after }) });
      await reading.has(values.length);
      await reading.is("empty");
      expect(reading.values).toEqual(values);
    }
  });

  test("J1: messages deleted from its midst are holes: in the middle, in front, at the end", async () => {
    const { outsider } = world();
    const stream = await outsider.make();
    await outsider.publish(stream, ...numbers(12).map(String));
    await outsider.remove(stream, 3, 4, 7, 11, 12);
    const split = await read(stream);
    await split.has(7);
    await split.is("empty");
    expect(split.positions).toEqual([1, 2, 5, 6, 8, 9, 10]);
    await outsider.publish(stream, "13");
    await split.has(8);
    expect(split.positions.at(-1)).toBe(13);
    const behind = await read(stream, {}, { split: await splitOf(stream), after: 10 });
    await behind.has(1);
    expect(behind.positions).toEqual([13]);
  });

  test("a stream most of which is holes is read at once", async () => {
    const { outsider } = world();
    const stream = await outsider.make();
    await outsider.publishMany(stream, 600);
    const odd = numbers(600).filter((number) => number % 2 === 1 && number > 1);
    await Promise.all(odd.map((number) => outsider.remove(stream, number)));
    const split = await read(stream);
    await split.has(301);
    expect(split.values).toEqual([1, ...numbers(600).filter((number) => number % 2 === 0)]);
  });

  test("a message that is larger than a whole request comes too", async () => {
    const { outsider } = world();
    const stream = await outsider.make();
    const large = JSON.stringify("x".repeat(900_000));
    await outsider.publish(stream, large, "2", large, large, large, "6");
    const split = await read(stream);
    await split.has(6);
    expect(split.values[5]).toBe(6);
  });

  test("a reader that is not asked holds back, and loses nothing", async () => {
    const { outsider } = world();
    const stream = await outsider.make();
    const split = await read(stream);
    split.isPaused = true;
    await outsider.publishMany(stream, 5_000);
    split.isPaused = false;
    split.take();
    await split.has(5_000);
    expect(split.values).toEqual(numbers(5_000));
  });

  test("many messages come in order, each once", { timeout: 180_000 }, async () => {
    const { outsider } = world();
    const stream = await outsider.make({ storage: "memory", max_bytes: 256 * 1024 * 1024 });
    await outsider.publishMany(stream, 200_000);
    const split = await read(stream, { until: "last" });
    await split.is("ended", 90_000);
    expect(split.entries.length).toBe(200_000);
    expect(
      split.entries.findIndex(
        (entry, at) => entry.position !== at + 1 || !("value" in entry) || entry.value !== at + 1,
      ),
    ).toBe(-1);
  });

  test("the stream and its consumers are as before when it is closed", async () => {
    const { outsider } = world();
    const stream = await outsider.make();
    await outsider.publish(stream, "1", "2");
    const split = await read(stream);
    await split.has(2);
    expect(await outsider.consumers(stream)).toHaveLength(1);
    split.close();
    let left = 1;
    const look = setInterval(() => void outsider.consumers(stream).then((names) => (left = names.length)), 5);
    await until("the consumer is gone", () => left === 0);
    clearInterval(look);
    expect(await outsider.state(stream)).toMatchObject({ first_seq: 1, last_seq: 2, messages: 2 });
  });
});

describe.skipIf(nats === undefined)("what is not there any more", () => {
  test("J4: messages that retention has removed before a restart are lost, and named", async () => {
    const { outsider } = world();
    const stream = await outsider.make();
    await outsider.publish(stream, ...numbers(10).map(String));
    const split = await splitOf(stream);
    await outsider.trim(stream, 8);
    for (const [after, what] of [
      [undefined, "1 to 7"],
      [5, "6 to 7"],
    ] as const) {
      const reading = await read(stream, {}, { split, ...(after !== undefined && { after }) });
      expect(await reading.fails()).toMatchObject({
        code: "DATA_LOST",
        message: expect.stringMatching(new RegExp(`messages ${what} of stream ${stream} .*8 to 10`)) as string,
      });
      expect(reading.entries).toEqual([]);
    }
    const whole = await read(stream, {}, { split, after: 7 });
    await whole.has(3);
  });

  test("J4: what retention removes while the reader holds back is lost, and nothing behind it is handed on", async () => {
    const { outsider } = world();
    const stream = await outsider.make();
    await outsider.publishMany(stream, 5_000);
    const split = await splitOf(stream);
    const reading = await read(stream, {}, { split });
    reading.isPaused = true;
    while ((await outsider.delivered(stream)) < 128);
    // What the server has sent may still be on its way.
    await until("something has arrived", () => reading.told > 0);
    await outsider.trim(stream, 4_000);
    reading.isPaused = false;
    reading.take();
    expect(await reading.fails()).toMatchObject({ code: "DATA_LOST" });
    expect(reading.positions).toEqual(numbers(reading.positions.length));
    expect(reading.positions.length).toBeGreaterThan(0);
    expect(reading.positions.length).toBeLessThan(4_000);
  });

  test("J4: a stream that drops its oldest messages by itself while nobody reads", async () => {
    const { outsider } = world();
    const stream = await outsider.make({ max_msgs: 5, discard: "old" });
    await outsider.publish(stream, "1", "2", "3");
    const split = await splitOf(stream);
    const reading = await read(stream, {}, { split });
    await reading.has(3);
    reading.close();
    await outsider.publish(stream, ...numbers(7, 4).map(String));
    const late = await read(stream, {}, { split, after: 3 });
    expect(await late.fails()).toMatchObject({
      code: "DATA_LOST",
      message: expect.stringMatching(/messages 4 to 5/) as string,
    });
    const inTime = await read(stream, {}, { split, after: 5 });
    await inTime.has(5);
    expect(inTime.values).toEqual(numbers(5, 6));
  });

  test("everything has been read and removed since: that is no loss", async () => {
    const { outsider } = world();
    const stream = await outsider.make();
    await outsider.publish(stream, "1", "2");
    const split = await splitOf(stream);
    await outsider.ask(`STREAM.PURGE.${stream}`);
    const reading = await read(stream, {}, { split, after: 2 });
    await reading.is("empty");
    await outsider.publish(stream, "3");
    await reading.has(1);
    expect(reading.positions).toEqual([3]);
  });

  test("J3: a stream that was created again is another one, also while it is read", async () => {
    const { outsider } = world();
    const stream = await outsider.make();
    await outsider.publish(stream, "1", "2");
    const split = await splitOf(stream);
    const reading = await read(stream, {}, { split });
    await reading.has(2);
    await outsider.ask(`STREAM.DELETE.${stream}`);
    await outsider.create(stream);
    await outsider.publish(stream, "1", "2", "3");
    const changed = { code: "SOURCE_CHANGED", message: expect.stringMatching(/was created at .*--new/) as string };
    expect(await reading.fails()).toMatchObject(changed);
    expect(await (await read(stream, {}, { split, after: 1 })).fails()).toMatchObject(changed);
    expect(reading.values).toEqual([1, 2]);
  });

  test("J3: a stream that was deleted is missed for a while, then it has changed", { timeout: 180_000 }, async () => {
    const { outsider } = world();
    const stream = await outsider.make();
    await outsider.publish(stream, "1");
    const reading = await read(stream);
    await reading.has(1);
    await outsider.ask(`STREAM.DELETE.${stream}`);
    expect(await reading.fails(25_000)).toMatchObject({
      code: "SOURCE_CHANGED",
      message: expect.stringMatching(/is not there any more/) as string,
    });
  });
});

describe.skipIf(nats === undefined)("whatever has been removed, and wherever reading goes on", () => {
  test("what is there is read, each once and in order; or what is lost is named", { timeout: 180_000 }, async () => {
    const { outsider, home } = world();
    const scenario = fc.record({
      count: fc.integer({ min: 1, max: 12 }),
      holes: fc.uniqueArray(fc.integer({ min: 1, max: 12 }), { maxLength: 6 }),
      trim: fc.integer({ min: 0, max: 14 }),
      after: fc.nat(12),
    });
    const property = fc.asyncProperty(scenario, async ({ count, holes, trim, after }) => {
      const stream = await outsider.make({ storage: "memory" });
      await outsider.publish(stream, ...numbers(count).map(String));
      const options = { until: "last" } as const;
      const split = await splitOf(stream, options);
      await outsider.remove(stream, ...holes.filter((hole) => hole <= count));
      if (trim > 1) await outsider.trim(stream, trim);
      const { first_seq: first } = await outsider.state(stream);
      const reading = await SplitCollector.of(sourceOf(stream, options), split, home, Math.min(after, count));
      const next = Math.min(after, count) + 1;
      const isLost = first > next && next <= count;
      const failure = isLost ? await reading.fails() : await reading.is("ended");
      expect(failure instanceof StreamError ? failure.code : "none").toBe(isLost ? "DATA_LOST" : "none");
      const there = first > next ? [] : numbers(count).filter((number) => number >= next && !holes.includes(number));
      expect(reading.values).toEqual(there);
      reading.close();
    });
    await fc.assert(property, { numRuns: 40 });
  });
});

describe.skipIf(nats === undefined)("a server that goes away", { timeout: 180_000 }, () => {
  test("J5: killed and started again while it is read: nothing is lost, nothing comes twice, one warning each time", async () => {
    const own = await natsForTests({}, onTestFinished);
    if (own === undefined) throw new Error("no nats-server");
    const { home, logged } = homeOn(own.server);
    const outsider = await Outsider.on(own.server);
    onTestFinished(() => outsider.connection.close());
    const stream = await outsider.make();
    await outsider.publishMany(stream, 20_000);
    const reading = await read(stream, {}, { home });
    for (let kill = 1; kill <= 3; kill += 1) {
      await reading.has(kill * 5_000);
      await own.server.kill("SIGKILL");
      await reading.is("waiting");
      await own.server.restart();
    }
    await reading.has(20_000);
    await reading.is("empty");
    expect(reading.values).toEqual(numbers(20_000));
    expect(logged).toEqual(Array.from({ length: logged.length }, () => "a source waits for its stream"));
    expect(logged.length).toBeLessThanOrEqual(3);
    expect(logged.length).toBeGreaterThan(0);
  });

  test("J5: away when the split is opened: it waits, says so once, and goes on", async () => {
    const own = await natsForTests({}, onTestFinished);
    if (own === undefined) throw new Error("no nats-server");
    const { home, logged } = homeOn(own.server);
    const outsider = await Outsider.on(own.server);
    const stream = await outsider.make();
    await outsider.publish(stream, "1", "2");
    await outsider.connection.close();
    const split = await splitOf(stream, {}, home);
    await own.server.kill("SIGKILL");
    const reading = await read(stream, {}, { split, home });
    await until("it says that it waits", () => logged.length > 0);
    expect(reading.state).toBe("waiting");
    await own.server.restart();
    await reading.has(2);
    expect(logged).toEqual(["a source waits for its server"]);
  });
});
