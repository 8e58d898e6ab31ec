/**
 * The logs of the place as one process reaches them, with everything that can go wrong on the way.
 *
 * SL1. Without a fault, what one appender sends arrives in order, and is answered in order.
 * SL2. The reserves of an inbox (R13) are scaled down to the setting's, so that they can be used up; whoever asks sees the sizes that it asked for.
 */
import { StreamError } from "../../errors.ts";
import type {
  Appender,
  AppendResult,
  Entry,
  LinkEvent,
  Log,
  LogConfig,
  LogState,
  LogReader,
  Logs,
  OnAppended,
  ReadOptions,
  Sequence,
} from "../../log/contracts.ts";
import type { MessageStore } from "../../log/memory-store.ts";
import type { Connection } from "./connection.ts";
import { SimulatedReader } from "./simulated-reader.ts";

const lateMsMin = 2_000;
const lateMsMax = 12_000;
const overtakenMsMax = 30;
const twiceMsMax = 4_000;

/** All logs, as one process sees them. */
export class SimulatedLogs implements Logs {
  readonly #connection: Connection;
  /** What the size of an inbox is made smaller by (SL2), bytes. */
  readonly #cutBytes: number;

  constructor(connection: Connection, cutBytes: number) {
    this.#connection = connection;
    this.#cutBytes = cutBytes;
  }

  create(name: string, config: LogConfig): Promise<Log> {
    const { place } = this.#connection;
    const maxBytes = config.maxBytes - this.#cutOf(name);
    return this.#connection.call(`create ${name}`, () => this.#log(place.createLog(name, { ...config, maxBytes })));
  }

  open(name: string): Promise<Log> {
    return this.#connection.call(`open ${name}`, () => this.#log(there(this.#connection, name)));
  }

  list(prefix: string): Promise<readonly LogState[]> {
    const { place } = this.#connection;
    return this.#connection.call(`list ${prefix}`, () =>
      place.logNames.filter((name) => name.startsWith(prefix)).map((name) => there(this.#connection, name).info),
    );
  }

  delete(name: string): Promise<void> {
    return this.#connection.call(`delete ${name}`, () => this.#connection.place.deleteLog(name));
  }

  #cutOf(name: string): number {
    return name.includes("_IN_") ? this.#cutBytes : 0;
  }

  #log(store: MessageStore): Log {
    return new SimulatedLog(this.#connection, store, this.#cutOf(store.name));
  }
}

function there({ place }: Connection, name: string): MessageStore {
  const store = place.log(name);
  if (store === undefined) throw new StreamError("NOT_FOUND", `log ${name} does not exist`);
  return store;
}

class SimulatedLog implements Log {
  readonly name: string;
  readonly createdMs: number;
  readonly #connection: Connection;
  readonly #opened: MessageStore;
  readonly #cutBytes: number;

  constructor(connection: Connection, opened: MessageStore, cutBytes: number) {
    this.name = opened.name;
    this.createdMs = opened.createdMs;
    this.#connection = connection;
    this.#opened = opened;
    this.#cutBytes = cutBytes;
  }

  appender(onAppended: OnAppended, onLink: (event: LinkEvent) => void): Appender {
    return new SimulatedAppender(this.#connection, this.name, onAppended, onLink);
  }

  append(payload: Uint8Array): Promise<Sequence> {
    const copy = new Uint8Array(payload);
    return this.#call("append", () => {
      const result = this.#connection.place.append(this.name, copy);
      if (result.kind === "stored") return result.sequence;
      throw new StreamError(result.kind === "full" ? "LOG_FULL" : "UNAVAILABLE", `append to ${this.name}`);
    });
  }

  read(options: ReadOptions): LogReader {
    return new SimulatedReader(this.#connection, this.#opened, options);
  }

  get(sequence: Sequence): Promise<Entry | undefined> {
    return this.#call("get", () => there(this.#connection, this.name).get(sequence));
  }

  trim(sequence: Sequence): Promise<void> {
    return this.#call("trim", () => this.#connection.place.trim(this.name, sequence));
  }

  resize(maxBytes: number): Promise<void> {
    return this.#call("resize", () => there(this.#connection, this.name).resize(maxBytes - this.#cutBytes));
  }

  info(): Promise<LogState> {
    return this.#call("info", () => {
      const { config, ...state } = there(this.#connection, this.name).info;
      return { ...state, config: { ...config, maxBytes: config.maxBytes + this.#cutBytes } };
    });
  }

  #call<T>(what: string, run: () => T): Promise<T> {
    return this.#connection.call(`${what} ${this.name}`, run);
  }
}

interface Sent {
  readonly payload: Uint8Array;
  readonly tag: number;
  readonly attempt: number;
}

class SimulatedAppender implements Appender {
  readonly #connection: Connection;
  readonly #log: string;
  readonly #onAppended: OnAppended;
  readonly #forward: Wire<Sent>;
  readonly #back: Wire<Parameters<OnAppended>>;
  readonly #unlink: () => void;
  #isClosed = false;

  constructor(connection: Connection, log: string, onAppended: OnAppended, onLink: (event: LinkEvent) => void) {
    this.#connection = connection;
    this.#log = log;
    this.#onAppended = onAppended;
    this.#forward = new Wire(connection, (sent) => this.#arrive(sent));
    this.#back = new Wire(connection, (answer) => this.#answer(answer));
    this.#unlink = connection.onLink((isUp) => onLink(isUp ? "reconnected" : "disconnected"));
  }

  append(payload: Uint8Array, tag: number, attempt: number): void {
    const sent = { payload: new Uint8Array(payload), tag, attempt };
    const { dice } = this.#connection;
    if (this.#connection.isDown || this.#strikes("appendLost")) return;
    if (this.#strikes("appendRefused")) return this.#reply(sent, { kind: "failed", reason: "refused" });
    if (this.#strikes("appendFull")) return this.#reply(sent, { kind: "full" });
    if (this.#strikes("appendLate"))
      return this.#connection.later(lateMsMin + dice.of("appendLate").below(lateMsMax), () => this.#arrive(sent));
    if (this.#strikes("appendOvertaken"))
      return this.#connection.later(1 + dice.of("appendOvertaken").below(overtakenMsMax), () => this.#arrive(sent));
    if (this.#strikes("appendTwice"))
      this.#connection.later(dice.of("appendTwice").below(twiceMsMax), () => void this.#store(sent));
    this.#forward.send(sent);
  }

  close(): void {
    this.#isClosed = true;
    this.#unlink();
  }

  #arrive(sent: Sent): void {
    const result = this.#store(sent);
    if (this.#strikes("ackLost")) return;
    const isDenied = result.kind === "stored" && this.#strikes("appendDenied");
    this.#reply(sent, isDenied ? { kind: "failed", reason: "denied" } : result);
  }

  #store({ payload }: Sent): AppendResult {
    return this.#connection.place.append(this.#log, payload);
  }

  #reply({ tag, attempt }: Sent, result: AppendResult): void {
    this.#back.send([tag, attempt, result]);
  }

  #answer(answer: Parameters<OnAppended>): void {
    if (!this.#isClosed && !this.#connection.isDown) this.#onAppended(...answer);
  }

  #strikes(kind: Parameters<Connection["strikes"]>[0]): boolean {
    return this.#connection.strikes(kind, this.#log);
  }
}

/** Carries things in order, each with a latency of its own. */
class Wire<T> {
  readonly #connection: Connection;
  readonly #arrive: (thing: T) => void;
  readonly #things: T[] = [];
  #freeAtMs = 0;

  constructor(connection: Connection, arrive: (thing: T) => void) {
    this.#connection = connection;
    this.#arrive = arrive;
  }

  send(thing: T): void {
    const nowMs = this.#connection.place.clock.monotonicMs();
    this.#freeAtMs = Math.max(this.#freeAtMs, nowMs + this.#connection.latencyMs());
    this.#things.push(thing);
    // Whichever task of the same moment comes first takes the oldest.
    this.#connection.later(this.#freeAtMs - nowMs, () => this.#arrive(this.#things.shift() as T));
  }
}
