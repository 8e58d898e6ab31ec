/**
 * A nats-server, or a cluster of three, for one test file: started when asked for, stopped when the file is through.
 *
 * Without a binary the tests that need one are skipped, and say so; where TIDEMARK_REQUIRE_NATS is 1 they fail instead.
 */
import { afterAll } from "vitest";
import { messageOf } from "../../framework/errors.ts";
import { type NatsCluster, startNatsCluster } from "../../framework/nats/cluster.ts";
import { connectNats, type NatsOptions } from "../../framework/nats/connect.ts";
import type { NatsSeams } from "../../framework/nats/nats-seams.ts";
import { findNatsServer } from "../../framework/nats/server-binary.ts";
import { type NatsServer, type NatsServerOptions, startNatsServer } from "../../framework/nats/server.ts";

/** Connections that are closed when the file is through. */
export interface Connecting {
  connect(options?: Partial<NatsOptions>): Promise<NatsSeams>;
}

/** A running server, and connections to it. */
export interface NatsForTests extends Connecting {
  readonly server: NatsServer;
}

/** A running cluster, and connections to it; they ask for as many replicas as it has servers. */
export interface ClusterForTests extends Connecting {
  readonly cluster: NatsCluster;
  /** Does something more before the servers are stopped. */
  atEnd(action: () => Promise<unknown>): void;
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
  return { server, ...connecting(server, { servers: server.url }, atEnd) };
}

/** Starts a cluster of three servers of this file's own; undefined when there is no binary. */
export async function clusterForTests(
  atEnd: (stop: () => Promise<void>) => void = afterAll,
): Promise<ClusterForTests | undefined> {
  const binary = await binaryForTests();
  if (binary === undefined) return undefined;
  const cluster = await startNatsCluster({ binary });
  const actions: (() => Promise<unknown>)[] = [];
  const running = {
    stop: async () => {
      await Promise.all(actions.map((action) => action()));
      await cluster.stop();
    },
  };
  const usual = { servers: cluster.urls, replicas: cluster.servers.length };
  return { cluster, atEnd: (action) => void actions.push(action), ...connecting(running, usual, atEnd) };
}

function connecting(
  running: { stop(): Promise<void> },
  usual: NatsOptions,
  atEnd: (stop: () => Promise<void>) => void,
): Connecting {
  const opened: NatsSeams[] = [];
  atEnd(async () => {
    await Promise.all(opened.map((seams) => seams.close()));
    await running.stop();
  });
  return {
    connect: async (given = {}) => {
      const seams = await connectNats({ ...usual, ...given });
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
