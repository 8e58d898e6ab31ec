/**
 * A sink that keeps what it is given, each row once, for a test to take.
 *
 * Owns the rows by id (generation, stage, partition, number): a row that comes again after a crash must have the same content, and is counted once.
 */
import { isDeepStrictEqual } from "node:util";
import { copyOf } from "../actor/sink-queue.ts";
import { invariant } from "../errors.ts";
import type { SinkIdentity, SinkRow, SinkSpec, SinkWriter } from "../log/sink.ts";

/** What a test takes from a sink. */
export interface TakenRow {
  readonly value: unknown;
  readonly timestamp: number | undefined;
}

/** Keeps the rows of one sink of the program. */
export class CollectingSink {
  readonly #original: SinkSpec;
  readonly #rows = new Map<string, TakenRow>();
  #taken = 0;
  #gate: PromiseWithResolvers<void> | undefined;

  constructor(original: SinkSpec) {
    this.#original = original;
  }

  /** The sink as a plan carries it: refuses what the original refuses, and keeps the values themselves, not the form that the original gives them. */
  get spec(): SinkSpec {
    return {
      ...this.#original,
      guarantee: "idempotent",
      encode: (value) => {
        this.#original.encode?.(value);
        return copyOf(value);
      },
      open: (identity) => Promise.resolve(this.#writer(identity)),
    };
  }

  /** What has come since the last take, in the order of arrival. */
  take(): TakenRow[] {
    const rows = [...this.#rows.values()].slice(this.#taken);
    this.#taken = this.#rows.size;
    return rows;
  }

  /** The sink takes nothing until `resume`: back-pressure. */
  pause(): void {
    this.#gate ??= Promise.withResolvers<void>();
  }

  resume(): void {
    this.#gate?.resolve();
    this.#gate = undefined;
  }

  #writer({ generation, stage, partition, sink }: SinkIdentity): SinkWriter {
    return {
      write: async (rows) => {
        await this.#gate?.promise;
        for (const row of rows) this.#keep(`${generation}/${stage}/${partition}/${sink}/${row.number}`, row);
        return [];
      },
      close: () => Promise.resolve(),
    };
  }

  #keep(id: string, { value, timestamp }: SinkRow): void {
    const known = this.#rows.get(id);
    if (known === undefined) this.#rows.set(id, { value, timestamp });
    else
      invariant(
        isDeepStrictEqual(known, { value, timestamp }),
        `row ${id} came twice with different content: ${JSON.stringify(known)} and ${JSON.stringify({ value, timestamp })}`,
      );
  }
}
