/**
 * Registers and blobs of the place as one process reaches them, with everything that can go wrong on the way.
 */
import { StreamError } from "../../errors.ts";
import type { Blobs, Registered, RegisterResult, Registers } from "../../log/contracts.ts";
import type { Connection } from "./connection.ts";

const slowMsMax = 4_000;
/** Until the caller of a deletion that is late gives up, ms … */
const deletedMs = 2_000;
/** … and how much later it may happen. */
const deletedLateMsMax = 4_000;

/** The registers of the job. */
export function simulatedRegisters(connection: Connection): Registers {
  const { place } = connection;
  const isStale = (key: string) => connection.strikes("registerStale", key);
  const written = (what: string, run: () => RegisterResult) => connection.call(what, run, "registerLost");
  return {
    get: (key): Promise<Registered | undefined> =>
      connection.call(`get ${key}`, () => (isStale(key) ? place.staleRegister(key) : place.register(key))),
    create: (key, value) => {
      const copy = new Uint8Array(value);
      return written(`create ${key}`, () => place.compareAndSet(key, copy, undefined));
    },
    update: (key, value, revision) => {
      const copy = new Uint8Array(value);
      return written(`update ${key}`, () => place.compareAndSet(key, copy, revision));
    },
    list: (prefix) =>
      connection.call(`list ${prefix}`, () => place.registerNames().filter((name) => name.startsWith(prefix))),
    delete: (key) => connection.call(`delete ${key}`, () => place.deleteRegister(key)),
  };
}

/** The chunks of one of the job's generations, or its savepoints. */
export class SimulatedBlobs implements Blobs {
  readonly #connection: Connection;
  readonly #generation: number | undefined;
  /** Names that were there and have been deleted. */
  readonly #gone: string[] = [];

  /** `generation`: undefined for the savepoints. */
  constructor(connection: Connection, generation: number | undefined) {
    this.#connection = connection;
    this.#generation = generation;
  }

  get #stored(): Map<string, Uint8Array> {
    const { place } = this.#connection;
    return this.#generation === undefined ? place.savepoints : place.blobsOf(this.#generation);
  }

  async put(name: string, bytes: Uint8Array): Promise<void> {
    const copy = new Uint8Array(bytes);
    await this.#mayBeSlow(name);
    return this.#connection.call(`put ${name}`, () => this.#put(name, copy));
  }

  async get(name: string): Promise<Uint8Array | undefined> {
    await this.#mayBeSlow(name);
    return this.#connection.call(`get ${name}`, () => {
      const bytes = this.#stored.get(name);
      return bytes && new Uint8Array(bytes);
    });
  }

  delete(name: string): Promise<void> {
    this.#gone.push(name);
    if (this.#strikes("deleteLate", name)) return this.#deleteLate(name);
    return this.#connection.call(`delete ${name}`, () => this.#connection.place.deleteBlob(this.#generation, name));
  }

  list(prefix: string): Promise<readonly string[]> {
    return this.#connection.call(`list ${prefix}`, () => {
      const names = [...this.#stored.keys()].filter((name) => name.startsWith(prefix));
      if (!this.#strikes("blobListStale", prefix)) return names;
      const seen = names.slice(0, this.#connection.dice.of("blobListStale").below(names.length + 1));
      return [...seen, ...this.#gone.filter((name) => name.startsWith(prefix))];
    });
  }

  #deleteLate(name: string): Promise<never> {
    const { place, dice } = this.#connection;
    const lateMs = 1 + dice.of("deleteLate").below(deletedLateMsMax);
    this.#connection.later(deletedMs + lateMs, () => place.deleteBlob(this.#generation, name));
    return new Promise((_resolve, reject) =>
      this.#connection.later(deletedMs, () => reject(new StreamError("TIMEOUT", `delete ${name}: no reply`))),
    );
  }

  #put(name: string, bytes: Uint8Array): void {
    const blobs = this.#stored;
    if (this.#strikes("blobFails", name)) throw failed(name);
    if (this.#strikes("blobTorn", name)) {
      if (!blobs.has(name)) blobs.set(name, bytes.slice(0, this.#connection.dice.of("blobTorn").below(bytes.length)));
      throw failed(name);
    }
    blobs.set(name, this.#strikes("blobFlipped", name) ? flipped(bytes, this.#connection) : bytes);
    if (this.#strikes("blobDenied", name)) throw failed(name);
  }

  async #mayBeSlow(name: string): Promise<void> {
    if (!this.#strikes("blobSlow", name)) return;
    const delayMs = this.#connection.dice.of("blobSlow").below(slowMsMax);
    await new Promise<void>((resolve) => this.#connection.later(delayMs, resolve));
  }

  #strikes(kind: Parameters<Connection["strikes"]>[0], name: string): boolean {
    return this.#connection.strikes(kind, name);
  }
}

function failed(name: string): StreamError {
  return new StreamError("UNAVAILABLE", `put ${name}: the store has failed`);
}

function flipped(bytes: Uint8Array, { dice }: Connection): Uint8Array {
  const at = dice.of("blobFlipped").below(Math.max(1, bytes.length));
  return bytes.map((byte, index) => (index === at ? byte ^ 0x10 : byte));
}
