/**
 * Reproducible chance: a generator from a seed, and generators of their own by name.
 *
 * Owns the algorithm (sfc32, seeded through a string hash): a seed gives the same numbers on every machine and in every version.
 *
 * C1. `fork(name)` depends on the seed and the names on the way only, never on how many numbers have been drawn.
 */
import type { Random } from "./platform.ts";

const idCharacters = "abcdefghijklmnopqrstuvwxyz0123456789";

/** A generator whose numbers are a function of `seed` alone. */
export function seededRandom(seed: string | number): Random {
  return new SeededRandom(String(seed));
}

/** A generator with a seed that nobody has had before. */
export function systemRandom(): Random {
  const words = crypto.getRandomValues(new Uint32Array(4));
  return new SeededRandom([...words].join("-"));
}

class SeededRandom implements Random {
  readonly #seed: string;
  #a: number;
  #b: number;
  #c: number;
  #count = 1;

  constructor(seed: string) {
    this.#seed = seed;
    this.#a = hash(seed, 0x9e3779b9);
    this.#b = hash(seed, 0x243f6a88);
    this.#c = hash(seed, 0xb7e15162);
    for (let warmUp = 0; warmUp < 12; warmUp++) this.#word();
  }

  next(): number {
    return ((this.#word() >>> 5) * 2 ** 26 + (this.#word() >>> 6)) / 2 ** 53;
  }

  below(bound: number): number {
    return Math.floor(this.next() * bound);
  }

  fork(name: string): Random {
    return new SeededRandom(`${this.#seed.length}:${this.#seed}/${name}`);
  }

  id(length: number): string {
    let id = "";
    while (id.length < length) id += idCharacters.charAt(this.below(idCharacters.length));
    return id;
  }

  #word(): number {
    const sum = (this.#a + this.#b + this.#count) | 0;
    this.#count = (this.#count + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + sum) | 0;
    return sum >>> 0;
  }
}

/** A 32-bit hash of a string's code units (murmur3's mixing). */
function hash(text: string, salt: number): number {
  let h = salt ^ text.length;
  for (let at = 0; at < text.length; at++) {
    h = Math.imul(h ^ text.charCodeAt(at), 0xcc9e2d51);
    h = (h << 13) | (h >>> 19);
  }
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return h ^ (h >>> 16);
}
