/**
 * Rows that a sink of this process has shown already.
 *
 * After a crash of an instance its rows come again with the same numbers. A sink that only shows rows (a terminal, a callback) and whose process
 * lives on leaves out the repetitions with this. It promises nothing over the life of the process: such a sink is `atLeastOnce`.
 *
 * O1. Per (job, generation, stage, partition, sink) a number goes through once, and none below it afterwards.
 * O2. An incarnation whose epoch is not higher than the last one's belongs to another life of the job (an embedded one that was run again): all its
 *     rows go through.
 */
import type { SinkIdentity, SinkRow } from "../log/sink.ts";

/** What one sink has shown, by everyone who writes to it. */
export class Once {
  readonly #shown = new Map<string, Shown>();

  /** What has been shown of the rows of `identity`; called when its incarnation opens the sink. */
  of({ job, generation, stage, partition, sink, epoch }: SinkIdentity): Shown {
    const id = [job, generation, stage, partition, sink].join("/");
    const before = this.#shown.get(id);
    const shown = before !== undefined && before.epoch < epoch ? before : new Shown();
    shown.epoch = epoch;
    this.#shown.set(id, shown);
    return shown;
  }
}

/** The rows of one identity. */
export class Shown {
  /** Epoch of the newest incarnation. */
  epoch = 0;
  #highest = 0;

  has(row: SinkRow): boolean {
    return row.number <= this.#highest;
  }

  add(row: SinkRow): void {
    this.#highest = Math.max(this.#highest, row.number);
  }
}
