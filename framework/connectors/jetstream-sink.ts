/**
 * A sink that publishes rows into a JetStream stream, each stored once.
 *
 * Owns the options and the checks before anything starts; what happens from a claim on is in `jetstream-writer.ts`.
 */
import { messageOf, StreamError } from "../errors.ts";
import { checkKnownOptions } from "../known-options.ts";
import type { SinkSpec } from "../log/sink.ts";
import type { ValueCodec } from "../record/codec.ts";
import { defaultCodec } from "../record/default-codec.ts";
import { endOptions, type JetStreamEnd, withLink } from "./jetstream-end.ts";
import { findTarget, type JetStreamTarget } from "./jetstream-target.ts";
import { JetStreamWriter } from "./jetstream-writer.ts";

/** Options of `jetstream` as a sink. */
export interface JetStreamSinkOptions<T> extends JetStreamEnd, JetStreamTarget {
  /** Rows go to `<subject>.<partition>`, one subject per instance, on which nobody else may publish. */
  readonly subject: string;
  /** Name of the stream that takes them. @default the one that takes `<subject>.*` */
  readonly stream?: string | undefined;
  /** Makes bytes of the rows. Say `json()` when others read them. @default the default codec */
  readonly codec?: ValueCodec<T> | undefined;
}

const knownOptions = ["subject", "stream", "codec", ...endOptions];

/** The sink. @throws OPTION_INVALID */
export function jetstreamSink<T>(options: JetStreamSinkOptions<T>): SinkSpec<T> {
  checkKnownOptions(options, knownOptions, "jetstream");
  const { subject, codec = defaultCodec } = options;
  if (!/^(?!\$)[^\s.*>]+(\.[^\s.*>]+)*$/.test(subject))
    throw new StreamError(
      "OPTION_INVALID",
      `jetstream: ${JSON.stringify(subject)} is no subject to publish to: tokens without wildcards, as in plant.averages`,
    );
  return {
    description: `jetstream(${subject})`,
    name: "jetstream",
    guarantee: "transactional",
    placement: "chained",
    encode: (value) => encoded(codec, value),
    validate: (home) =>
      withLink(`jetstream sink ${subject}`, options, home, async ({ api }) => void (await findTarget(api, options))),
    open: (identity, home) => Promise.resolve(new JetStreamWriter(options, identity, home)),
  };
}

function encoded<T>(codec: ValueCodec<T>, value: T): Uint8Array {
  try {
    return codec.encode(value);
  } catch (error) {
    throw new StreamError("ROW_REFUSED", messageOf(error), { cause: error });
  }
}
