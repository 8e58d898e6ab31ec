/**
 * What users of Tidemark import.
 */
export type { InstanceStatus, JobStatus } from "./actor/job-status.ts";
export type { AsyncOptions, BatchFunction, BatchModel, BatchOptions, RetryOptions } from "./api/async.ts";
export { job, type Job } from "./api/job.ts";
export type { BroadcastStream, ConnectedStreams, RuledStream } from "./api/connected-streams.ts";
export type {
  CoGroup,
  IntervalJoin,
  IntervalJoinOptions,
  JoinOptions,
  JoinStream,
  WindowJoin,
} from "./api/joined-streams.ts";
export type { KeyedStream } from "./api/keyed-stream.ts";
export type { Feedback, KeyByOptions, LateStream, SidedStream, Sink, Stream, TimestampsOptions } from "./api/stream.ts";
export type { UntriggeredWindows, WindowedStream } from "./api/windowed-stream.ts";
export { callback, discard } from "./connectors/callback.ts";
export { file } from "./connectors/file.ts";
export { fromArray, fromArrays, generator } from "./connectors/memory.ts";
export { print } from "./connectors/print.ts";
export { StreamError, errorPolicy, type ErrorCode, type ErrorPolicy } from "./errors.ts";
export { fleet, type FleetOptions } from "./fleet.ts";
export { embedded, type Home } from "./home.ts";
export { nats, type NatsHomeOptions } from "./home-nats.ts";
export type { RefusedRow, SinkGuarantee, SinkIdentity, SinkRow, SinkSpec, SinkWriter } from "./log/sink.ts";
export type {
  ProducerContext,
  PushSource,
  ReplayableSource,
  SourceSpec,
  Split,
  SplitEntry,
  SplitOpening,
  SplitReader,
  SplitTake,
} from "./log/source.ts";
export type { BatchContext, CallContext } from "./operator/calls.ts";
export { average, count, max, min, sum, type Aggregate } from "./operator/aggregates.ts";
export { aggregating } from "./operator/aggregating.ts";
export {
  collect,
  distinct,
  first,
  last,
  maxBy,
  minBy,
  topN,
  variance,
  type VarianceOptions,
} from "./operator/library-aggregates.ts";
export type { ProcessSpec } from "./operator/process.ts";
export { side } from "./operator/sides.ts";
export type { FiredWindow, Windowed } from "./operator/window.ts";
export type { Fire, FireCause, WindowContext, WindowFunctions } from "./operator/window-function.ts";
export {
  ingestionTime,
  monotonic,
  punctuated,
  watermarks,
  type IngestionTime,
  type WatermarkGenerator,
  type WatermarkStrategy,
} from "./operator/watermarks.ts";
export { compile as plan } from "./plan/compile.ts";
export { describeText } from "./plan/describe.ts";
export { describeMermaid } from "./plan/mermaid.ts";
export type { JobOptions } from "./plan/options.ts";
export type { Plan } from "./plan/plan.ts";
export type { ValueCodec } from "./record/codec.ts";
export { defaultCodec } from "./record/default-codec.ts";
export { json } from "./record/json-codec.ts";
export { protobuf } from "./record/protobuf-codec.ts";
export type { Key, KeyPart } from "./record/key.ts";
export { run, start, type JobEnd, type JobHandle, type RestoreFrom, type RunOptions } from "./run.ts";
export type { OtlpOptions, PrometheusOptions, TelemetryOptions } from "./telemetry/options.ts";
export { list, map, reducing, value, type StateOptions } from "./state/descriptors.ts";
export { schema, type Schema, type SchemaOptions } from "./state/schema.ts";
export type { Ttl, TtlOptions } from "./state/ttl.ts";
export { parseDuration, type Duration } from "./time/duration.ts";
export { sliding, tumbling, type FiringWindows, type TimeSpan } from "./window/assigner.ts";
export { dropDelta, keepLast, keepWithin, type Evictor } from "./window/evictor.ts";
export type { TriggerContext, TriggerFunctions, Verdict } from "./window/own-trigger.ts";
export { session } from "./window/session.ts";
export { atEnd, everyCount, everyInterval, never, onDelta, onTime, trigger, type Trigger } from "./window/trigger.ts";
export { countWindow, globalWindow } from "./window/unbounded.ts";
