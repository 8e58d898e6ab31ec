/**
 * JetStream streams as sources and sinks.
 *
 * Owns what users say and the choice between the two; reading is in `jetstream-source.ts`, writing in `jetstream-sink.ts`.
 */
import type { SinkSpec } from "../log/sink.ts";
import type { SourceSpec } from "../log/source.ts";
import { jetstreamSink, type JetStreamSinkOptions } from "./jetstream-sink.ts";
import { jetstreamSource, type JetStreamSourceOptions } from "./jetstream-source.ts";

export type { JetStreamEnd } from "./jetstream-end.ts";
export type { JetStreamSinkOptions } from "./jetstream-sink.ts";
export type { JetStreamMessage, JetStreamSourceOptions } from "./jetstream-source.ts";

/**
 * With `stream`: the messages of a JetStream stream as a source of one split. Read with consumers that acknowledge nothing: the stream is never changed.
 *
 * With `subject`: a sink that publishes each row once. The instance for partition n of the stage publishes to `<subject>.<n>`, which a stream must take.
 *
 * Both are on the cluster that the job itself lives on, unless `servers` names another. A job in the memory of its process takes `TIDEMARK_NATS`.
 *
 * @example
 * plant
 *   .source("readings", jetstream({ stream: "READINGS", from: "first", codec: json<Reading>() }))
 *   .keyBy((reading) => reading.device)
 *   .window(tumbling("1m"))
 *   .aggregate(average((reading) => reading.celsius))
 *   .to(jetstream({ subject: "averages", codec: json() }));
 *
 * @throws OPTION_INVALID for options that make no sense
 */
export function jetstream<T = unknown, R = T>(options: JetStreamSourceOptions<T, R>): SourceSpec<R>;
export function jetstream<T = unknown>(options: JetStreamSinkOptions<T>): SinkSpec<T>;
export function jetstream<T, R>(
  options: JetStreamSourceOptions<T, R> | JetStreamSinkOptions<T>,
): SourceSpec<R> | SinkSpec<T> {
  return options.subject === undefined ? jetstreamSource(options) : jetstreamSink(options);
}
