/**
 * What the parts of the runtime are tested with: a virtual clock, a log whose replies the test gives, and faults in front of the seams in memory.
 */
import { StreamError } from "../../framework/errors.ts";
import type {
  Appender,
  AppendResult,
  Blobs,
  Entry,
  LinkEvent,
  Log,
  LogState,
  LogReader,
  OnAppended,
  RegisterResult,
  Registers,
  Registered,
} from "../../framework/log/contracts.ts";
import type { SinkGuarantee, SinkSpec } from "../../framework/log/sink.ts";
import { MemorySeams } from "../../framework/log/memory-seams.ts";
import { silentLogger } from "../../framework/platform/logger.ts";
import type { Platform } from "../../framework/platform/platform.ts";
import { seededRandom } from "../../framework/platform/random.ts";
import { VirtualClock } from "../../framework/platform/virtual-clock.ts";
import { decodeMessage, type InboxMessage } from "../../framework/record/frame.ts";
import type { Counts, Load, Report } from "../../framework/record/messages.ts";

/** Everything of one process, on memory. */
export class Rig {
  readonly clock = new VirtualClock();
  readonly seams = new MemorySeams(this.clock);
  readonly platform: Platform = { clock: this.clock, random: seededRandom(1), logger: silentLogger };

  /** Settles the clock, then answers what has been waited for. */
  async result<T>(promise: Promise<T>): Promise<T> {
    const outcome = promise.then(
      (value) => () => value,
      (error: unknown) => () => {
        throw error;
      },
    );
    await this.clock.settle();
    return (await outcome)();
  }

  /** Lets exactly `ms` pass, wake-up by wake-up, however much is still on its way. */
  async pass(ms: number): Promise<void> {
    let isOver = false;
    this.clock.schedule(ms, () => void (isOver = true), { background: true });
    await this.clock.until(() => isOver, ms);
  }

  log(name: string, maxBytes = 1_000_000): Promise<Log> {
    return this.result(this.seams.logs.create(name, { maxBytes, full: "refuse" }));
  }

  /** Every message of a log. */
  async messages(log: Log): Promise<InboxMessage[]> {
    const { first, last } = await this.result(log.info());
    const messages: InboxMessage[] = [];
    for (let sequence = first; sequence <= last; sequence += 1) {
      const entry = await this.result(log.get(sequence));
      if (entry !== undefined) messages.push(decodeMessage(entry.payload));
    }
    return messages;
  }
}

/** One append that a {@link ScriptedLog} has been asked for. */
export interface Asked {
  readonly payload: Uint8Array;
  readonly tag: number;
  readonly attempt: number;
}

/** A log that stores nothing and answers what the test says, when it says so. */
export class ScriptedLog implements Log {
  readonly name = "scripted";
  readonly createdMs = 1;
  readonly asked: Asked[] = [];
  /** What the test has said to be stored, by sequence. */
  readonly stored = new Map<number, Uint8Array>();
  /** Messages below this one have been trimmed. */
  first = 1;
  /** Size that `info` answers; undefined: it cannot be reached. */
  bytes: number | undefined = 0;
  maxBytes = 1_000;
  looks = 0;
  resizedTo: number[] = [];
  #onAppended: OnAppended = () => undefined;
  #onLink: (event: LinkEvent) => void = () => undefined;

  /** What the last `count` appends carried, by tag. */
  tags(count: number): number[] {
    return this.asked.slice(-count).map(({ tag }) => tag);
  }

  answer(asked: Asked | undefined, result: AppendResult): void {
    if (asked === undefined) throw new Error("nothing was asked for");
    this.#onAppended(asked.tag, asked.attempt, result);
  }

  /** Answers append number `index` (0: the first) as stored at `sequence`. */
  store(index: number, sequence: number): void {
    this.stored.set(sequence, new Uint8Array(this.asked[index]?.payload ?? []));
    this.answer(this.asked[index], { kind: "stored", sequence });
  }

  link(event: LinkEvent): void {
    this.#onLink(event);
  }

  appender(onAppended: OnAppended, onLink: (event: LinkEvent) => void): Appender {
    this.#onAppended = onAppended;
    this.#onLink = onLink;
    return {
      append: (payload, tag, attempt) => void this.asked.push({ payload, tag, attempt }),
      close: () => undefined,
    };
  }

  append(): Promise<number> {
    return Promise.reject(new StreamError("UNAVAILABLE", "out of reach"));
  }

  read(): LogReader {
    return { take: () => undefined, buffered: { messages: 0, bytes: 0 }, close: () => undefined };
  }

  get(sequence: number): Promise<Entry | undefined> {
    const payload = this.stored.get(sequence);
    const isThere = payload !== undefined && sequence >= this.first;
    return Promise.resolve(isThere ? { sequence, storedAtMs: 0, payload } : undefined);
  }

  trim(): Promise<void> {
    return Promise.resolve();
  }

  resize(maxBytes: number): Promise<void> {
    this.resizedTo.push(maxBytes);
    this.maxBytes = maxBytes;
    return Promise.resolve();
  }

  info(): Promise<LogState> {
    this.looks += 1;
    if (this.bytes === undefined) return Promise.reject(new StreamError("UNAVAILABLE", "out of reach"));
    const config = { maxBytes: this.maxBytes, full: "refuse" } as const;
    const last = Math.max(this.first - 1, ...this.stored.keys());
    return Promise.resolve({ name: this.name, createdMs: 1, first: this.first, last, bytes: this.bytes, config });
  }
}

/** What happens to one call: `lost` is carried out and answers a timeout, `refused` is not and does the same. */
export type Fate = "kept" | "lost" | "refused";

/** Registers whose writes and reads meet the fates that the test lists, one per call; later calls are kept. */
export class FatefulRegisters implements Registers {
  readonly #inner: Registers;
  readonly writes: Fate[] = [];
  readonly reads: Fate[] = [];
  /** Answers of the next reads: what was there once. */
  readonly stale: (Registered | undefined)[] = [];
  written = 0;

  constructor(inner: Registers) {
    this.#inner = inner;
  }

  async get(key: string): Promise<Registered | undefined> {
    if ((this.reads.shift() ?? "kept") !== "kept") throw new StreamError("TIMEOUT", "no reply");
    return this.stale.shift() ?? this.#inner.get(key);
  }

  create(key: string, value: Uint8Array): Promise<RegisterResult> {
    return this.#write(() => this.#inner.create(key, value));
  }

  update(key: string, value: Uint8Array, revision: number): Promise<RegisterResult> {
    return this.#write(() => this.#inner.update(key, value, revision));
  }

  list(prefix: string): Promise<readonly string[]> {
    return this.#inner.list(prefix);
  }

  delete(key: string): Promise<void> {
    return this.#inner.delete(key);
  }

  async #write(write: () => Promise<RegisterResult>): Promise<RegisterResult> {
    const fate = this.writes.shift() ?? "kept";
    this.written += 1;
    if (fate === "refused") throw new StreamError("TIMEOUT", "no reply");
    const result = await write();
    if (fate === "lost") throw new StreamError("TIMEOUT", "no reply");
    return result;
  }
}

/** Blobs that tell what is done to them, and fail when the test says so. */
export class WatchedBlobs implements Blobs {
  readonly #inner: Blobs;
  readonly #tell: (what: string) => void;
  /** Damages what is read. */
  damage: ((name: string, bytes: Uint8Array) => Uint8Array | undefined) | undefined;
  failures = 0;

  constructor(inner: Blobs, tell: (what: string) => void) {
    this.#inner = inner;
    this.#tell = tell;
  }

  async put(name: string, bytes: Uint8Array): Promise<void> {
    if (this.failures > 0) {
      this.failures -= 1;
      throw new StreamError("UNAVAILABLE", "out of reach");
    }
    this.#tell(name.split(".")[4] === "m" ? "put manifest" : "put chunk");
    await this.#inner.put(name, bytes);
  }

  async get(name: string): Promise<Uint8Array | undefined> {
    const bytes = await this.#inner.get(name);
    return bytes === undefined || this.damage === undefined ? bytes : this.damage(name, bytes);
  }

  async delete(name: string): Promise<void> {
    this.#tell(`delete ${name.split(".").slice(0, 5).join(".")}`);
    await this.#inner.delete(name);
  }

  list(prefix: string): Promise<readonly string[]> {
    return this.#inner.list(prefix);
  }
}

export const noCounts: Counts = { recordsIn: 0, recordsOut: 0, late: 0, deadLetters: 0, windowsOut: 0 };

/** What a report says where nothing has been measured. */
export const noLoad: Load = {
  lag: 0,
  inboxBytes: 0,
  snapshotAt: 0,
  snapshotDurationMs: 0,
  snapshotBytes: 0,
  turnP99Ms: 0,
};

/** A report of partition 0 of stage 0, running at epoch 1. */
export function report(of: Partial<Report>): Report {
  return {
    instance: { stage: 0, partition: 0 },
    epoch: 1,
    n: 1,
    position: 0,
    watermark: -Infinity,
    activity: "active",
    // As one that says nothing of it: every step of event time counts.
    due: -Infinity,
    state: "running",
    snapshot: 0,
    failure: "",
    counts: noCounts,
    load: noLoad,
    ...of,
  };
}

/** A sink that is never opened: a test hands its queue a writer itself. */
export function sinkSpec(guarantee: SinkGuarantee): SinkSpec {
  const open = () => Promise.reject(new Error("is never opened"));
  return { description: "sink()", name: "rows", guarantee, placement: "chained", open };
}
