/**
 * The logs of one job as a worker reaches them: opened once, and waited for while they cannot be reached.
 *
 * Every log of a job is created before anything is assigned, so one that does not exist is gone. A server that has just been started may not know it yet:
 * it counts as gone after a while.
 */
import { StreamError } from "../errors.ts";
import type { Log, Logs } from "../log/contracts.ts";
import type { Platform } from "../platform/platform.ts";
import { patientLog } from "./patience.ts";

const retryMs = 50;
/** How long a log may be missing until it is gone, ms. */
const missingMsMax = 10_000;

/** Opens logs by name and remembers them. */
export class LogDirectory {
  readonly #platform: Platform;
  readonly #logs: Logs;
  readonly #opened = new Map<string, Promise<Log>>();

  constructor(platform: Platform, logs: Logs) {
    this.#platform = platform;
    this.#logs = logs;
  }

  /** The log, as soon as it can be reached. @throws DATA_LOST when it is gone */
  open(name: string): Promise<Log> {
    return this.#opened.get(name) ?? this.openAgain(name);
  }

  /** The log as it is at the moment, whatever is remembered of it: for a claim. @throws DATA_LOST when it is gone */
  openAgain(name: string): Promise<Log> {
    const log = this.#whenThere(name);
    this.#opened.set(name, log);
    return log;
  }

  async #whenThere(name: string): Promise<Log> {
    const { clock } = this.#platform;
    let missingSinceMs: number | undefined;
    for (;;) {
      try {
        return patientLog(this.#platform, await this.#logs.open(name));
      } catch (error) {
        const isMissing = StreamError.is(error, "NOT_FOUND");
        if (!isMissing && !(StreamError.is(error) && error.isRetryable)) throw error;
        missingSinceMs = isMissing ? (missingSinceMs ?? clock.monotonicMs()) : undefined;
        if (missingSinceMs !== undefined && clock.monotonicMs() - missingSinceMs >= missingMsMax) throw gone(name);
      }
      await new Promise<void>((resolve) => clock.schedule(retryMs, resolve));
    }
  }
}

function gone(name: string): StreamError {
  return new StreamError(
    "DATA_LOST",
    `${name} does not exist any more: it was deleted, or its server has lost its disk. What it held is lost; start a new generation with --new`,
  );
}
