/**
 * A process that can be killed without ending the test: a clock and seams that fall silent.
 *
 * Owns the border between one worker and the place it shares with the others. After `kill` nothing scheduled inside runs, no promise from the
 * outside settles, no message comes in and none goes out; what had been handed over before is on its way, as with a real process.
 */
import type { Appender, Blobs, Bus, Log, LogReader, Logs, ReadOptions, Registers, Seams } from "../log/contracts.ts";
import type { Clock, Platform } from "../platform/platform.ts";

/** One simulated process. */
export class ProcessScope {
  #isDead = false;
  readonly #endings: (() => void)[] = [];

  get isDead(): boolean {
    return this.#isDead;
  }

  /** SIGKILL: its connections are gone too, so that a request to it finds nobody. */
  kill(): void {
    this.#isDead = true;
    for (const end of this.#endings.splice(0)) end();
  }

  /** The platform as the process sees it. */
  platform({ clock, random, logger }: Platform): Platform {
    const scoped: Clock = {
      now: () => clock.now(),
      monotonicMs: () => clock.monotonicMs(),
      schedule: (delayMs, wake, options) =>
        this.#isDead ? () => undefined : clock.schedule(delayMs, this.#unlessDead(wake), options),
    };
    return { clock: scoped, random, logger };
  }

  /** The seams as the process sees them. */
  seams(seams: Seams): Seams {
    return {
      logs: this.#logs(seams.logs),
      bus: this.#bus(seams.bus),
      holdings: {
        list: () => this.#settle(seams.holdings.list()),
        delete: (name) => this.#settle(seams.holdings.delete(name)),
      },
      registers: (job) => this.#settle(seams.registers(job).then((registers) => this.#registers(registers))),
      blobs: (job, generation) => this.#settle(seams.blobs(job, generation).then((blobs) => this.#blobs(blobs))),
    };
  }

  #unlessDead<A extends unknown[]>(action: (...args: A) => void): (...args: A) => void {
    return (...args) => {
      if (!this.#isDead) action(...args);
    };
  }

  /** The promise, or one that never settles once the process is dead. */
  #settle<T>(promise: Promise<T>): Promise<T> {
    if (this.#isDead) return new Promise<T>(() => undefined);
    return new Promise<T>((resolve, reject) => {
      promise.then(this.#unlessDead(resolve), this.#unlessDead(reject));
    });
  }

  #logs(logs: Logs): Logs {
    return {
      create: (name, config) => this.#settle(logs.create(name, config).then((log) => this.#log(log))),
      open: (name) => this.#settle(logs.open(name).then((log) => this.#log(log))),
      list: (prefix) => this.#settle(logs.list(prefix)),
      delete: (name) => this.#settle(logs.delete(name)),
    };
  }

  #log(log: Log): Log {
    return {
      name: log.name,
      createdMs: log.createdMs,
      appender: (onAppended, onLink) =>
        this.#appender(log.appender(this.#unlessDead(onAppended), this.#unlessDead(onLink))),
      append: (payload) => this.#settle(log.append(payload)),
      read: (options) => this.#reader(log, options),
      get: (sequence) => this.#settle(log.get(sequence)),
      trim: (sequence) => this.#settle(log.trim(sequence)),
      resize: (maxBytes) => this.#settle(log.resize(maxBytes)),
      info: () => this.#settle(log.info()),
    };
  }

  #reader(log: Log, { from, onReadable, onBroken }: ReadOptions): LogReader {
    const reader = log.read({ from, onReadable: this.#unlessDead(onReadable), onBroken: this.#unlessDead(onBroken) });
    this.#endings.push(() => reader.close());
    return reader;
  }

  #appender(appender: Appender): Appender {
    this.#endings.push(() => appender.close());
    return {
      append: this.#unlessDead((payload, tag, attempt) => appender.append(payload, tag, attempt)),
      close: () => appender.close(),
    };
  }

  #registers(registers: Registers): Registers {
    return {
      get: (key) => this.#settle(registers.get(key)),
      create: (key, value) => this.#settle(registers.create(key, value)),
      update: (key, value, revision) => this.#settle(registers.update(key, value, revision)),
      list: (prefix) => this.#settle(registers.list(prefix)),
      delete: (key) => this.#settle(registers.delete(key)),
    };
  }

  #blobs(blobs: Blobs): Blobs {
    return {
      put: (name, bytes) => this.#settle(blobs.put(name, bytes)),
      get: (name) => this.#settle(blobs.get(name)),
      delete: (name) => this.#settle(blobs.delete(name)),
      list: (prefix) => this.#settle(blobs.list(prefix)),
    };
  }

  #bus(bus: Bus): Bus {
    return {
      publish: this.#unlessDead((subject, payload) => bus.publish(subject, payload)),
      subscribe: (subject, onMessage) => {
        const unsubscribe = bus.subscribe(subject, this.#unlessDead(onMessage));
        this.#endings.push(unsubscribe);
        return unsubscribe;
      },
      request: (subject, payload, timeoutMs) => this.#settle(bus.request(subject, payload, timeoutMs)),
    };
  }
}
