/**
 * The job that is measured, soaked and set on fire: counts and sums per key and window.
 *
 * Owns the program alone; where its results go and what clock its load follows is its user's. It is a program file, too: `tidemark replay` runs an actor of it.
 */
import { jetstream } from "../../connectors/jetstream.ts";
import { job, json, tumbling, type Job, type SinkSpec, type Windowed } from "../../index.ts";
import { loadSource, type LoadWorld } from "./load.ts";
import type { WorkerOrder } from "./messages.ts";

/** What comes out. */
export type Result = Windowed<number, { readonly n: number; readonly weight: number }>;

/** The job of an order; its results go to `results`. */
export function measuredJob(order: WorkerOrder, load: LoadWorld, results: SinkSpec<Result>): Job {
  const { shape, inboxBytes, version = "recovery" } = order;
  const measured = job(order.job, { partitions: shape.partitions, version, inboxBytes });
  measured
    .source("hits", loadSource(shape, load))
    .timestamps((hit) => hit.at, { outOfOrderness: 0 })
    .keyBy((hit) => hit.key)
    .window(tumbling(shape.windowMs))
    .aggregate((of) => ({ n: of.count(), weight: of.sum((hit) => hit.weight) }))
    .named("windows")
    .to(results);
  return measured;
}

/** The sink of an order whose results are published. */
export function published(subject: string): SinkSpec<Result> {
  return jetstream({ subject, codec: json() });
}

/** The job of an order (JSON, the only argument) whose results are published: for commands beside it. */
export default function program([order = "{}"]: readonly string[]): Job {
  const read = JSON.parse(order) as WorkerOrder;
  const load: LoadWorld = { endMs: read.endMs ?? Infinity, wallMs: () => Date.now(), onPassed: () => undefined };
  return measuredJob(read, load, published(read.results ?? ""));
}
