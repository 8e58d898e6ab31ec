/**
 * Streams: creating, looking at, cutting, removing.
 *
 * Owns the calls about streams, and how many copies those that it creates have; what a stream is for is the business of logs, chunks and registers.
 *
 * N8. A cluster that has not heard from one of its servers yet, as after a way between two of them broke, is asked again until it has.
 */
import { isUnheard, refusalError, refusals } from "./api-refusal.ts";
import { StreamError } from "../errors.ts";
import type { ApiRefusal, JetStreamApi } from "./api.ts";
import { throughElection } from "./in-election.ts";
import { afterMs } from "./link.ts";
import { checkStream, type StreamConfig, type WantedStream } from "./stream-config.ts";
import { systemMonotonicMs } from "./system-time.ts";

/** A stream as the server describes it. */
export interface StreamDescription {
  readonly config: StreamConfig;
  /** RFC 3339, nanoseconds. */
  readonly created: string;
  readonly state: {
    readonly first_seq: number;
    readonly last_seq: number;
    readonly bytes: number;
    readonly messages: number;
    readonly subjects?: Readonly<Record<string, number>>;
  };
}

interface Page {
  readonly total: number;
  readonly limit: number;
  readonly streams?: readonly StreamDescription[] | null;
}

/** N8. */
const usualHeardWithinMs = 15_000;
const askAgainMs = 250;

/** The streams of an account. */
export class Streams {
  readonly api: JetStreamApi;
  readonly #replicas: number | undefined;
  readonly #heardWithinMs: number;

  /**
   * @param replicas copies of each stream; where it is not said, those that are there may have any number, and new ones have 1
   * @param heardWithinMs how long N8 waits. @default one report of a server and a half
   */
  constructor(api: JetStreamApi, replicas?: number, heardWithinMs = usualHeardWithinMs) {
    this.api = api;
    this.#replicas = replicas;
    this.#heardWithinMs = heardWithinMs;
  }

  /** Whether streams have several copies, of which one has to be elected to answer. */
  get isReplicated(): boolean {
    return (this.#replicas ?? 1) > 1;
  }

  /** Creates the stream or, when it exists, checks it. @throws SERVER_UNSUITABLE, SERVER_FULL, SERVER_REFUSED, UNAVAILABLE, TIMEOUT */
  create(wanted: WantedStream): Promise<StreamDescription> {
    const heardByMs = systemMonotonicMs() + this.#heardWithinMs;
    return throughElection(this.isReplicated, () => this.#create(wanted, heardByMs));
  }

  async #create(wanted: WantedStream, heardByMs: number): Promise<StreamDescription> {
    const replicas = this.#replicas;
    const adding = { ...wanted, num_replicas: replicas ?? 1 };
    const found = (await this.find(wanted.name)) ?? (await this.#add(adding, heardByMs));
    checkStream(found.config, replicas === undefined ? wanted : { ...wanted, num_replicas: replicas });
    return found;
  }

  /** The stream, or undefined when there is none. @throws UNAVAILABLE, TIMEOUT, SERVER_REFUSED */
  async find(name: string): Promise<StreamDescription | undefined> {
    const answer = await this.api.ask<StreamDescription>(`STREAM.INFO.${name}`);
    if (answer.kind === "done") return answer.value;
    if (answer.refusal.err_code === refusals.streamNotFound) return undefined;
    throw refusalError(`stream ${name}`, answer.refusal);
  }

  /** @throws NOT_FOUND, UNAVAILABLE, TIMEOUT */
  get(name: string): Promise<StreamDescription> {
    return this.api.call(`stream ${name}`, `STREAM.INFO.${name}`);
  }

  async delete(name: string): Promise<void> {
    const answer = await throughElection(this.isReplicated, () => this.api.ask(`STREAM.DELETE.${name}`));
    if (answer.kind === "done" || answer.refusal.err_code === refusals.streamNotFound) return;
    throw refusalError(`delete stream ${name}`, answer.refusal);
  }

  /** Changes `max_bytes` and nothing else. */
  async resize(name: string, maxBytes: number): Promise<void> {
    const { config } = await this.get(name);
    await this.api.call(`resize stream ${name} to ${maxBytes} bytes`, `STREAM.UPDATE.${name}`, {
      ...config,
      max_bytes: maxBytes,
    });
  }

  /** Removes messages below `seq` (exclusive), or those of one subject. */
  async purge(name: string, which: { readonly seq: number } | { readonly filter: string }): Promise<void> {
    await this.api.call(`purge stream ${name}`, `STREAM.PURGE.${name}`, which);
  }

  /** Every stream whose name begins with `prefix`. */
  async list(prefix: string): Promise<readonly StreamDescription[]> {
    const found: StreamDescription[] = [];
    for (let offset = 0; ;) {
      const page = await this.api.call<Page>("list streams", "STREAM.LIST", { offset });
      const streams = page.streams ?? [];
      found.push(...streams.filter(({ config }) => config.name.startsWith(prefix)));
      offset += streams.length;
      if (streams.length === 0 || offset >= page.total) return found;
    }
  }

  /** The subjects below `filter` that have a message, in order. */
  async subjects(name: string, filter: string): Promise<readonly string[]> {
    const found: string[] = [];
    for (let offset = 0; ;) {
      const body = { subjects_filter: filter, offset };
      const page = await this.api.call<StreamDescription & { readonly total?: number }>(
        `subjects of stream ${name}`,
        `STREAM.INFO.${name}`,
        body,
      );
      const subjects = Object.keys(page.state.subjects ?? {});
      found.push(...subjects);
      offset += subjects.length;
      if (subjects.length === 0 || offset >= (page.total ?? 0)) return found.toSorted();
    }
  }

  /** Like `create` for a stream of this name that is not there; somebody else may be faster. */
  async #add(wanted: StreamConfig, heardByMs: number): Promise<StreamDescription> {
    for (;;) {
      const answer = await this.api.ask<StreamDescription>(`STREAM.CREATE.${wanted.name}`, wanted);
      if (answer.kind === "done") return answer.value;
      if (answer.refusal.err_code === refusals.streamExistsOtherwise) return this.get(wanted.name);
      if (!isUnheard(answer.refusal) || systemMonotonicMs() > heardByMs) throw addError(wanted, answer.refusal);
      await afterMs(askAgainMs);
    }
  }
}

function addError({ name, num_replicas: replicas }: StreamConfig, refusal: ApiRefusal): StreamError {
  const cause = refusalError(`create stream ${name}`, refusal);
  const isAboutReplicas = refusal.err_code === refusals.notClustered || refusal.err_code === refusals.noPeers;
  if (!isAboutReplicas || cause.code !== "SERVER_UNSUITABLE") return cause;
  const found =
    refusal.err_code === refusals.notClustered
      ? "the NATS server is in no cluster"
      : "its cluster has fewer servers with JetStream";
  return new StreamError(
    "SERVER_UNSUITABLE",
    `${replicas} replicas are asked for, and ${found} (JetStream ${refusal.err_code}): ask for fewer (replicas, --replicas), or connect to a cluster of ${replicas}`,
    { cause },
  );
}
