/**
 * The await inside a batch turn: one call of a function that its author has said to be deterministic.
 *
 * Owns how the values of a batch become outcomes. Nothing else happens to the instance meanwhile; the turn loop sees to that.
 *
 * B1. Outcomes are a function of the values: when a call for several fails, each is called for alone, and what fails then is that value's own failure.
 * B2. One that does not end ends the instance: when it would is no function of the values.
 */
import { StreamError } from "../errors.ts";
import type { Batch, BatchOutcome } from "../operator/deferral.ts";
import type { Clock } from "../platform/platform.ts";

type Identity = Batch["identities"][number];

/** Runs batches of one incarnation. */
export class BatchRunner {
  readonly #clock: Clock;
  readonly #keyOf: (identity: Identity) => string;
  readonly #controller = new AbortController();

  /** `keyOf` names a value among all of all jobs. */
  constructor(clock: Clock, keyOf: (identity: Identity) => string) {
    this.#clock = clock;
    this.#keyOf = keyOf;
  }

  /** One outcome per value (B1). @throws TIMEOUT (B2) */
  async run(batch: Batch): Promise<readonly BatchOutcome[]> {
    try {
      return await this.#attempt(batch);
    } catch (error) {
      if (StreamError.is(error, "TIMEOUT")) throw error;
      if (batch.values.length === 1) return [{ error }];
    }
    const outcomes: BatchOutcome[] = [];
    for (const [at, value] of batch.values.entries())
      outcomes.push(...(await this.run({ ...batch, values: [value], identities: batch.identities.slice(at, at + 1) })));
    return outcomes;
  }

  /** The incarnation is gone. */
  close(): void {
    this.#controller.abort(new StreamError("FENCED", "nobody waits for this answer any more"));
  }

  async #attempt({ spec, values, identities }: Batch): Promise<readonly BatchOutcome[]> {
    const idempotencyKeys = identities.map((identity) => this.#keyOf(identity));
    const { signal } = this.#controller;
    const outputs = await this.#within(spec.timeoutMs, async () => spec.call(values, { idempotencyKeys, signal }));
    if (!Array.isArray(outputs) || outputs.length !== values.length) {
      const found = Array.isArray(outputs) ? `${outputs.length} results` : "no list of results";
      throw new TypeError(`the batch function answered ${found} for ${values.length} values`);
    }
    return outputs.map((output: unknown) => ({ output }));
  }

  /** What `call` answers, in a task of its own: what follows runs when the clock says so. */
  #within(timeoutMs: number, call: () => Promise<unknown>): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const late = () => reject(new StreamError("TIMEOUT", `a batch has not ended within ${timeoutMs} ms`));
      const cancel = timeoutMs === Infinity ? undefined : this.#clock.schedule(timeoutMs, late, { background: true });
      const settle = (then: () => void) => {
        cancel?.();
        this.#clock.schedule(0, then);
      };
      call().then(
        (outputs) => settle(() => resolve(outputs)),
        (error: unknown) => settle(() => reject(error instanceof Error ? error : new Error(String(error)))),
      );
    });
  }
}
