/**
 * What the server says of a stream, as the state of a log.
 */
import type { LogState } from "../log/contracts.ts";
import { msOf } from "./stored-message.ts";
import { logConfigOf } from "./stream-config.ts";
import type { StreamDescription } from "./streams.ts";

/** The state of a log, from what the server says of its stream. */
export function logStateOf(stream: StreamDescription): LogState {
  const { config, state, created } = stream;
  return {
    name: config.name,
    createdMs: msOf(created),
    // A stream that never held anything says 0.
    first: Math.max(1, state.first_seq),
    last: state.last_seq,
    bytes: state.bytes,
    config: logConfigOf(config),
  };
}
