/**
 * The place where a simulated job lives: logs, registers, blobs and a bus, as they are behind the network.
 *
 * Owns what is stored. Everything here happens at once and without faults; what becomes of calls on their way here is the business of the seams of each
 * process (`simulated-logs.ts` and its neighbours), and of the faults that hit the place itself.
 *
 * PL1. Whoever watches is told of every change, when it has happened.
 */
import { StreamError } from "../../errors.ts";
import type { AppendResult, LogConfig, Registered, RegisterResult, Sequence } from "../../log/contracts.ts";
import { MemoryBus } from "../../log/memory-bus.ts";
import { MessageStore } from "../../log/memory-store.ts";
import type { VirtualClock } from "../../platform/virtual-clock.ts";

/** Who watches a place. */
export interface PlaceWatcher {
  onStored(log: string, sequence: Sequence, payload: Uint8Array): void;
  onTrimmed(log: string, first: Sequence): void;
  onRegistered(key: string, value: Uint8Array): void;
  onBlobDeleted(generation: number, name: string): void;
  /** Said over the Bus, whether anybody hears it or not. */
  onPublished(subject: string, payload: Uint8Array): void;
}

/** One place. */
export class SimulatedPlace {
  readonly clock: VirtualClock;
  readonly bus: MemoryBus;
  readonly savepoints = new Map<string, Uint8Array>();
  /** The chunks of each generation. */
  readonly #blobs = new Map<number, Map<string, Uint8Array>>();
  readonly #logs = new Map<string, MessageStore>();
  /** Every value that a key has had, oldest first. */
  readonly #registers = new Map<string, Registered[]>();
  readonly #watchers: PlaceWatcher[] = [];
  #revision = 0;
  #createdMsLast = 0;

  constructor(clock: VirtualClock) {
    this.clock = clock;
    this.bus = new MemoryBus(clock);
  }

  watch(watcher: PlaceWatcher): void {
    this.#watchers.push(watcher);
  }

  get logNames(): readonly string[] {
    return [...this.#logs.keys()];
  }

  log(name: string): MessageStore | undefined {
    return this.#logs.get(name);
  }

  /** @throws SERVER_UNSUITABLE when it is there with less room, or another policy */
  createLog(name: string, config: LogConfig): MessageStore {
    const there = this.#logs.get(name);
    if (there === undefined) return this.#begin(name, config);
    const { maxBytes, full } = there.config;
    if (full === config.full && maxBytes >= config.maxBytes) return there;
    throw new StreamError(
      "SERVER_UNSUITABLE",
      `log ${name} has ${maxBytes}, ${full}; wanted ${config.maxBytes}, ${config.full}`,
    );
  }

  deleteLog(name: string): void {
    const store = this.#logs.get(name);
    this.#logs.delete(name);
    store?.notify();
  }

  /** A fault: the log is another one from here on, empty. */
  recreateLog(name: string): void {
    const store = this.#logs.get(name);
    if (store === undefined) return;
    this.#begin(name, store.config);
    store.notify();
  }

  append(name: string, payload: Uint8Array): AppendResult {
    const store = this.#logs.get(name);
    if (store === undefined) return { kind: "failed", reason: `no log ${name}` };
    const result = store.append(payload, Math.floor(this.clock.now()));
    if (result.kind === "stored")
      for (const watcher of this.#watchers) watcher.onStored(name, result.sequence, payload);
    return result;
  }

  trim(name: string, sequence: Sequence): void {
    const store = this.#logs.get(name);
    if (store === undefined) throw new StreamError("NOT_FOUND", `log ${name} does not exist`);
    store.trim(sequence);
    for (const watcher of this.#watchers) watcher.onTrimmed(name, store.first);
  }

  register(key: string): Registered | undefined {
    return this.#registers.get(key)?.at(-1);
  }

  /** The value before the current one, or the current one when there is no other. */
  staleRegister(key: string): Registered | undefined {
    return this.#registers.get(key)?.at(-2) ?? this.register(key);
  }

  registerNames(): readonly string[] {
    return [...this.#registers.keys()].toSorted();
  }

  deleteRegister(key: string): void {
    this.#registers.delete(key);
  }

  /** `revision`: the one that is replaced; undefined: there must be none. */
  compareAndSet(key: string, value: Uint8Array, revision: number | undefined): RegisterResult {
    if (this.register(key)?.revision !== revision) return { kind: "conflict" };
    this.#revision += 1;
    const values = this.#registers.get(key) ?? [];
    this.#registers.set(key, [...values.slice(-1), { value, revision: this.#revision }]);
    for (const watcher of this.#watchers) watcher.onRegistered(key, value);
    return { kind: "written", revision: this.#revision };
  }

  publish(subject: string, payload: Uint8Array): void {
    for (const watcher of this.#watchers) watcher.onPublished(subject, payload);
    this.bus.publish(subject, payload);
  }

  /** Generations that have chunks, or have had some. */
  get generations(): readonly number[] {
    return [...this.#blobs.keys()];
  }

  /** The chunks of a generation. */
  blobsOf(generation: number): Map<string, Uint8Array> {
    const blobs = this.#blobs.get(generation) ?? new Map<string, Uint8Array>();
    this.#blobs.set(generation, blobs);
    return blobs;
  }

  /** Removes a blob of a generation, or, where that is undefined, of the savepoints. */
  deleteBlob(generation: number | undefined, name: string): void {
    const store = generation === undefined ? this.savepoints : this.blobsOf(generation);
    if (!store.delete(name) || generation === undefined) return;
    for (const watcher of this.#watchers) watcher.onBlobDeleted(generation, name);
  }

  #begin(name: string, config: LogConfig): MessageStore {
    this.#createdMsLast = Math.max(Math.floor(this.clock.now()), this.#createdMsLast + 1);
    const store = new MessageStore(name, this.#createdMsLast, config);
    this.#logs.set(name, store);
    return store;
  }
}
