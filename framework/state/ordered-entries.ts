/**
 * A map that keeps its insertion order through undo.
 *
 * Owns the order: each entry carries its place in it. Undoing a deletion puts the entry back with its old place, and the order is repaired
 * when it is next looked at; so changes cost what those of a `Map` cost, and only undoing costs more (hazard 14).
 */

/** One entry. `value` is replaced in place. */
export interface Entry<V> {
  value: V;
  readonly place: number;
  /** When it was last used, ms; 0 in maps without a ttl. */
  usedMs: number;
}

/** Entries in insertion order. */
export class OrderedEntries<K, V> {
  readonly #entries = new Map<K, Entry<V>>();
  #nextPlace = 0;
  #isInOrder = true;

  get size(): number {
    return this.#entries.size;
  }

  get(key: K): Entry<V> | undefined {
    return this.#entries.get(key);
  }

  /** Adds an entry at the end; there is none for `key`. */
  append(key: K, value: V, usedMs = 0): void {
    this.#entries.set(key, { value, place: this.#nextPlace++, usedMs });
  }

  delete(key: K): void {
    this.#entries.delete(key);
  }

  /** Puts back an entry that was deleted, at its place. */
  putBack(key: K, entry: Entry<V>): void {
    this.#entries.set(key, entry);
    this.#isInOrder = false;
  }

  /** The entries in insertion order; like a `Map`'s, it sees what is added and removed while it is being read. */
  inOrder(): Map<K, Entry<V>> {
    if (!this.#isInOrder) this.#repair();
    return this.#entries;
  }

  #repair(): void {
    const entries = [...this.#entries].toSorted(([, a], [, b]) => a.place - b.place);
    this.#entries.clear();
    for (const [key, entry] of entries) this.#entries.set(key, entry);
    this.#isInOrder = true;
  }
}
