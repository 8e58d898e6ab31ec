/**
 * The seams: the contracts through which production code meets the world (design: "The seams").
 *
 * Each has two implementations, in memory (`log/memory.ts`) and on NATS (`nats/`), and one conformance suite that both pass
 * (`test/conformance`). Nothing here promises more than NATS gives: replies get lost, calls time out with unknown outcome, and a
 * caller decides from sequences, epochs and revisions alone.
 */

/** Position of a message in a log: 1, 2, 3 …, dense, never reused within one life of the log. */
export type Sequence = number;

/** What a log is created with; read back and compared on every open. */
export interface LogConfig {
  /** Size at which appends are refused (`full`: "refuse") or the oldest messages are dropped (`full`: "dropOldest"). Bytes. */
  readonly maxBytes: number;
  /** `refuse` is back-pressure (inboxes, job log); `dropOldest` is a bounded record of things (dead letters, late records). */
  readonly full: "refuse" | "dropOldest";
}

/** The state of a log at one moment. */
export interface LogState {
  readonly name: string;
  /** When this life of the log began, ms since the epoch as the store says it; with the name, the log's identity. */
  readonly createdMs: number;
  /** Sequence of the first message still there; `last + 1` when the log is empty. */
  readonly first: Sequence;
  /** Sequence of the last message ever stored; 0 before the first. */
  readonly last: Sequence;
  readonly bytes: number;
  readonly config: LogConfig;
}

/** One stored message. */
export interface Entry {
  readonly sequence: Sequence;
  /** When the log stored it, ms since the epoch (integer). */
  readonly storedAtMs: number;
  /** The message's bytes; valid only until the reader is asked for the next entry. Copy what must live longer. */
  readonly payload: Uint8Array;
}

/** What became of an append. `full` and `failed` mean: not stored, as far as the store knows. */
export type AppendResult =
  | { readonly kind: "stored"; readonly sequence: Sequence }
  | { readonly kind: "full" }
  | { readonly kind: "failed"; readonly reason: string };

/**
 * Receives the outcome of pipelined appends of one appender.
 *
 * Called at most once per append, in any order, possibly never (a lost reply): the caller has its own timeout. `tag` is what the
 * caller gave to `append`; the same tag may be appended again under another `attempt`.
 */
export type OnAppended = (tag: number, attempt: number, result: AppendResult) => void;

/** A pipelined way into one log. Made per lane; owns nothing but the routing of replies. */
export interface Appender {
  /**
   * Sends one message without waiting. The payload may be reused by the caller only after the current task and its microtasks.
   * Never throws: a log that cannot be reached answers `failed`, or not at all.
   */
  append(payload: Uint8Array, tag: number, attempt: number): void;
  close(): void;
}

/**
 * Something happened under the reader's or the appender's feet.
 *
 * `reconnected`: replies to what was in flight are lost; appenders resend from their oldest unacknowledged frame.
 */
export type LinkEvent = "disconnected" | "reconnected";

/**
 * A cursor over one log, filled in the background and taken from synchronously.
 *
 * After `onReadable` has been called, `take()` until it answers undefined; `onReadable` is called again when there is more. The reader
 * stops fetching while what it holds exceeds its buffer (bounded), and heals by itself after disconnects and server restarts.
 * Entries come in sequence order without holes (R8 is checked by the reader: see `onBroken`).
 */
export interface LogReader {
  /** The next entry, or undefined when none is there yet. */
  take(): Entry | undefined;
  /** Bytes and messages held and not taken. */
  readonly buffered: { readonly messages: number; readonly bytes: number };
  close(): void;
}

/** Where a reader starts and whom it tells. */
export interface ReadOptions {
  /** Sequence of the first entry wanted. May be `last + 1`; beyond that the reader is broken. */
  readonly from: Sequence;
  /** Called (asynchronously) when `take()` has something again. */
  readonly onReadable: () => void;
  /**
   * Called once when what was asked for cannot be read: messages from `from` on have been removed (`first > next`), the log is
   * shorter than what was read (`last < next - 1`), or it has been created anew (other creation time). The reader is then closed. The caller
   * reads its pointer first (R8): a newer epoch there means fenced, not lost.
   */
  readonly onBroken: (reason: ReadBroken) => void;
}

/** Why a log cannot be read on: the facts, for R8 to decide on. */
export interface ReadBroken {
  /** What the reader wanted next. */
  readonly expected: Sequence;
  /** What the log has now: from here … */
  readonly first: Sequence;
  /** … to here. */
  readonly last: Sequence;
  /** When the log that is there now was created. */
  readonly createdMs: number;
}

/** One durable, totally ordered log: an inbox, the job log, an ingress stream, dead letters. */
export interface Log {
  readonly name: string;
  /** Creation time read when the log was opened; part of its identity. */
  readonly createdMs: number;
  /** A way into the log; made at once, before anything is known of the log. */
  appender(onAppended: OnAppended, onLink: (event: LinkEvent) => void): Appender;
  /**
   * Appends one message and waits for its sequence: for those who say little, such as a command. What may have been lost on its way is not repeated.
   *
   * @throws LOG_FULL; SERVER_REFUSED when the user may not; TIMEOUT, UNAVAILABLE: then it is unknown whether it was stored
   */
  append(payload: Uint8Array): Promise<Sequence>;
  /** A cursor; made at once, what is wrong is told to `options`. */
  read(options: ReadOptions): LogReader;
  /** The message at `sequence`, or undefined when it is not there. @throws UNAVAILABLE, TIMEOUT */
  get(sequence: Sequence): Promise<Entry | undefined>;
  /** Removes every message below `sequence`, never that one itself (R7). Harmless when repeated. @throws UNAVAILABLE, TIMEOUT */
  trim(sequence: Sequence): Promise<void>;
  /** Sets `maxBytes`. @throws SERVER_FULL when the account has no room for it; UNAVAILABLE, TIMEOUT */
  resize(maxBytes: number): Promise<void>;
  /** @throws UNAVAILABLE, TIMEOUT, NOT_FOUND */
  info(): Promise<LogState>;
}

/** All logs of one place. */
export interface Logs {
  /** Creates the log or, when it exists, checks that its configuration is this one. @throws SERVER_UNSUITABLE, SERVER_FULL, SERVER_REFUSED */
  create(name: string, config: LogConfig): Promise<Log>;
  /** @throws NOT_FOUND */
  open(name: string): Promise<Log>;
  /** Every log whose name begins with `prefix`. */
  list(prefix: string): Promise<readonly LogState[]>;
  /** Removes the log; harmless when it does not exist. */
  delete(name: string): Promise<void>;
}

/** A value of a register with the revision a compare-and-set needs. */
export interface Registered {
  readonly value: Uint8Array;
  readonly revision: number;
}

/** What became of a create or update. `conflict`: another revision is there; nothing was written. */
export type RegisterResult = { readonly kind: "written"; readonly revision: number } | { readonly kind: "conflict" };

/** Named values that change by compare-and-set only. */
export interface Registers {
  /** The value as the store's leader has it, or undefined. @throws UNAVAILABLE, TIMEOUT */
  get(key: string): Promise<Registered | undefined>;
  /** Writes the first value of `key`. @throws TIMEOUT, UNAVAILABLE: then it is unknown whether it was written */
  create(key: string, value: Uint8Array): Promise<RegisterResult>;
  /** Replaces revision `revision`. @throws TIMEOUT, UNAVAILABLE: then it is unknown whether it was written */
  update(key: string, value: Uint8Array, revision: number): Promise<RegisterResult>;
  /** The keys that begin with `prefix`, in order. */
  list(prefix: string): Promise<readonly string[]>;
  /** Removes the value of `key`, whatever its revision: for what nobody writes any more. Harmless when there is none. @throws UNAVAILABLE, TIMEOUT */
  delete(key: string): Promise<void>;
}

/** The largest blob, bytes; larger content is split by the caller. */
export const blobBytesMax: number = 256 * 1024;

/** Write-once chunks of snapshots. */
export interface Blobs {
  /** Stores `bytes` (at most {@link blobBytesMax}) under `name`; a repetition with the same name and bytes is harmless. @throws UNAVAILABLE, TIMEOUT, LOG_FULL */
  put(name: string, bytes: Uint8Array): Promise<void>;
  /** The bytes, or undefined when there are none. @throws UNAVAILABLE, TIMEOUT */
  get(name: string): Promise<Uint8Array | undefined>;
  /** Harmless when there is none. */
  delete(name: string): Promise<void>;
  /** The names that begin with `prefix`, in no particular order. @throws UNAVAILABLE, TIMEOUT */
  list(prefix: string): Promise<readonly string[]>;
}

/** Ends a subscription. */
export type Unsubscribe = () => void;

/** Answers a message that asked for an answer. */
export type Reply = (payload: Uint8Array) => void;

/**
 * Ephemeral messages: may be lost, doubled or late, and nothing correct depends on one of them.
 *
 * Subjects are dot-separated tokens of [a-zA-Z0-9_-]; a subscription may end in `.>`.
 */
export interface Bus {
  /** Says something to whoever listens; whether anybody does, nobody learns. */
  publish(subject: string, payload: Uint8Array): void;
  /** Whoever publishes hears itself too. `reply` is there when the sender asked with {@link Bus.request}. */
  subscribe(
    subject: string,
    onMessage: (payload: Uint8Array, reply: Reply | undefined, subject: string) => void,
  ): Unsubscribe;
  /** @throws NO_RESPONDERS at once when nobody is subscribed; TIMEOUT */
  request(subject: string, payload: Uint8Array, timeoutMs: number): Promise<Uint8Array>;
}

/** One thing that a job keeps in a place: a log, the chunks of a generation, or its registers. */
export interface Holding {
  /** As in {@link import("./holding-name.ts").parseHoldingName}. */
  readonly name: string;
  readonly bytes: number;
}

/** Everything that jobs keep in a place: for those who look at many jobs, or remove one. */
export interface Holdings {
  /** Everything that is called like something of Tidemark's (`TM_…`, `KV_TM_…`), whether the name makes sense or not. @throws UNAVAILABLE, TIMEOUT, SERVER_REFUSED */
  list(): Promise<readonly Holding[]>;
  /** Removes one by its name; harmless when it does not exist. @throws UNAVAILABLE, TIMEOUT, SERVER_REFUSED */
  delete(name: string): Promise<void>;
}

/** The place where a job lives: its logs, registers and savepoints (scoped to the job), blobs (scoped to the generation) and bus. */
export interface Seams {
  readonly logs: Logs;
  readonly bus: Bus;
  readonly holdings: Holdings;
  /** The registers of one job (bucket `TM_<job>`); created when absent. */
  registers(job: string): Promise<Registers>;
  /** The chunks of one generation of a job; created when absent. */
  blobs(job: string, generation: number): Promise<Blobs>;
  /** What the savepoints of a job consist of, whichever generation they are of; created when absent. */
  savepoints(job: string): Promise<Blobs>;
}
