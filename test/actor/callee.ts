/** The outside that jobs under test call: answers when the test's clock says so, or when the test does. */
import { callback, fromArray, job, tumbling, type AsyncOptions, type CallContext, type Job } from "tidemark";
import type { Clock } from "../../framework/platform/platform.ts";

/** A question that asks for an answer. */
export interface Question {
  readonly at: number;
  readonly id: string;
}

/** One call that has come in. */
export interface Asked {
  readonly id: string;
  readonly key: string;
  readonly signal: AbortSignal;
  readonly answer: (value: unknown) => void;
  readonly refuse: (error: unknown) => void;
}

/** What jobs under test call. */
export class Callee {
  /** Every call, in the order in which they came. */
  readonly asked: Asked[] = [];
  /** Answers by itself after this long, when it says so. */
  latencyMs: ((id: string, key: string) => number | undefined) | undefined;
  clock: Clock | undefined;
  mostAtOnce = 0;
  #open = 0;

  readonly call = ({ id }: Question, { idempotencyKey, signal }: CallContext): Promise<string> =>
    new Promise((resolve, reject) => {
      this.#open += 1;
      this.mostAtOnce = Math.max(this.mostAtOnce, this.#open);
      const end =
        <A>(then: (value: A) => void) =>
        (value: A) => {
          this.#open -= 1;
          then(value);
        };
      const answer = end(resolve as (value: unknown) => void);
      this.asked.push({ id, key: idempotencyKey, signal, answer, refuse: end(reject) });
      const latencyMs = this.latencyMs?.(id, idempotencyKey);
      if (latencyMs !== undefined) this.clock?.schedule(latencyMs, () => answer(`${id}!`));
    });

  /** The last call for `id`. */
  about(id: string): Asked {
    const found = this.asked.findLast((asked) => asked.id === id);
    if (found === undefined) throw new Error(`nobody has asked about ${id}`);
    return found;
  }

  /** Ids that have been asked about, in order. */
  get ids(): readonly string[] {
    return this.asked.map(({ id }) => id);
  }
}

/** Questions, answered by `callee`, straight into a sink. */
export function answering(callee: Callee, options: AsyncOptions = {}): Job {
  const plant = job("answering", { partitions: 1, version: "test" });
  plant
    .source("questions", fromArray<Question>([]))
    .timestamps((q) => q.at)
    .mapAsync(callee.call, options)
    .named("ask")
    .to(callback("out", () => undefined));
  return plant;
}

/** Windows of answers behind another exchange: what comes behind its watermark is late there. */
export function countingAnswers(callee: Callee, options: AsyncOptions = {}): Job {
  const plant = job("counting-answers", { partitions: 2, version: "test" });
  plant
    .source("questions", fromArray<Question>([]))
    .timestamps((q) => q.at, { outOfOrderness: 0 })
    .mapAsync(callee.call, options)
    .named("ask")
    .keyBy((answer) => answer)
    .window(tumbling("1s"))
    .aggregate((of) => ({ n: of.count() }))
    .named("counts")
    .to(callback("out", () => undefined));
  return plant;
}

/** Questions number `from` to `to`, one every 100 ms. */
export function questions(from: number, to: number, ids = to): Question[] {
  return Array.from({ length: to - from }, (_, i) => ({ at: (from + i) * 100, id: `q${(from + i) % ids}` }));
}
