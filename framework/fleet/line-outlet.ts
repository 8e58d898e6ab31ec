/**
 * The output of several processes on one stream, line by line.
 *
 * Owns what has come of a line whose end has not.
 *
 * L1. Lines of different processes never mix, however large they are.
 * L2. A reader that does not follow holds the processes, not memory; one that has gone holds nobody.
 */
import type { Readable, Writable } from "node:stream";

const lineEnd = 0x0a;

/** One process's output, on its way through an outlet. */
export interface LineSource {
  /** The process has ended: its last line is written as it is when `isWhole`, and dropped when a signal may have cut it. */
  end(isWhole: boolean): void;
}

/** Where the lines of several processes go. */
export class LineOutlet {
  readonly #to: Writable;
  readonly #held = new Set<Readable>();
  readonly #release = () => {
    for (const source of this.#held) source.resume();
    this.#held.clear();
  };

  constructor(to: Writable) {
    this.#to = to;
    to.on("drain", this.#release).on("close", this.#release);
  }

  /** Forwards whole lines of `from`. */
  add(from: Readable): LineSource {
    let rest: Buffer[] = [];
    from.on("data", (chunk: Buffer) => {
      const end = chunk.lastIndexOf(lineEnd) + 1;
      if (end === 0) return void rest.push(chunk);
      this.#write(Buffer.concat([...rest, chunk.subarray(0, end)]), from);
      rest = end < chunk.length ? [chunk.subarray(end)] : [];
    });
    return {
      end: (isWhole) => {
        if (isWhole && rest.length > 0) this.#write(Buffer.concat([...rest, Buffer.of(lineEnd)]), from);
        rest = [];
      },
    };
  }

  /** Forwards nothing more under pressure: nobody is held any longer. */
  close(): void {
    this.#to.off("drain", this.#release).off("close", this.#release);
    this.#release();
  }

  #write(lines: Buffer, from: Readable): void {
    if (this.#to.destroyed || this.#to.write(lines)) return;
    this.#held.add(from);
    from.pause();
  }
}
