/**
 * JetStream streams as sinks, on a real server.
 */
import fc from "fast-check";
import { afterAll, beforeEach, describe, expect, onTestFinished, test } from "vitest";
import { jetstream, type JetStreamSinkOptions } from "../../framework/connectors/jetstream.ts";
import { StreamError } from "../../framework/errors.ts";
import type { EndHome } from "../../framework/log/ends.ts";
import type { SinkIdentity, SinkRow, SinkWriter } from "../../framework/log/sink.ts";
import { json } from "../../framework/record/json-codec.ts";
import { natsForTests } from "../support/nats.ts";
import { noCluster } from "./home.ts";
import { homeOn, Outsider } from "./streams.ts";
import { identityOf, rowsFor } from "./writing.ts";

const nats = await natsForTests();
const owner = nats === undefined ? undefined : await Outsider.on(nats.server);
afterAll(() => owner?.connection.close());

let outsider: Outsider;
let home: EndHome;
let logged: readonly string[];
beforeEach(() => {
  if (nats === undefined || owner === undefined) return;
  outsider = owner;
  ({ home, logged } = homeOn(nats.server));
});

function sinkOf(subject: string, options: Partial<JetStreamSinkOptions<unknown>> = {}) {
  return jetstream({ subject, codec: json(), ...options });
}

const mine: Partial<SinkIdentity> = { startedMs: 1_000 };

/** A writer of one incarnation; `listed` is what the snapshot has of it. */
async function open(
  subject: string,
  parts: Partial<SinkIdentity> = {},
  listed: readonly Uint8Array[] = [],
  at: EndHome = home,
): Promise<SinkWriter> {
  const writer = await sinkOf(subject).open(identityOf({ ...mine, ...parts }), at);
  await writer.recover?.(listed);
  onTestFinished(() => writer.close());
  return writer;
}

/** Rows `first` to `last`, each its own number. */
function rows(first: number, last: number): readonly SinkRow[] {
  const values = Array.from({ length: last - first + 1 }, (_, at) => first + at);
  return rowsFor(sinkOf("any"), values, first);
}

function numbers(count: number): number[] {
  return Array.from({ length: count }, (_, at) => at + 1);
}

async function payloadsIn(stream: string, from = outsider): Promise<readonly string[]> {
  return (await from.stored(stream)).map(({ payload }) => payload);
}

async function valuesIn(stream: string, from = outsider): Promise<readonly unknown[]> {
  return (await payloadsIn(stream, from)).map((payload) => JSON.parse(payload) as unknown);
}

const unavailable = { code: "SINK_UNAVAILABLE" };

test("it is one transactional sink per instance", () => {
  expect(jetstream({ subject: "plant.averages" })).toMatchObject({
    guarantee: "transactional",
    placement: "chained",
    name: "jetstream",
    description: "jetstream(plant.averages)",
  });
});

test("what makes no sense is refused before anything is asked", () => {
  for (const subject of ["", "a.*", "a.>", "a..b", "a b", "$JS.a"]) {
    expect(() => jetstream({ subject })).toThrow(expect.objectContaining({ code: "OPTION_INVALID" }));
  }
  expect(() => jetstream({ subject: "a", streem: "S" } as { subject: string })).toThrow(/did you mean "stream"/);
});

test("without a cluster and without `servers` it says what to give", async () => {
  await expect(jetstream({ subject: "a" }).validate?.(noCluster)).rejects.toMatchObject({
    code: "OPTION_INVALID",
    message: expect.stringMatching(/TIDEMARK_NATS/) as string,
  });
});

test("what the codec has no form for is refused when it is emitted", () => {
  expect(() => sinkOf("a").encode?.({ at: 1n })).toThrow(expect.objectContaining({ code: "ROW_REFUSED" }));
  expect(Buffer.from(sinkOf("a").encode?.({ at: 1 }) as Uint8Array).toString()).toBe('{"at":1}');
});

describe.skipIf(nats === undefined)("before anything starts", () => {
  test("a server that is away, and no stream for the subject, are said with what to do", async () => {
    const gone = { ...home, cluster: { servers: "nats://127.0.0.1:1" } };
    await expect(sinkOf("a").validate?.(gone)).rejects.toMatchObject({ code: "SERVER_UNREACHABLE" });
    await expect(sinkOf("nobody.takes").validate?.(home)).rejects.toMatchObject({
      code: "SERVER_UNSUITABLE",
      message: expect.stringMatching(
        /no stream takes nobody\.takes\.\*.*nats stream add NOBODY-TAKES --subjects 'nobody\.takes\.\*'/,
      ) as string,
    });
    await expect(sinkOf("a", { stream: "NOWHERE" }).validate?.(home)).rejects.toMatchObject({
      code: "SERVER_UNSUITABLE",
    });
  });

  test("a stream that takes not all of the subjects, or cannot keep the last row, is refused", async () => {
    for (const [config, reason] of [
      [{ subjects: ["part.0"] }, /takes part\.0, not all of part\.\*/],
      [{ subjects: ["work.*"], retention: "workqueue" }, /retention workqueue/],
      [{ subjects: ["interest.>"], retention: "interest" }, /retention interest/],
      [{ subjects: ["silent.*"], no_ack: true }, /no_ack/],
      [
        { subjects: ["moved.*"], subject_transform: { src: "moved.*", dest: "other.{{wildcard(1)}}" } },
        /subject_transform/,
      ],
    ] as const) {
      const stream = await outsider.make(config);
      const subject = config.subjects[0].split(".")[0] ?? "";
      for (const options of [{}, { stream }]) {
        await expect(sinkOf(subject, options).validate?.(home)).rejects.toMatchObject({
          code: "SERVER_UNSUITABLE",
          message: expect.stringMatching(reason) as string,
        });
      }
    }
    for (const subjects of [["fine.*"], ["good.>"], ["narrow.x", "wide.*"]]) {
      await outsider.make({ subjects });
      await sinkOf(subjects.at(-1)?.split(".")[0] ?? "").validate?.(home);
    }
  });
});

describe.each([
  ["one by one", {}],
  ["in atomic batches", { allow_atomic: true }],
])("rows %s", (how, config) => {
  describe.skipIf(nats === undefined)("on a server", () => {
    let stream = "";
    beforeEach(async () => {
      stream = await outsider.make(config);
    });

    test("are stored in order, each under its instance's subject, with whose they are", async () => {
      const writer = await open(stream, { partition: 3, generation: 2 });
      expect(await writer.write(rows(1, 3))).toEqual([]);
      expect(await writer.write([{ ...rows(4, 4)[0], timestamp: 59_999 } as SinkRow])).toEqual([]);
      const stored = await outsider.stored(stream);
      expect(stored.map(({ payload }) => payload)).toEqual(["1", "2", "3", "4"]);
      expect(new Set(stored.map(({ subject }) => subject))).toEqual(new Set([`${stream}.3`]));
      const said = stored.map(({ headers }) =>
        Object.fromEntries([...headers].filter(([name]) => name.startsWith("Tidemark"))),
      );
      expect(said.at(-1)).toEqual({
        "Tidemark-Job": "test",
        "Tidemark-Life": "2@1000",
        "Tidemark-Writer": "averages/3/out",
        "Tidemark-Number": "4",
        "Tidemark-Timestamp": "59999",
      });
    });

    test("W3: come again after a crash and are not stored again, however far the predecessor had come", async () => {
      for (const reached of [1, 4, 9]) {
        const before = await open(stream, { partition: reached });
        await before.write(rows(1, reached));
        const after = await open(stream, { partition: reached, epoch: 2 });
        await after.write(rows(1, 6));
        await after.write(rows(7, 12));
      }
      for (const reached of [1, 4, 9]) {
        const own = (await outsider.stored(stream)).filter(({ subject }) => subject === `${stream}.${reached}`);
        expect(own.map(({ payload }) => Number(payload))).toEqual(numbers(12));
      }
    });

    test("W7: the last row comes again with other bytes: what it was computed from has changed", async () => {
      const before = await open(stream);
      await before.write(rows(1, 4));
      const after = await open(stream, { epoch: 2 });
      const other = rows(1, 9).map((row) => (row.number === 4 ? { ...row, value: Buffer.from("44") } : row));
      await expect(after.write(other)).rejects.toMatchObject({
        code: "DIVERGED",
        message: expect.stringMatching(/row 4 of .*\.0 is in stream .* at 4 with other bytes \(1, not 2\)/) as string,
      });
      expect(await valuesIn(stream)).toEqual(numbers(4));
    });

    test("W1: of two incarnations at the same time: a chain without gap or repetition, whoever publishes", async () => {
      const [zombie, successor] = [await open(stream), await open(stream, { epoch: 2 })];
      await zombie.write(rows(1, 5));
      const both = [writeAll(zombie, 6, 300, 7), writeAll(successor, 1, 300, 40)];
      await Promise.all(both);
      expect(await valuesIn(stream)).toEqual(numbers(300));
    });

    test("W1: a zombie's publish that arrives late is refused by the server", async () => {
      const zombie = await open(stream);
      await zombie.write(rows(1, 2));
      const successor = await open(stream, { epoch: 2 });
      await successor.write(rows(1, 4));
      const late = { "Nats-Expected-Last-Subject-Sequence": "2", "Tidemark-Number": "3" };
      await outsider.publishWith(`${stream}.0`, "3", late);
      await zombie.write(rows(3, 5));
      expect(await valuesIn(stream)).toEqual(numbers(5));
    });

    test("W4: a later life of the job begins at row 1, and fences the earlier one", async () => {
      const earlier = await open(stream);
      await earlier.write(rows(1, 5));
      for (const later of [
        { generation: 2, startedMs: 2_000 },
        { generation: 1, startedMs: 3_000 },
      ]) {
        const writer = await open(stream, later);
        await writer.write(rows(1, 3));
      }
      await expect(earlier.write(rows(6, 7))).rejects.toMatchObject({
        code: "FENCED",
        message: expect.stringMatching(/later life of the job/) as string,
      });
      expect(await valuesIn(stream)).toEqual([...numbers(5), 1, 2, 3, 1, 2, 3]);
    });

    test("W4: behind a message of nobody, of another job or of another sink nothing is published", async () => {
      await outsider.publish(`${stream}.0`, "by hand");
      const cases: [number, Partial<SinkIdentity>, RegExp][] = [
        [0, {}, /message 1 of stream S\d+, the last one of S\d+\.0, is not of this job/],
        [1, { job: "other" }, /is of job test/],
        [2, { sink: "second" }, /is of averages\/2\/out, and averages\/2\/second publishes there too/],
      ];
      for (const [partition, parts, reason] of cases) {
        if (partition > 0) await (await open(stream, { partition })).write(rows(1, 1));
        const writer = await open(stream, { partition, ...parts });
        const refusal = { code: "OPTION_INVALID", message: expect.stringMatching(reason) as string };
        await expect(writer.write(rows(1, 2))).rejects.toMatchObject(refusal);
      }
      expect(await payloadsIn(stream)).toEqual(["by hand", "1", "1"]);
    });

    test("W6: a row that is too large is refused, the others are stored; it is refused again when it comes again", async () => {
      await outsider.ask(`STREAM.UPDATE.${stream}`, {
        name: stream,
        subjects: [stream, `${stream}.>`],
        storage: "file",
        max_msg_size: 2_000,
        ...config,
      });
      const large = rowsFor(sinkOf("any"), [1, "x".repeat(2_000), 3]);
      for (const epoch of [1, 2]) {
        const writer = await open(stream, { epoch });
        const refused = await writer.write(large);
        expect(refused.map(({ row: { number }, reason }) => [number, reason])).toEqual([
          [2, expect.stringMatching(/too large.*976/)],
        ]);
      }
      expect(await valuesIn(stream)).toEqual([1, 3]);
    });

    test("a stream that is full is back-pressure; when there is room the same rows are stored, once", async () => {
      const full = await outsider.make({ discard: "new", max_msgs: 3, ...config });
      const writer = await open(full);
      await writer.write(rows(1, 2));
      await expect(writer.write(rows(3, 6))).rejects.toMatchObject({
        ...unavailable,
        message: expect.stringMatching(/does not take row \d: maximum messages exceeded/) as string,
      });
      await outsider.ask(`STREAM.UPDATE.${full}`, {
        name: full,
        subjects: [full, `${full}.>`],
        storage: "file",
        discard: "new",
        ...config,
      });
      await writer.write(rows(3, 6));
      expect(await valuesIn(full)).toEqual(numbers(6));
    });

    test("a stream with less room than a batch takes is filled all the same", async () => {
      const narrow = await outsider.make({ discard: "new", max_msgs: 3, ...config });
      const writer = await open(narrow);
      await expect(writer.write(rows(1, 6))).rejects.toMatchObject(unavailable);
      await expect(writer.write(rows(1, 6))).rejects.toMatchObject(unavailable);
      expect(await valuesIn(narrow)).toEqual(numbers(3));
    });

    test("a stream that is gone is waited for", async () => {
      const writer = await open(stream);
      await writer.write(rows(1, 2));
      await outsider.ask(`STREAM.DELETE.${stream}`);
      await expect(writer.write(rows(3, 3))).rejects.toMatchObject(unavailable);
      await outsider.create(stream, config);
      await writer.write(rows(3, 4));
      expect(await valuesIn(stream)).toEqual([3, 4]);
    });

    describe("W5: the last row has been removed", () => {
      /** What a snapshot lists after `last` rows. */
      async function snapshotAfter(last: number): Promise<readonly Uint8Array[]> {
        const writer = await open(stream);
        await writer.write(rows(1, last));
        const prepared = await writer.prepare?.();
        return prepared === undefined ? [] : [prepared];
      }

      test("and the stream begins where it ended at the snapshot: rows go on exactly, in silence", async () => {
        const listed = await snapshotAfter(4);
        await outsider.ask(`STREAM.PURGE.${stream}`);
        const successor = await open(stream, { epoch: 2 }, listed);
        await successor.write(rows(3, 6));
        expect(await valuesIn(stream)).toEqual([5, 6]);
        expect(logged).toEqual([]);
      });

      test("and the stream begins later: what came behind the snapshot may be twice, and it is said", async () => {
        const listed = await snapshotAfter(4);
        const writer = await open(stream, { epoch: 2 }, listed);
        await writer.write(rows(5, 6));
        await outsider.ask(`STREAM.PURGE.${stream}`);
        const successor = await open(stream, { epoch: 3 }, listed);
        await successor.write(rows(3, 7));
        // One by one, the server still knows the ids of rows 5 and 6.
        expect(await valuesIn(stream)).toEqual(how === "one by one" ? [7] : [5, 6, 7]);
        expect(logged).toEqual([expect.stringMatching(/the last rows of a sink are gone from its stream/)]);
      });

      test("while the writer that has published it goes on: exactly, in silence", async () => {
        const writer = await open(stream);
        await writer.write(rows(1, 3));
        await writer.prepare?.();
        await outsider.ask(`STREAM.PURGE.${stream}`);
        await writer.write(rows(4, 5));
        await outsider.ask(`STREAM.PURGE.${stream}`);
        await writer.prepare?.();
        await writer.write(rows(6, 7));
        expect(await valuesIn(stream)).toEqual([6, 7]);
        expect(logged).toEqual([]);
      });

      test("a zombie's row is not forgotten by the snapshot of its successor, which had only skipped it", async () => {
        await (await open(stream)).write(rows(1, 9));
        const successor = await open(stream, { epoch: 2 });
        await successor.write(rows(1, 3));
        const listed = [await successor.prepare?.()].filter((each) => each !== undefined);
        await outsider.ask(`STREAM.PURGE.${stream}`);
        await (await open(stream, { epoch: 3 }, listed)).write(rows(4, 11));
        expect(await valuesIn(stream)).toEqual([10, 11]);
      });
    });

    test(
      "a server that is killed and comes back while rows are written: each once, in order",
      { timeout: 180_000 },
      async () => {
        const own = await natsForTests({}, onTestFinished);
        if (own === undefined) throw new Error("no nats-server");
        const there = await Outsider.on(own.server);
        onTestFinished(() => there.connection.close());
        const target = await there.make(config);
        const writer = await open(target, {}, [], homeOn(own.server).home);
        const writing = writeAll(writer, 1, 4_000, 100);
        for (let kill = 1; kill <= 3; kill += 1) {
          while ((await there.state(target)).last_seq < kill * 1_000);
          await own.server.kill("SIGKILL");
          await own.server.restart();
        }
        await writing;
        expect(await valuesIn(target, there)).toEqual(numbers(4_000));
      },
    );

    test(
      "whatever incarnations do, one after the other or at the same time: each row once, in order",
      { timeout: 180_000 },
      async () => {
        let partition = 100;
        const step = fc.oneof(
          fc.record({ kind: fc.constant("claim" as const) }),
          fc.record({ kind: fc.constant("snapshot" as const) }),
          fc.record({ kind: fc.constant("cut" as const), writer: fc.nat(5) }),
          fc.record({ kind: fc.constant("write" as const), writer: fc.nat(5), count: fc.integer({ min: 1, max: 9 }) }),
        );
        const property = fc.asyncProperty(fc.array(step, { maxLength: 20 }), async (steps) => {
          partition += 1;
          const life = new Life(partition);
          await life.claim();
          for (const { kind, writer = 0, count = 0 } of steps as readonly Step[]) {
            if (kind === "claim") await life.claim();
            else if (kind === "snapshot") await life.snapshot();
            else if (kind === "cut") await life.cut(writer);
            else life.write(writer, count);
          }
          const end = await life.complete();
          const own = (await outsider.stored(stream)).filter(({ subject }) => subject === `${stream}.${partition}`);
          expect(own.map(({ payload }) => Number(payload))).toEqual(numbers(end));
        });
        await fc.assert(property, { numRuns: 25 });
      },
    );

    interface Step {
      readonly kind: "claim" | "snapshot" | "cut" | "write";
      readonly writer?: number;
      readonly count?: number;
    }

    interface Incarnation {
      readonly writer: SinkWriter;
      last: number;
      writing: Promise<unknown>;
    }

    /** The incarnations of one instance: each goes on from the last snapshot, all of them may still be there. */
    class Life {
      readonly #partition: number;
      readonly #all: Incarnation[] = [];
      #snapshot: { readonly last: number; readonly listed: readonly Uint8Array[] } = { last: 0, listed: [] };

      constructor(partition: number) {
        this.#partition = partition;
      }

      async claim(): Promise<Incarnation> {
        const epoch = this.#all.length + 1;
        const writer = await open(stream, { partition: this.#partition, epoch }, this.#snapshot.listed);
        const incarnation = { writer, last: this.#snapshot.last, writing: Promise.resolve() };
        this.#all.push(incarnation);
        return incarnation;
      }

      /** Only the newest moves the pointer. */
      async snapshot(): Promise<void> {
        const newest = this.#all.at(-1);
        if (newest === undefined) return;
        await newest.writing;
        const prepared = await newest.writer.prepare?.().catch(() => undefined);
        if (prepared !== undefined) this.#snapshot = { last: newest.last, listed: [prepared] };
      }

      /** A crash, whatever is under way; the newest is followed by a new one. */
      async cut(index: number): Promise<void> {
        const incarnation = this.#all[index % this.#all.length];
        await incarnation?.writer.close();
        await incarnation?.writing;
        if (incarnation === this.#all.at(-1)) await this.claim();
      }

      write(index: number, count: number): void {
        const incarnation = this.#all[index % this.#all.length];
        if (incarnation === undefined) return;
        const first = incarnation.last + 1;
        incarnation.last += count;
        const { last } = incarnation;
        incarnation.writing = incarnation.writing
          .then(() => writeAll(incarnation.writer, first, last, count))
          .catch(() => undefined);
      }

      /** Everything up to the last row that anybody had; answers its number. */
      async complete(): Promise<number> {
        const end = Math.max(1, ...this.#all.map(({ last }) => last));
        const final = await this.claim();
        await writeAll(final.writer, final.last + 1, end, 7);
        for (const { writing } of this.#all) await writing;
        return end;
      }
    }

    test("W3: cut off after any number of rows, acknowledged or not, a successor completes the chain", async () => {
      for (let count = 1; count <= 12; count += 1) {
        const identity = { partition: count };
        const cut = await open(stream, identity);
        const writing = writeAll(cut, 1, 30, 5).catch(() => undefined);
        while ((await own(count)).length < count);
        await cut.close();
        const successor = await open(stream, { ...identity, epoch: 2 });
        await writeAll(successor, 1, 30, 7);
        await writing;
        expect(await own(count)).toEqual(numbers(30));
      }

      async function own(partition: number): Promise<readonly number[]> {
        const all = await outsider.stored(stream);
        return all.filter(({ subject }) => subject === `${stream}.${partition}`).map(({ payload }) => Number(payload));
      }
    });
  });
});

/** Writes rows `first` to `last`, `step` at a time, and again what the sink could not take. */
async function writeAll(writer: SinkWriter, first: number, last: number, step: number): Promise<void> {
  for (let from = first; from <= last; from += step) {
    for (;;) {
      try {
        await writer.write(rows(from, Math.min(last, from + step - 1)));
        break;
      } catch (error) {
        if (!StreamError.is(error, "SINK_UNAVAILABLE") || /has been closed/.test(error.message)) throw error;
      }
    }
  }
}
