/**
 * A split as a replay reads it: up to a given position.
 *
 * Owns the bound, which may be moved on; everything else is the source's own.
 */
import type { ReplayableSource, SplitOpening, SplitReader, SplitTake } from "../log/source.ts";

/** Holds a split at a position. */
export class SplitBound {
  /** Nothing behind it is read. */
  last = 0;

  /** `source` with every split of it held at the bound. */
  bind(source: ReplayableSource): ReplayableSource {
    return {
      ...source,
      splits: (home) => source.splits(home),
      open: async (opening) => this.#bound(await source.open(opening), opening),
    };
  }

  #bound(reader: SplitReader, { after = 0 }: SplitOpening): SplitReader {
    let taken = after;
    return {
      take: (): SplitTake => {
        if (taken >= this.last) return "waiting";
        const entry = reader.take();
        if (typeof entry !== "string") taken = entry.position;
        return entry;
      },
      close: () => reader.close(),
    };
  }
}
