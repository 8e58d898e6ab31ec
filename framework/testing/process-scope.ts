/**
 * A process that can be killed, stopped and slowed down without ending the test: a clock and seams that fall silent.
 *
 * Owns the border between one worker and the place it shares with the others. After `kill` nothing scheduled inside runs, no promise from the
 * outside settles, no message comes in and none goes out; what had been handed over before is on its way, as with a real process.
 *
 * PS1. While it is paused, nothing inside runs; what would have run does so after `resume`, one task after the other and in order.
 * PS2. What the process has cancelled or closed does not reach it any more, also when it has been waiting at the border.
 */
import type { Appender, Blobs, Bus, Log, LogReader, Logs, ReadOptions, Registers, Seams } from "../log/contracts.ts";
import type { Clock, Platform } from "../platform/platform.ts";

/** One simulated process. */
export class ProcessScope {
  #isDead = false;
  #isPaused = false;
  #isDraining = false;
  /** Time that each task takes to come in, ms. */
  #lagMs = 0;
  #clock: Clock | undefined;
  /** What waits at the border. */
  readonly #held: (() => void)[] = [];
  readonly #endings: (() => void)[] = [];

  get isDead(): boolean {
    return this.#isDead;
  }

  get isPaused(): boolean {
    return this.#isPaused;
  }

  /** SIGSTOP. Needs a platform of this scope to have been made. */
  pause(): void {
    this.#isPaused = true;
  }

  /** SIGCONT: what has waited runs, each in a task of its own. */
  resume(): void {
    this.#isPaused = false;
    this.#drain();
  }

  /** From now on the process takes `lagMs` for every task; 0: none. */
  slowDown(lagMs: number): void {
    this.#lagMs = lagMs;
  }

  /** SIGKILL: its connections are gone too, so that a request to it finds nobody. */
  kill(): void {
    this.#isDead = true;
    this.#held.length = 0;
    for (const end of this.#endings.splice(0)) end();
  }

  /** The platform as the process sees it. */
  platform({ clock, random, logger }: Platform): Platform {
    this.#clock = clock;
    const scoped: Clock = {
      now: () => clock.now(),
      monotonicMs: () => clock.monotonicMs(),
      schedule: (delayMs, wake, options) => {
        if (this.#isDead) return () => undefined;
        const inside = cancellable(wake);
        const cancel = clock.schedule(delayMs, this.#delivered(inside.call), options);
        return () => {
          inside.cancel();
          cancel();
        };
      },
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
      savepoints: (job) => this.#settle(seams.savepoints(job).then((blobs) => this.#blobs(blobs))),
    };
  }

  /** The promise as the process sees it, for sources and sinks that live outside. */
  settled<T>(promise: Promise<T>): Promise<T> {
    return this.#settle(promise);
  }

  /** Something from the outside, as it comes in. */
  #delivered<A extends unknown[]>(action: (...args: A) => void): (...args: A) => void {
    return (...args) => {
      if (this.#isDead) return;
      if (!this.#isPaused && this.#lagMs === 0 && this.#held.length === 0) return action(...args);
      this.#held.push(() => action(...args));
      this.#drain();
    };
  }

  #drain(): void {
    if (this.#isDraining || this.#isPaused || this.#held.length === 0) return;
    this.#isDraining = true;
    this.#clock?.schedule(this.#lagMs, () => {
      this.#isDraining = false;
      if (this.#isDead || this.#isPaused) return;
      this.#held.shift()?.();
      this.#drain();
    });
  }

  #unlessDead<A extends unknown[]>(action: (...args: A) => void): (...args: A) => void {
    return (...args) => {
      if (!this.#isDead) action(...args);
    };
  }

  /** The promise, or one that never settles once the process is dead. */
  #settle<T>(promise: Promise<T>): Promise<T> {
    if (this.#isDead) {
      // Whoever is dead hears of no failure either.
      promise.catch(() => undefined);
      return new Promise<T>(() => undefined);
    }
    return new Promise<T>((resolve, reject) => {
      promise.then(this.#delivered(resolve), this.#delivered(reject));
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
      appender: (onAppended, onLink) => {
        const [appended, link] = [cancellable(onAppended), cancellable(onLink)];
        const appender = log.appender(this.#delivered(appended.call), this.#delivered(link.call));
        return this.#appender(appender, () => {
          appended.cancel();
          link.cancel();
        });
      },
      append: (payload) => this.#settle(log.append(payload)),
      read: (options) => this.#reader(log, options),
      get: (sequence) => this.#settle(log.get(sequence)),
      trim: (sequence) => this.#settle(log.trim(sequence)),
      resize: (maxBytes) => this.#settle(log.resize(maxBytes)),
      info: () => this.#settle(log.info()),
    };
  }

  #reader(log: Log, { from, onReadable, onBroken }: ReadOptions): LogReader {
    const [readable, broken] = [cancellable(onReadable), cancellable(onBroken)];
    const callbacks = { onReadable: this.#delivered(readable.call), onBroken: this.#delivered(broken.call) };
    const reader = log.read({ from, ...callbacks });
    this.#endings.push(() => reader.close());
    return {
      take: () => reader.take(),
      get buffered() {
        return reader.buffered;
      },
      close: () => {
        readable.cancel();
        broken.cancel();
        reader.close();
      },
    };
  }

  #appender(appender: Appender, onClosed: () => void): Appender {
    this.#endings.push(() => appender.close());
    return {
      append: this.#unlessDead((payload, tag, attempt) => appender.append(payload, tag, attempt)),
      close: () => {
        onClosed();
        appender.close();
      },
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
        const inside = cancellable(onMessage);
        const unsubscribe = bus.subscribe(subject, this.#delivered(inside.call));
        this.#endings.push(unsubscribe);
        return () => {
          inside.cancel();
          unsubscribe();
        };
      },
      request: (subject, payload, timeoutMs) => this.#settle(bus.request(subject, payload, timeoutMs)),
    };
  }
}

/** A callback that can be called off, also while a call of it waits. */
function cancellable<A extends unknown[]>(
  action: (...args: A) => void,
): {
  readonly call: (...args: A) => void;
  readonly cancel: () => void;
} {
  let isCancelled = false;
  return {
    call: (...args) => {
      if (!isCancelled) action(...args);
    },
    cancel: () => void (isCancelled = true),
  };
}
