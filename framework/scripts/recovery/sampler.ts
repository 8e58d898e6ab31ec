/**
 * What a job holds at a moment: memory and handles of its processes, and everything it keeps in the server.
 *
 * Owns the connection it asks over; looks from outside, as an operator would.
 */
import { readdirSync, readFileSync } from "node:fs";
import { connect } from "@nats-io/transport-node";
import type { Cluster } from "./cluster.ts";
import type { WorkerProcess } from "./worker-process.ts";

/** Quantities at one moment. */
export interface Sample {
  readonly atSeconds: number;
  /** Of the worker that is never killed. */
  readonly witnessRssBytes: number;
  readonly witnessHeapBytes: number;
  readonly witnessHandles: number;
  /** Of all worker processes. */
  readonly workersRssBytes: number;
  readonly serverRssBytes: number;
  readonly serverHandles: number;
  readonly streams: number;
  readonly consumers: number;
  readonly chunks: number;
  readonly chunkBytes: number;
  readonly registerKeys: number;
  readonly registerMessages: number;
  readonly jobLogRecords: number;
  readonly inboxBytes: number;
}

interface StreamState {
  readonly config: { readonly name: string };
  readonly state: {
    readonly messages: number;
    readonly bytes: number;
    readonly consumer_count: number;
    readonly num_subjects?: number;
  };
}

interface Page {
  readonly total: number;
  readonly streams?: readonly StreamState[] | null;
}

/** Looks at one cluster. */
export class Sampler {
  readonly #cluster: Cluster;
  readonly #connection: Awaited<ReturnType<typeof connect>>;
  readonly #beganMs = performance.now();

  private constructor(cluster: Cluster, connection: Awaited<ReturnType<typeof connect>>) {
    this.#cluster = cluster;
    this.#connection = connection;
  }

  static async of(cluster: Cluster): Promise<Sampler> {
    return new Sampler(cluster, await connect({ servers: cluster.server.url }));
  }

  /** Undefined when the witness is too busy to answer. */
  async sample(witness: WorkerProcess): Promise<Sample | undefined> {
    const usage = await witness.usage();
    if (usage === undefined) return undefined;
    const streams = await this.streams();
    const { jobLog, prefix, job } = this.#cluster.names;
    const named = (name: string) => streams.filter(({ config }) => config.name === name);
    const registers = named(`KV_TM_${job}`);
    const chunks = named(`${prefix}CHUNKS`);
    const inboxes = streams.filter(({ config }) => config.name.startsWith(`${prefix}IN_`));
    const server = this.#cluster.server.processId ?? 0;
    return {
      atSeconds: (performance.now() - this.#beganMs) / 1_000,
      witnessRssBytes: usage.rssBytes,
      witnessHeapBytes: usage.heapBytes,
      witnessHandles: usage.handles,
      workersRssBytes: this.#cluster.workers.reduce((sum, { processId }) => sum + rssOf(processId), 0),
      serverRssBytes: rssOf(server),
      serverHandles: handlesOf(server),
      streams: streams.length,
      consumers: total(streams, ({ consumer_count: consumers }) => consumers),
      chunks: total(chunks, ({ messages }) => messages),
      chunkBytes: total(chunks, ({ bytes }) => bytes),
      registerKeys: total(registers, (state) => state.num_subjects ?? 0),
      registerMessages: total(registers, ({ messages }) => messages),
      jobLogRecords: total(named(jobLog), ({ messages }) => messages),
      inboxBytes: total(inboxes, ({ bytes }) => bytes),
    };
  }

  /** Every stream of the server. */
  async streams(): Promise<readonly StreamState[]> {
    const found: StreamState[] = [];
    for (;;) {
      const answer = await this.#connection.request("$JS.API.STREAM.LIST", JSON.stringify({ offset: found.length }));
      const page = answer.json<Page>();
      found.push(...(page.streams ?? []));
      if (found.length >= page.total || (page.streams ?? []).length === 0) return found;
    }
  }

  async close(): Promise<void> {
    await this.#connection.close();
  }
}

function total(streams: readonly StreamState[], of: (state: StreamState["state"]) => number): number {
  return streams.reduce((sum, { state }) => sum + of(state), 0);
}

/** 0 where the system does not say it. */
function rssOf(processId: number): number {
  const line = /^VmRSS:\s+(\d+) kB$/m.exec(readOr(() => readFileSync(`/proc/${processId}/status`, "utf8"), ""));
  return Number(line?.[1] ?? 0) * 1_024;
}

function handlesOf(processId: number): number {
  return readOr(() => readdirSync(`/proc/${processId}/fd`), []).length;
}

function readOr<T>(read: () => T, otherwise: T): T {
  try {
    return read();
  } catch {
    return otherwise;
  }
}
