/**
 * One log on JetStream: a stream with one subject.
 *
 * Owns nothing but its name and creation time; addresses the stream by name, whichever life of it is there.
 */
import { headers } from "@nats-io/nats-core";
import { StreamError } from "../errors.ts";
import type {
  Appender,
  Entry,
  LinkEvent,
  Log,
  LogState,
  LogReader,
  OnAppended,
  ReadOptions,
  Sequence,
} from "../log/contracts.ts";
import type { Logger } from "../platform/platform.ts";
import type { Acknowledgements } from "./acks.ts";
import { appendRefusal, refusalError, refusals } from "./api-refusal.ts";
import type { Link } from "./link.ts";
import { NatsReader } from "./nats-reader.ts";
import { logStateOf } from "./log-state.ts";
import { entryOf, msOf, type StoredMessage } from "./stored-message.ts";
import { subjectOf } from "./stream-config.ts";
import type { StreamDescription, Streams } from "./streams.ts";

/** What all logs of a place share. */
export interface LogPlace {
  readonly streams: Streams;
  readonly acknowledgements: Acknowledgements;
  /** Carries the data. */
  readonly link: Link;
  readonly logger: Logger;
}

/** A log on one stream. */
export class NatsLog implements Log {
  readonly name: string;
  readonly createdMs: number;
  readonly #place: LogPlace;

  constructor(place: LogPlace, opened: StreamDescription) {
    this.#place = place;
    this.name = opened.config.name;
    this.createdMs = msOf(opened.created);
  }

  appender(onAppended: OnAppended, onLink: (event: LinkEvent) => void): Appender {
    return this.#place.acknowledgements.appender(subjectOf(this.name), onAppended, onLink);
  }

  async append(payload: Uint8Array): Promise<Sequence> {
    const answer = await this.#place.streams.api.publish(subjectOf(this.name), new Uint8Array(payload), headers());
    if (answer.kind === "done") return answer.value.seq;
    throw appendRefusal(`append to ${this.name}`, answer.refusal);
  }

  read(options: ReadOptions): LogReader {
    return new NatsReader({ ...this.#place, name: this.name, createdMs: this.createdMs }, options);
  }

  /** Asks the stream's leader: R8 compares what it gets, and a follower may lag. */
  async get(sequence: Sequence): Promise<Entry | undefined> {
    const { api } = this.#place.streams;
    const answer = await api.ask<{ readonly message: StoredMessage }>(`STREAM.MSG.GET.${this.name}`, { seq: sequence });
    if (answer.kind === "done") return entryOf(answer.value.message);
    if (answer.refusal.err_code === refusals.messageNotFound) return undefined;
    throw refusalError(`message ${sequence} of ${this.name}`, answer.refusal);
  }

  /**
   * Looks before it cuts: a purge beyond the end would empty the stream and move its end, and so hide that its tail was lost (R8); one below 2 means
   * "everything" to the server.
   */
  async trim(sequence: Sequence): Promise<void> {
    const { first, last } = await this.info();
    const end = Math.min(sequence, last);
    if (end > first) await this.#place.streams.purge(this.name, { seq: end });
  }

  resize(maxBytes: number): Promise<void> {
    return this.#place.streams.resize(this.name, maxBytes);
  }

  async info(): Promise<LogState> {
    return logStateOf(await this.#place.streams.get(this.name));
  }
}

/** Opens a log. @throws NOT_FOUND, UNAVAILABLE, TIMEOUT */
export async function openLog(place: LogPlace, name: string): Promise<NatsLog> {
  const found = await place.streams.find(name);
  if (found === undefined) throw new StreamError("NOT_FOUND", `log ${name} does not exist`);
  return new NatsLog(place, found);
}
