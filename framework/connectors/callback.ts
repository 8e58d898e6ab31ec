/**
 * Sinks that end in the program itself: a function, or nowhere.
 */
import { messageOf } from "../errors.ts";
import type { RefusedRow, SinkIdentity, SinkRow, SinkSpec, SinkWriter } from "../log/sink.ts";
import { Once, type Shown } from "./once.ts";

/** What a callback is told besides the value. */
export interface CallbackRow extends SinkRow {
  /** With `number`, the row's id: the same row comes with the same id after a crash of the process. */
  readonly from: SinkIdentity;
}

/**
 * Calls `take` with each result, one at a time per instance, and waits for what it answers.
 *
 * Within one process a row is handed over once, even when its instance crashes; after a crash of the process rows may come again. A
 * call that throws makes its row a dead letter.
 *
 * @param label its name in plan, logs and tests
 * @example
 * averages.to(callback("averages", ({ key, value }) => gauge.set(key, value)));
 */
export function callback<T>(label: string, take: (value: T, row: CallbackRow) => void | Promise<void>): SinkSpec<T> {
  const once = new Once();
  return {
    description: `callback(${label})`,
    name: label,
    guarantee: "atLeastOnce",
    placement: "chained",
    open: (identity) => Promise.resolve(new CallbackWriter(take, identity, once.of(identity))),
  };
}

/** Takes everything and keeps nothing: for load tests, and for streams that only have to be computed. */
export function discard(): SinkSpec {
  return {
    description: "discard",
    name: "discard",
    guarantee: "idempotent",
    placement: "chained",
    open: () => Promise.resolve({ write: () => Promise.resolve([]), close: () => Promise.resolve() }),
  };
}

class CallbackWriter<T> implements SinkWriter {
  readonly #take: (value: T, row: CallbackRow) => void | Promise<void>;
  readonly #from: SinkIdentity;
  readonly #shown: Shown;

  constructor(take: (value: T, row: CallbackRow) => void | Promise<void>, from: SinkIdentity, shown: Shown) {
    this.#take = take;
    this.#from = from;
    this.#shown = shown;
  }

  async write(rows: readonly SinkRow[]): Promise<readonly RefusedRow[]> {
    const refused: RefusedRow[] = [];
    for (const row of rows) {
      if (this.#shown.has(row)) continue;
      // Before the call: what has begun goes on after a crash of the instance, and is not begun again.
      this.#shown.add(row);
      try {
        await this.#take(row.value as T, { ...row, from: this.#from });
      } catch (error) {
        refused.push({ row, reason: messageOf(error) });
      }
    }
    return refused;
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}
