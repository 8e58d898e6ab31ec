/**
 * A nats-server for one test file: started when asked for, stopped when the file is through.
 *
 * Without a binary the tests that need one are skipped, and say so; where TIDEMARK_REQUIRE_NATS is 1 they fail instead.
 */
import { afterAll } from "vitest";
import { messageOf } from "../../framework/errors.ts";
import { connectNats, type NatsOptions } from "../../framework/nats/connect.ts";
import type { NatsSeams } from "../../framework/nats/nats-seams.ts";
import { findNatsServer } from "../../framework/nats/server-binary.ts";
import { type NatsServer, type NatsServerOptions, startNatsServer } from "../../framework/nats/server.ts";

/** A running server, and connections to it that are closed when the file is through. */
export interface NatsForTests {
  readonly server: NatsServer;
  connect(options?: Partial<NatsOptions>): Promise<NatsSeams>;
}

/**
 * Starts a server of this file's own; undefined when there is no binary (then skip: `test.skipIf(nats === undefined)`).
 *
 * @param atEnd registers what stops it: `onTestFinished` when called within a test, where `afterAll` does nothing
 */
export async function natsForTests(
  options: NatsServerOptions = {},
  atEnd: (stop: () => Promise<void>) => void = afterAll,
): Promise<NatsForTests | undefined> {
  const binary = await binaryForTests();
  if (binary === undefined) return undefined;
  const server = await startNatsServer({ binary, ...options });
  const opened: NatsSeams[] = [];
  atEnd(async () => {
    await Promise.all(opened.map((seams) => seams.close()));
    await server.stop();
  });
  return {
    server,
    connect: async (given = {}) => {
      const seams = await connectNats({ servers: server.url, ...given });
      opened.push(seams);
      return seams;
    },
  };
}

/** The binary, or undefined with a visible word about it. */
export async function binaryForTests(): Promise<string | undefined> {
  try {
    return await findNatsServer();
  } catch (error) {
    if (process.env["TIDEMARK_REQUIRE_NATS"] === "1") throw error;
    console.warn(`SKIPPED: tests against NATS, because ${messageOf(error)}`);
    return undefined;
  }
}
