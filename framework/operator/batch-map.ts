/**
 * Batch turns: the values of a whole turn are taken at once, by a function that may await (design, section 4).
 *
 * Owns the values of the turn under way. The function is called by the actor, inside the turn, with nothing else in between: so its outputs must be a
 * function of the values and of a version, which the author states and the snapshot records.
 *
 * M1. Between two turns it holds nothing.
 * M2. Each output is a step of its own, at its value's timestamp, in the order of the values; each failure the dead letter of its value.
 * M3. A snapshot of another version does not go on.
 */
import { StreamError } from "../errors.ts";
import type { Key } from "../record/key.ts";
import type { BatchSpec } from "./batch.ts";
import type { Operator, OperatorContext, OperatorFactory } from "./contract.ts";
import type { Batch, BatchOutcome, Deferral } from "./deferral.ts";

interface Taken {
  readonly value: unknown;
  readonly timestamp: number | undefined;
  readonly key: Key | undefined;
  readonly identity: { readonly sequence: number; readonly ordinal: number };
  outcome: BatchOutcome | undefined;
}

/** Emits what the function of `spec` answers for the values of a turn. */
export function batchMapOperator(spec: BatchSpec): OperatorFactory {
  return {
    kind: "map-batch",
    description: `within the turn, up to ${spec.batchMax} at once, version ${spec.version}`,
    keyed: false,
    eventTime: false,
    outputTimestamps: "same",
    needsInbox: true,
    create: (context) => new BatchMap(context, spec),
  };
}

class BatchMap implements Operator, Deferral {
  readonly #context: OperatorContext;
  readonly #spec: BatchSpec;
  #taken: Taken[] = [];
  /** How many of them are being run. */
  #running = 0;
  #at = 0;
  #passed = -Infinity;
  readonly #emit: () => void = () => this.#emitNext();
  readonly #describe: () => unknown = () => this.#taken[this.#at]?.value;

  constructor(context: OperatorContext, spec: BatchSpec) {
    this.#context = context;
    this.#spec = spec;
  }

  get deferral(): Deferral {
    return this;
  }

  get passed(): number {
    return this.#passed;
  }

  get batch(): Batch | undefined {
    const next = this.#taken[this.#at];
    if (next === undefined || next.outcome !== undefined) return undefined;
    const batch = this.#taken.slice(this.#at, this.#at + this.#spec.batchMax);
    this.#running = batch.length;
    const identities = batch.map(({ identity }) => identity);
    return { spec: this.#spec, values: batch.map(({ value }) => value), identities };
  }

  process(value: unknown, timestamp: number | undefined): void {
    const { requests, undoLog, keyed } = this.#context;
    const identity = requests.next(undoLog);
    undoLog.push(dropLast, this.#taken, undefined, undefined);
    this.#taken.push({ value, timestamp, key: keyed.key, identity, outcome: undefined });
  }

  finish(outcomes: readonly BatchOutcome[]): void {
    for (let i = 0; i < this.#running; i++) {
      const taken = this.#taken[this.#at + i];
      if (taken !== undefined) taken.outcome = outcomes[i];
    }
  }

  release(stepsMax: number): boolean {
    const context = this.#context;
    for (let steps = 0; this.#taken[this.#at]?.outcome !== undefined; steps++) {
      if (steps >= stepsMax) return false;
      const { key, timestamp } = this.#taken[this.#at]!;
      if (key !== undefined) context.keyed.select(key);
      context.step(this.#emit, this.#describe, timestamp);
      this.#at += 1;
    }
    if (this.#at === this.#taken.length) {
      this.#taken.length = 0;
      this.#at = 0;
    }
    return true;
  }

  reach(watermark: number): void {
    if (watermark > this.#passed) this.#passed = watermark;
  }

  snapshot(): unknown {
    return [this.#passed, this.#spec.version];
  }

  restore(saved: unknown): void {
    const { name } = this.#context;
    const { passed, version } = this.#read(saved);
    if (version !== this.#spec.version) {
      throw new StreamError(
        "SNAPSHOT_UNSUITABLE",
        `the snapshot was taken with version ${JSON.stringify(version)} of ${name}, and the program brings ${JSON.stringify(this.#spec.version)}: ` +
          "what is read again would come out differently. Bring back that version, or begin a new generation (--new)",
      );
    }
    this.#passed = passed;
  }

  /** Nothing is under way there: a version may follow another. */
  adopt(saved: readonly unknown[]): void {
    this.#passed = Math.min(...saved.map((one) => this.#read(one).passed));
  }

  #read(saved: unknown): { readonly passed: number; readonly version: string } {
    if (!Array.isArray(saved) || typeof saved[0] !== "number" || typeof saved[1] !== "string")
      throw new StreamError("CORRUPT", `the state of ${this.#context.name} is not as it was written`);
    const [passed, version] = saved as [number, string];
    return { passed, version };
  }

  #emitNext(): void {
    const taken = this.#taken[this.#at];
    if (taken?.outcome === undefined) return;
    if ("error" in taken.outcome) throw taken.outcome.error;
    this.#context.emit(taken.outcome.output, taken.timestamp);
  }
}

function dropLast(taken: unknown[]): void {
  taken.pop();
}
