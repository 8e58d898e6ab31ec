/**
 * A worker's hold on the job log: everything in it, read in order, and a way to add to it.
 *
 * Owns the view (what the records read so far come to) and whether everything that was there at the start has been read.
 */
import { StreamError, messageOf } from "../errors.ts";
import type { Log, LogReader } from "../log/contracts.ts";
import type { Platform } from "../platform/platform.ts";
import { JobLogView } from "../protocol/job-log.ts";
import type { InstanceId, JobLogRecord } from "../record/messages.ts";
import { decodeJobLogRecord, encodeJobLogRecord } from "../record/wire/job-log.ts";
import { LogWriter } from "./log-writer.ts";
import { patiently } from "./patience.ts";

/** Whom the tail tells. */
export interface JobLogEvents {
  /** The view has changed; also called once when there was nothing to read. */
  onRead(): void;
  /** The log cannot be followed: it is not what it was. */
  onBroken(error: StreamError): void;
}

/** Follows the job log from its first record. */
export class JobLogTail {
  readonly view = new JobLogView();
  readonly #platform: Platform;
  readonly #log: Log;
  readonly #writer: LogWriter;
  readonly #events: JobLogEvents;
  #reader: LogReader | undefined;
  #knownLast = 0;

  constructor(platform: Platform, log: Log, events: JobLogEvents) {
    this.#platform = platform;
    this.#log = log;
    this.#writer = new LogWriter(platform, log);
    this.#events = events;
  }

  /** When the job log was created, ms since the epoch: the beginning of this life of the job. */
  get createdMs(): number {
    return this.#log.createdMs;
  }

  /** Begins to read. @throws UNAVAILABLE, TIMEOUT */
  async open(): Promise<void> {
    this.#knownLast = (await this.#log.info()).last;
    const what = `${this.#log.name} is not the log it was: it has been trimmed, shortened, or created anew`;
    this.#reader = this.#log.read({
      from: 1,
      onReadable: () => this.#read(),
      onBroken: () => this.#events.onBroken(new StreamError("DATA_LOST", what)),
    });
    if (this.#knownLast === 0) this.#events.onRead();
  }

  /** Adds a record; `onStored` is called with its sequence, which is its epoch. It counts when it is read. */
  append(record: JobLogRecord, onStored: (sequence: number) => void = () => undefined): void {
    this.#writer.enqueue(encodeJobLogRecord(record), onStored);
  }

  /** Whether there is an assignment of the instance at this sequence, asked of the log itself: it may not have been read so far. */
  async assignsAt(sequence: number, { stage, partition }: InstanceId): Promise<boolean> {
    const entry = await patiently(this.#platform, this.#log.name, () => this.#log.get(sequence));
    const record = entry === undefined ? undefined : decodeJobLogRecord(entry.payload);
    if (record?.kind !== "assignment") return false;
    return record.instance.stage === stage && record.instance.partition === partition;
  }

  close(): void {
    this.#reader?.close();
    this.#writer.close();
  }

  #read(): void {
    for (let entry = this.#reader?.take(); entry !== undefined; entry = this.#reader?.take()) {
      try {
        this.view.apply(entry.sequence, entry.storedAtMs, decodeJobLogRecord(entry.payload));
      } catch (error) {
        const what = `${this.#log.name}, record ${entry.sequence}: ${messageOf(error)}`;
        return this.#events.onBroken(new StreamError("CORRUPT", what, { cause: error }));
      }
    }
    if (this.view.position >= this.#knownLast) this.#events.onRead();
  }
}
