/**
 * Blobs in memory: write-once chunks.
 *
 * Owns the bytes; a name never gets other bytes than its first ones.
 */
import { invariant, StreamError } from "../errors.ts";
import type { Clock } from "../platform/platform.ts";
import { blobBytesMax, type Blobs } from "./contracts.ts";
import { answerLater } from "./memory-delivery.ts";

/** The chunks of one generation of a job. */
export class MemoryBlobs implements Blobs {
  readonly #clock: Clock;
  readonly #blobs = new Map<string, Uint8Array>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  put(name: string, bytes: Uint8Array): Promise<void> {
    invariant(bytes.length <= blobBytesMax, `blob ${name} has ${bytes.length} bytes; the limit is ${blobBytesMax}`);
    const copy = new Uint8Array(bytes);
    return answerLater(this.#clock, () => {
      const there = this.#blobs.get(name);
      if (there !== undefined && !isEqual(there, copy)) {
        throw new StreamError("CORRUPT", `blob ${name} exists with other bytes (${there.length}, not ${copy.length})`);
      }
      this.#blobs.set(name, copy);
    });
  }

  get(name: string): Promise<Uint8Array | undefined> {
    return answerLater(this.#clock, () => this.#copyOf(name));
  }

  delete(name: string): Promise<void> {
    return answerLater(this.#clock, () => void this.#blobs.delete(name));
  }

  list(prefix: string): Promise<readonly string[]> {
    return answerLater(this.#clock, () => [...this.#blobs.keys()].filter((name) => name.startsWith(prefix)).toSorted());
  }

  /** Of all blobs. */
  get bytes(): number {
    return [...this.#blobs.values()].reduce((sum, { byteLength }) => sum + byteLength, 0);
  }

  #copyOf(name: string): Uint8Array | undefined {
    const bytes = this.#blobs.get(name);
    return bytes && new Uint8Array(bytes);
  }
}

function isEqual(left: Uint8Array, right: Uint8Array): boolean {
  return left.length === right.length && left.every((byte, at) => byte === right[at]);
}
