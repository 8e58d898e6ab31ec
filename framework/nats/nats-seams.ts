/**
 * A place for jobs on a NATS server with JetStream.
 *
 * Owns two connections: one carries data (frames in both directions), so that nothing else waits behind it; the other carries calls, registers, chunks
 * and the bus.
 */
import { invariant, StreamError } from "../errors.ts";
import type { Blobs, Bus, Holdings, Logs, Registers, Seams } from "../log/contracts.ts";
import type { Logger } from "../platform/platform.ts";
import { Acknowledgements } from "./acks.ts";
import { JetStreamApi } from "./api.ts";
import type { Link } from "./link.ts";
import { openBlobs } from "./nats-blobs.ts";
import { NatsBus } from "./nats-bus.ts";
import { NatsLogs } from "./nats-logs.ts";
import { NatsHoldings } from "./nats-holdings.ts";
import { hasBucket, openRegisters } from "./nats-registers.ts";
import { Streams } from "./streams.ts";

/** What an account may store and stores. */
export interface Capacity {
  /** Bytes that streams may reserve in all; undefined when the account sets no limit of its own. */
  readonly limitBytes: number | undefined;
  /** Bytes reserved by streams that exist. */
  readonly reservedBytes: number;
  /** Streams and consumers that may be created beside those that exist; Infinity when the account sets no limit. */
  readonly streamsLeft: number;
  readonly consumersLeft: number;
}

/** What a job needs of an account. */
export interface Need {
  /** Of streams, in all, one copy each. */
  readonly bytes: number;
  readonly streams: number;
  /** Readers: each has one. */
  readonly consumers: number;
}

interface AccountLimits {
  readonly limits: { readonly max_storage: number; readonly max_streams: number; readonly max_consumers: number };
  readonly reserved_storage?: number;
  readonly storage: number;
  readonly streams: number;
  readonly consumers: number;
}

function leftOf(limit: number, used: number): number {
  return limit < 0 ? Infinity : Math.max(0, limit - used);
}

/** The seams on NATS. Made by {@link import("./connect.ts").connectNats}. */
export class NatsSeams implements Seams {
  readonly logs: Logs;
  readonly bus: Bus;
  readonly holdings: Holdings;
  readonly #replicas: number;
  readonly #data: Link;
  readonly #control: Link;
  readonly #api: JetStreamApi;
  readonly #streams: Streams;
  readonly #acknowledgements: Acknowledgements;

  /** @param replicas as in {@link Streams} */
  constructor(data: Link, control: Link, replicas: number | undefined, logger: Logger) {
    this.#data = data;
    this.#control = control;
    this.#replicas = replicas ?? 1;
    this.#api = new JetStreamApi(control);
    this.#streams = new Streams(this.#api, replicas);
    this.#acknowledgements = new Acknowledgements(data);
    const place = { streams: this.#streams, acknowledgements: this.#acknowledgements, link: data, logger };
    this.logs = new NatsLogs(place);
    this.bus = new NatsBus(control);
    this.holdings = new NatsHoldings(this.#streams);
  }

  /** Whether both connections are up. */
  get isUp(): boolean {
    return this.#data.isUp && this.#control.isUp;
  }

  registers(job: string): Promise<Registers> {
    return openRegisters(this.#streams, `TM_${job}`);
  }

  /** Whether the job has registers here: it has begun a life, or is about to. @throws UNAVAILABLE, TIMEOUT, SERVER_REFUSED */
  hasRegisters(job: string): Promise<boolean> {
    return hasBucket(this.#streams, `TM_${job}`);
  }

  blobs(job: string, generation: number): Promise<Blobs> {
    invariant(Number.isSafeInteger(generation), `generation ${generation}`);
    return openBlobs(this.#streams, `TM_${job}_${generation}_CHUNKS`);
  }

  savepoints(job: string): Promise<Blobs> {
    return openBlobs(this.#streams, `TM_${job}_SAVEPOINTS`);
  }

  /** What the account may store. @throws SERVER_UNSUITABLE when JetStream is not enabled for it; UNAVAILABLE, TIMEOUT */
  async capacity(): Promise<Capacity> {
    const account = await this.#api.call<AccountLimits>("account", "INFO");
    const limit = account.limits.max_storage;
    return {
      limitBytes: limit < 0 ? undefined : limit,
      reservedBytes: Math.max(account.reserved_storage ?? 0, account.storage),
      streamsLeft: leftOf(account.limits.max_streams, account.streams),
      consumersLeft: leftOf(account.limits.max_consumers, account.consumers),
    };
  }

  /**
   * Checks, before anything is created, that the account has room for what a job needs. Each replica counts against it.
   *
   * @throws SERVER_FULL with both figures
   */
  async checkRoom({ bytes, streams, consumers }: Need): Promise<void> {
    const { limitBytes, reservedBytes, streamsLeft, consumersLeft } = await this.capacity();
    checkCount("streams", streams, streamsLeft);
    checkCount("consumers", consumers, consumersLeft);
    const needed = bytes * this.#replicas;
    if (limitBytes === undefined || needed <= limitBytes - reservedBytes) return;
    const left = Math.max(0, limitBytes - reservedBytes);
    throw new StreamError(
      "SERVER_FULL",
      `the job reserves ${needed} bytes; the account has ${left} left (of ${limitBytes}, ${reservedBytes} are reserved): ` +
        "raise the account's limit, delete old jobs, or lower the size of the inboxes",
    );
  }

  /** Closes both connections; appends without an acknowledgement stay without one. */
  async close(): Promise<void> {
    this.#acknowledgements.close();
    await Promise.all([this.#data.close(), this.#control.close()]);
  }
}

function checkCount(what: "streams" | "consumers", needed: number, left: number): void {
  if (needed <= left) return;
  throw new StreamError(
    "SERVER_FULL",
    `the job needs ${needed} ${what}, and the account has ${left} left: raise its limit, delete old jobs, or take fewer partitions`,
  );
}
