/**
 * A job's log, read by somebody who is no worker: up to its end, and followed from there.
 *
 * Owns the cursor; says nothing. Close it.
 */
import { JobLogTail } from "../actor/job-log-tail.ts";
import { StreamError } from "../errors.ts";
import type { Log } from "../log/contracts.ts";
import type { JobNames } from "../log/names.ts";
import type { JobLogView } from "../protocol/job-log.ts";
import type { FleetOrder } from "../record/fleet-records.ts";
import type { CommandRecord, JobCommand } from "../record/messages.ts";
import type { Resume, SavepointRequest } from "../record/savepoint-record.ts";
import { encodeJobLogRecord } from "../record/wire/job-log.ts";
import type { Administrator } from "./administrator.ts";

/** Time within which a job log must have been read, ms. */
const readMsMax = 10_000;

/** An open job log. */
export class JobReading {
  readonly #administrator: Administrator;
  readonly #log: Log;
  readonly #tail: JobLogTail;
  readonly #looks = new Set<() => void>();
  #hasRead = false;
  #broken: StreamError | undefined;

  constructor(administrator: Administrator, log: Log) {
    this.#administrator = administrator;
    this.#log = log;
    this.#tail = new JobLogTail(administrator.platform, log, {
      onRead: () => {
        this.#hasRead = true;
        this.#look();
      },
      onBroken: (error) => {
        this.#broken = error;
        this.#look();
      },
    });
  }

  /** What has been read so far. */
  get view(): JobLogView {
    return this.#tail.view;
  }

  /** Reads to the end. @throws TIMEOUT, DATA_LOST, CORRUPT, and what the log refuses with */
  async begin(): Promise<void> {
    await this.#tail.open();
    if (await this.#waitUntil(() => this.#hasRead, readMsMax)) return;
    throw new StreamError("TIMEOUT", `${this.#log.name} has not been read within ${readMsMax / 1_000} s`);
  }

  /** Appends a command, and reads on until it is in the view. @throws SERVER_REFUSED, TIMEOUT, UNAVAILABLE, LOG_FULL */
  async command(command: JobCommand): Promise<void> {
    await this.append({ kind: "command", command, by: this.#administrator.by });
  }

  /** Appends a record that counts whoever leads, reads on until it is in the view, and answers its sequence. @throws SERVER_REFUSED, TIMEOUT, UNAVAILABLE, LOG_FULL */
  async append(record: CommandRecord | FleetOrder | SavepointRequest | Resume): Promise<number> {
    const sequence = await this.#log.append(encodeJobLogRecord(record));
    if (await this.#waitUntil(() => this.view.position >= sequence, readMsMax)) return sequence;
    throw new StreamError("TIMEOUT", `${this.#log.name} has not been read to record ${sequence}`);
  }

  /** Answers whether the view came to what `holds` asks within `timeoutMs`. @throws DATA_LOST, CORRUPT */
  until(holds: (view: JobLogView) => boolean, timeoutMs: number): Promise<boolean> {
    return this.#waitUntil(() => holds(this.view), timeoutMs);
  }

  close(): void {
    this.#tail.close();
  }

  async #waitUntil(holds: () => boolean, timeoutMs: number): Promise<boolean> {
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const look = (): void => {
      if (this.#broken !== undefined || holds()) resolve(true);
    };
    this.#looks.add(look);
    const cancel = this.#administrator.platform.clock.schedule(timeoutMs, () => resolve(false));
    look();
    const hasCome = await promise;
    this.#looks.delete(look);
    cancel();
    if (this.#broken !== undefined) throw this.#broken;
    return hasCome;
  }

  #look(): void {
    for (const look of this.#looks) look();
  }
}

/** Opens the job log of a generation and reads it; undefined when it is not there. */
export async function readJob(administrator: Administrator, names: JobNames): Promise<JobReading | undefined> {
  let log: Log;
  try {
    log = await administrator.seams.logs.open(names.jobLog);
  } catch (error) {
    if (StreamError.is(error, "NOT_FOUND")) return undefined;
    throw error;
  }
  const reading = new JobReading(administrator, log);
  try {
    await reading.begin();
    return reading;
  } catch (error) {
    reading.close();
    throw error;
  }
}
