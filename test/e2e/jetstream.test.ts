/**
 * A job between two JetStream streams, deployed as it would be, while its workers and the server are killed: the stream that it writes holds what a naive
 * computation says, each row once.
 */
import { embedded, type Job, job, json, start } from "tidemark";
import { jetstream } from "tidemark/connectors/jetstream";
import { describe, expect, onTestFinished, test } from "vitest";
import { Outsider } from "../connectors/streams.ts";
import { binaryForTests, natsForTests } from "../support/nats.ts";
import { type Program, startNode } from "../support/program.ts";
import { until } from "../support/until.ts";
import { type MinuteRow, Readings, sorted } from "./readings-place.ts";

const binary = await binaryForTests();
const rounds = 4;
const readingsPerRound = 3_000;
const workers = 2;

/** Both streams on a server of the test's own. */
async function place(config: object) {
  const nats = await natsForTests({}, onTestFinished);
  if (nats === undefined) throw new Error("no nats-server");
  const outsider = await Outsider.on(nats.server);
  onTestFinished(() => outsider.connection.close());
  await outsider.create("READINGS", { subjects: ["readings"] });
  await outsider.create("AVERAGES", { subjects: ["averages.*"], ...config });
  const rows: MinuteRow[] = [];
  outsider.connection.subscribe("averages.*", { callback: (_, message) => void rows.push(message.json<MinuteRow>()) });
  const startWorker = () => startNode(["test/e2e/programs/averages.ts"], { TIDEMARK_NATS: nats.server.url });
  return { server: nats.server, outsider, rows, startWorker };
}

/** Doubles what is in the stream now, in the memory of this process. */
function doubling(servers: string): Job {
  const doubled = job("doubled", { partitions: 1, version: "1" });
  doubled
    .source("numbers", jetstream({ servers, stream: "READINGS", codec: json<number>(), until: "last" }))
    .map((value) => 2 * value)
    .to(jetstream({ servers, subject: "averages", codec: json() }));
  return doubled;
}

test.skipIf(binary === undefined)(
  "an embedded job that is run again is another life: it begins at its first row, and nothing is taken for written",
  { timeout: 180_000 },
  async () => {
    const { server, outsider } = await place({});
    await outsider.publish("readings", "1", "{", "3");
    const letters: unknown[] = [];
    for (let run = 1; run <= 2; run += 1) {
      const handle = await start(doubling(server.url), embedded(), { onDeadLetter: (letter) => letters.push(letter) });
      expect(await handle.done).toMatchObject({ state: "completed", totals: { deadLetters: 1 } });
    }
    expect((await outsider.stored("AVERAGES")).map(({ payload }) => payload)).toEqual(["2", "6", "2", "6"]);
    expect(letters).toHaveLength(2);
  },
);

describe.skipIf(binary === undefined)("a stream in, a stream out", { timeout: 240_000 }, () => {
  test.each([
    ["one by one", {}],
    ["in atomic batches", { allow_atomic: true }],
  ])(
    "each row once, %s, while workers are killed in the middle of their rows, and the server in between",
    async (_how, config) => {
      const { server, outsider, rows, startWorker } = await place(config);
      const running: Program[] = Array.from({ length: workers }, startWorker);
      const readings = new Readings();
      const publish = async (count: number) => {
        for (const reading of readings.next(count)) await outsider.send("readings", JSON.stringify(reading));
      };
      for (let round = 0; round < rounds; round += 1) {
        let before = rows.length;
        await publish(readingsPerRound);
        if (round === rounds / 2) {
          // A worker that is still starting would end without a server, and nobody starts another one here.
          await until("rows come", () => rows.length > before, 60_000);
          before = rows.length;
          await server.kill("SIGKILL");
          await server.restart();
          await publish(readingsPerRound / 2);
        }
        await until("rows come", () => rows.length > before, 60_000);
        const victims = round % 2 === 0 ? 1 : workers;
        for (let count = 0; count < victims; count += 1) {
          const victim = running.shift();
          victim?.send("SIGKILL");
          await victim?.ended();
          running.push(startWorker());
        }
      }
      await outsider.send("readings", JSON.stringify(readings.closing()));
      const expected = sorted(readings.expected());
      const stored = async () => (await outsider.state("AVERAGES")).messages;
      await expect.poll(stored, { interval: 100, timeout: 120_000 }).toBeGreaterThanOrEqual(expected.length);
      const found = (await outsider.stored("AVERAGES")).map(({ payload }) => JSON.parse(payload) as MinuteRow);
      expect(sorted(found)).toEqual(expected);
      for (const program of running) {
        program.send("SIGTERM");
        expect(await program.ended()).toMatchObject({ code: 0 });
      }
      expect(await stored()).toBe(expected.length);
    },
  );
});
