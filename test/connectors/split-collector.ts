/**
 * Reads a split to see what comes, as an instance does: takes until there is nothing, and again when it is told to.
 */
import type { EndHome } from "../../framework/log/ends.ts";
import type { ReplayableSource, Split, SplitEntry, SplitReader, SplitTake } from "../../framework/log/source.ts";
import { until } from "../support/until.ts";

/** A reader with everything it has said. */
export class SplitCollector {
  readonly entries: SplitEntry[] = [];
  readonly failures: unknown[] = [];
  /** What `take` has answered last that is no entry. */
  state: Exclude<SplitTake, SplitEntry> | undefined;
  /** Stops taking while true. */
  isPaused = false;
  /** How often it has been told that there is something to take. */
  told = 0;
  #reader: SplitReader | undefined;

  /** Opens `split` behind position `after`. */
  static async of(source: ReplayableSource, split: Split, home: EndHome, after?: number): Promise<SplitCollector> {
    const collector = new SplitCollector();
    const opened = await source.open({
      split,
      after,
      onReadable: () => {
        collector.told += 1;
        collector.take();
      },
      onFailed: (error) => void collector.failures.push(error),
      schedule: (delayMs, wake) => {
        const timer = setTimeout(wake, delayMs);
        return () => clearTimeout(timer);
      },
      monotonicMs: () => performance.now(),
      home,
    });
    collector.#reader = opened;
    collector.take();
    return collector;
  }

  take(): void {
    while (!this.isPaused && this.#reader !== undefined) {
      const taken = this.#reader.take();
      if (typeof taken === "string") {
        this.state = taken;
        return;
      }
      this.entries.push(taken);
    }
  }

  close(): void {
    this.#reader?.close();
  }

  get positions(): readonly number[] {
    return this.entries.map(({ position }) => position);
  }

  get values(): readonly unknown[] {
    return this.entries.flatMap((entry) => ("value" in entry ? [entry.value] : []));
  }

  async has(count: number, limitMs = 60_000): Promise<void> {
    const isThere = () => this.entries.length >= count || this.failures.length > 0;
    await until(`${count} entries (${this.entries.length} are there, ${this.state ?? "nothing"})`, isThere, limitMs);
    if (this.failures.length > 0) throw this.failures[0];
  }

  /** Resolves when the split says so. */
  async is(state: "empty" | "ended" | "waiting", limitMs?: number): Promise<void> {
    await until(`the split is ${state} (${this.state ?? "nothing"})`, () => this.state === state, limitMs);
  }

  /** Resolves with what the split has failed with. */
  async fails(limitMs = 60_000): Promise<unknown> {
    await until("the split fails", () => this.failures.length > 0, limitMs);
    return this.failures[0];
  }
}
