/**
 * Writes into sinks through their contract alone.
 */
import type { SinkIdentity, SinkRow, SinkSpec } from "../../framework/log/sink.ts";

/** An identity that differs from the usual one in `parts`. */
export function identityOf(parts: Partial<SinkIdentity> = {}): SinkIdentity {
  return { job: "test", generation: 1, stage: "averages", partition: 0, sink: "out", epoch: 1, startedMs: 0, ...parts };
}

/** Rows of `values` as the sink takes them, numbered from `first` on. */
export function rowsFor(spec: SinkSpec, values: readonly unknown[], first = 1): readonly SinkRow[] {
  return rowsOf(spec.encode === undefined ? values : values.map((value) => spec.encode?.(value)), first);
}

/** Rows of `values` as they are, numbered from `first` on. */
export function rowsOf(values: readonly unknown[], first = 1): readonly SinkRow[] {
  return values.map((value, at) => ({ number: first + at, value, timestamp: undefined }));
}
