/**
 * Where a conformance suite runs: on memory or on a server.
 *
 * A suite is written once, as if everything were real: it awaits the seams and waits for what it expects. What drives time meanwhile is the business of
 * the place.
 */
import { MemorySeams } from "../../framework/log/memory-seams.ts";
import { headers } from "@nats-io/transport-node";
import type { Logs, Seams } from "../../framework/log/contracts.ts";
import { JetStreamApi } from "../../framework/nats/api.ts";
import { connectLink } from "../../framework/nats/connect.ts";
import { subjectOf } from "../../framework/nats/stream-config.ts";
import { seededRandom, systemRandom } from "../../framework/platform/random.ts";
import { VirtualClock } from "../../framework/platform/virtual-clock.ts";
import type { ClusterForTests, Connecting } from "../support/nats.ts";
import { turn } from "../support/until.ts";

/** One implementation of the seams, for a suite. */
export interface Place {
  readonly name: string;
  /** Runs one test: hands it the seams, and lets time pass until it is through. */
  run(body: (seams: Seams) => Promise<void>): Promise<void>;
}

/** Memory, on a virtual clock that is driven as long as the test runs; tasks due together run in order, or in one drawn from `seed`. */
export function memoryPlace(seed?: number): Place {
  return {
    name: seed === undefined ? "memory" : "memory, in a drawn order",
    run: async (body) => {
      const clock = new VirtualClock(seed === undefined ? {} : { random: seededRandom(seed) });
      const progress = { isThrough: false };
      const through = body(new MemorySeams(clock)).finally(() => {
        progress.isThrough = true;
      });
      while (!progress.isThrough) if (!(await clock.step())) await turn();
      await through;
    },
  };
}

/** A server. */
export function natsPlace(nats: Connecting): Place {
  let seams: Promise<Seams> | undefined;
  return { name: "NATS", run: async (body) => body(await (seams ??= nats.connect())) };
}

/** A cluster. A log counts as created when every server knows it: until then one may answer that nobody listens there, which whoever sends repeats. */
export function clusterPlace(nats: ClusterForTests): Place {
  let opened: Promise<Seams> | undefined;
  const open = async (): Promise<Seams> => {
    const seams = await nats.connect();
    const links = await Promise.all(nats.cluster.urls.map((servers) => connectLink({ servers })));
    nats.atEnd(() => Promise.all(links.map((link) => link.close())));
    const knownEverywhere = (name: string) => Promise.all(links.map((link) => known(new JetStreamApi(link), name)));
    const create: Logs["create"] = async (name, config) => {
      const log = await seams.logs.create(name, config);
      await knownEverywhere(name);
      return log;
    };
    const { logs, bus, holdings } = seams;
    return {
      logs: {
        create,
        open: (name) => logs.open(name),
        list: (prefix) => logs.list(prefix),
        delete: (name) => logs.delete(name),
      },
      bus,
      holdings,
      registers: (job) => seams.registers(job),
      blobs: (job, generation) => seams.blobs(job, generation),
      savepoints: (job) => seams.savepoints(job),
    };
  };
  return { name: "three replicas", run: async (body) => body(await (opened ??= open())) };
}

/** Asks the log for something that it refuses, which stores nothing, until it answers. */
async function known(api: JetStreamApi, name: string): Promise<void> {
  const impossible = headers();
  impossible.set("Nats-Expected-Last-Sequence", "1000000");
  await api.publish(subjectOf(name), new Uint8Array(0), impossible);
}

/** A job nobody else has. */
export function newJob(): string {
  return `t${systemRandom().id(8)}`;
}
