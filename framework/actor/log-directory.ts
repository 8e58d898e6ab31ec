/**
 * The logs of one job as a worker reaches them: opened once, waited for when the leader has not created them yet.
 */
import { StreamError } from "../errors.ts";
import type { Log, Logs } from "../log/contracts.ts";
import type { Platform } from "../platform/platform.ts";
import { patientLog } from "./patience.ts";

const retryMs = 50;

/** Opens logs by name and remembers them. */
export class LogDirectory {
  readonly #platform: Platform;
  readonly #logs: Logs;
  readonly #opened = new Map<string, Promise<Log>>();

  constructor(platform: Platform, logs: Logs) {
    this.#platform = platform;
    this.#logs = logs;
  }

  /** The log, as soon as it exists. */
  open(name: string): Promise<Log> {
    let log = this.#opened.get(name);
    if (log === undefined) {
      log = this.#whenThere(name);
      this.#opened.set(name, log);
    }
    return log;
  }

  async #whenThere(name: string): Promise<Log> {
    for (;;) {
      try {
        return patientLog(this.#platform, await this.#logs.open(name));
      } catch (error) {
        const isWorthWaiting = StreamError.is(error) && (error.code === "NOT_FOUND" || error.isRetryable);
        if (!isWorthWaiting) throw error;
      }
      await new Promise<void>((resolve) => this.#platform.clock.schedule(retryMs, resolve));
    }
  }
}
