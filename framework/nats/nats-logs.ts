/**
 * All logs of an account on a NATS server.
 *
 * Owns nothing but the way to them: a log is a stream of its name.
 */
import type { Log, LogConfig, LogState, Logs } from "../log/contracts.ts";
import { logStateOf } from "./log-state.ts";
import { type LogPlace, NatsLog, openLog } from "./nats-log.ts";
import { logStream } from "./stream-config.ts";

/** Logs on JetStream. */
export class NatsLogs implements Logs {
  readonly #place: LogPlace;

  constructor(place: LogPlace) {
    this.#place = place;
  }

  async create(name: string, config: LogConfig): Promise<Log> {
    return new NatsLog(this.#place, await this.#place.streams.create(logStream(name, config)));
  }

  open(name: string): Promise<Log> {
    return openLog(this.#place, name);
  }

  async list(prefix: string): Promise<readonly LogState[]> {
    const streams = await this.#place.streams.list(prefix);
    return streams.map(logStateOf);
  }

  delete(name: string): Promise<void> {
    return this.#place.streams.delete(name);
  }
}
