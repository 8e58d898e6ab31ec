/**
 * A JetStream stream as a replayable source of one split.
 *
 * Owns where the split begins and ends, and what makes a message a record; reading, with all that can happen to a stream meanwhile, is
 * `nats/stream-cursor.ts`'s.
 *
 * J1. Positions are the stream's sequences. They are `sparse`: messages may have been deleted from the midst of the stream.
 * J2. Begin and end are sequences in the split's identity, found out when the splits are listed: every worker and every restart reads the same, also before
 *     the first snapshot, and whatever `new` or a time would mean by then.
 * J3. The identity holds the stream's creation time: one that was deleted and created again is another one (SOURCE_CHANGED).
 * J4. What has been removed by retention before it was read is lost, and said to be (DATA_LOST); reading never goes on from "the first available".
 * J5. A server that is away makes the split wait; nothing is lost, nothing comes twice.
 */
import { messageOf, StreamError } from "../errors.ts";
import { checkKnownOptions } from "../known-options.ts";
import type { EndHome } from "../log/ends.ts";
import type { SourceSpec, Split, SplitOpening, SplitReader, SplitTake } from "../log/source.ts";
import { findStream, type ForeignStream, sequenceAt } from "../nats/foreign-stream.ts";
import { afterMs } from "../nats/link.ts";
import { type SharedLink, shareLink } from "../nats/shared-link.ts";
import { type ForeignEntry, StreamCursor } from "../nats/stream-cursor.ts";
import type { ValueCodec } from "../record/codec.ts";
import { defaultCodec } from "../record/default-codec.ts";
import { clusterOf, endOptions, isAway, type JetStreamEnd, withLink } from "./jetstream-end.ts";

/** A message, as `select` gets it. */
export interface JetStreamMessage<T> {
  /** What the codec made of its bytes. */
  readonly value: T;
  readonly subject: string;
  /** Names as they were sent; several values of one name are joined by ", ". */
  readonly headers: ReadonlyMap<string, string>;
  readonly sequence: number;
  /** When the stream stored it, ms since the epoch. */
  readonly storedAtMs: number;
}

/** Options of `jetstream` as a source. */
export interface JetStreamSourceOptions<T, R = T> extends JetStreamEnd {
  /** Name of the stream. It keeps messages by limits alone (retention `limits`), none of them per subject. */
  readonly stream: string;
  readonly subject?: never;
  /**
   * Where the first start of the job begins. `first`: at the first message that is there; `new`: behind the last one; a time (a Date, or ISO 8601 with its
   * zone): at the first message stored then or later; a sequence: there. Restarts go on where the job was.
   * @default "first"
   */
  readonly from?: "first" | "new" | Date | (string & {}) | { readonly sequence: number } | undefined;
  /** `last`: the source ends with the message that is the last one when the job starts. @default it never ends */
  readonly until?: "last" | undefined;
  /** Makes values of the messages' bytes; a message that it refuses becomes a dead letter. @default the default codec */
  readonly codec?: ValueCodec<T> | undefined;
  /**
   * Makes the record of a message, with what comes besides its value. Synchronous and pure; a throw makes the message a dead letter.
   * @default the value
   */
  readonly select?: ((message: JetStreamMessage<T>) => R) | undefined;
}

const knownOptions = ["stream", "from", "until", "codec", "select", ...endOptions];
const rawCharsMax = 1_000;
const retryMsMin = 100;
const retryMsMax = 5_000;

type From = "first" | "new" | Date | { readonly sequence: number };

/** The source. @throws OPTION_INVALID */
export function jetstreamSource<T, R>(options: JetStreamSourceOptions<T, R>): SourceSpec<R> {
  checkKnownOptions(options, knownOptions, "jetstream");
  const { stream, until } = options;
  if (!/^[^\s.*>/\\]+$/.test(stream)) throw invalid(`${JSON.stringify(stream)} is no name of a stream`);
  if (until !== undefined && until !== "last") throw invalid(`until is ${JSON.stringify(until)}; it takes "last"`);
  const from = parseFrom(options.from ?? "first");
  const what = `jetstream source ${stream}`;
  return {
    description: `jetstream(${stream}, from ${textOf(from)}${until === undefined ? "" : ", until last"})`,
    reader: {
      kind: "replayable",
      positions: "sparse",
      storesTimes: true,
      bounded: until !== undefined,
      splits: (home) => withLink(what, options, home, async (link) => [await splitOf(link, stream, from, until)]),
      isSame: (before, now) => extentOf(before).created === extentOf(now).created,
      open: (opening) => Promise.resolve(new JetStreamReader(options as unknown as AnyOptions, opening)),
    },
  };
}

function parseFrom(from: NonNullable<JetStreamSourceOptions<unknown>["from"]>): From {
  if (from === "first" || from === "new") return from;
  if (typeof from === "object" && "sequence" in from) {
    if (Number.isSafeInteger(from.sequence) && from.sequence >= 1) return from;
    throw invalid(`from is sequence ${from.sequence}; sequences are whole numbers from 1 on`);
  }
  const isIso = typeof from !== "string" || /^\d{4}-\d\d-\d\dT.*(Z|[+-]\d\d:?\d\d)$/.test(from);
  const time = new Date(from);
  if (isIso && Number.isFinite(time.getTime())) return time;
  throw invalid(
    `from is ${JSON.stringify(from)}; it takes "first", "new", a Date or 2026-01-31T12:00:00Z, or { sequence }`,
  );
}

function textOf(from: From): string {
  if (from instanceof Date) return from.toISOString();
  return typeof from === "string" ? from : String(from.sequence);
}

function invalid(what: string): StreamError {
  return new StreamError("OPTION_INVALID", `jetstream: ${what}`);
}

/** What the identity of a split says (J2, J3). */
interface Extent {
  readonly created: string;
  readonly first: number;
  /** Undefined: it never ends. */
  readonly last: number | undefined;
}

const identityPattern = /^created (\S+), from (\d+)(?: to (\d+))?$/;

function identityOf({ created, first, last }: Extent): string {
  return `created ${created}, from ${first}${last === undefined ? "" : ` to ${last}`}`;
}

function extentOf({ name, identity }: Split): Extent {
  const [, created, first, last] = identityPattern.exec(identity) ?? [];
  if (created === undefined)
    throw new StreamError(
      "SOURCE_CHANGED",
      `${name}: the job has been reading ${identity}, which is no JetStream stream`,
    );
  return { created, first: Number(first), last: last === undefined ? undefined : Number(last) };
}

async function splitOf(link: SharedLink, stream: string, from: From, until: "last" | undefined): Promise<Split> {
  const found = await findStream(link.api, stream);
  if (found === undefined) {
    const server = link.link.connection.getServer();
    throw new StreamError(
      "SERVER_UNSUITABLE",
      `there is no stream ${stream} at ${server}: create it (nats stream add ${stream}) or name another`,
    );
  }
  checkReadable(found);
  const last = until === undefined ? undefined : found.last;
  return {
    name: stream,
    identity: identityOf({ created: found.created, first: await firstOf(link, found, from), last }),
  };
}

/** S1: reading again must give the same. @throws SERVER_UNSUITABLE */
function checkReadable({ config }: ForeignStream): void {
  const { name, retention, max_msgs_per_subject: perSubject } = config;
  const advice = `let another stream copy it ("sources": [{ "name": "${name}" }]) and read that`;
  if (retention !== "limits")
    throw new StreamError(
      "SERVER_UNSUITABLE",
      `stream ${name} has retention ${retention}: it removes what others have read; ${advice}`,
    );
  if (perSubject > 0)
    throw new StreamError(
      "SERVER_UNSUITABLE",
      `stream ${name} keeps ${perSubject} messages per subject: what has been read could be missing when it must be read again; ${advice}`,
    );
}

async function firstOf({ api }: SharedLink, { config, first, last }: ForeignStream, from: From): Promise<number> {
  if (from === "first") return first;
  if (from === "new") return last + 1;
  if (from instanceof Date) {
    if (from.getTime() > Date.now()) throw invalid(`from is ${from.toISOString()}, which has not come yet`);
    return Math.max(first, await sequenceAt(api, config.name, from));
  }
  if (from.sequence >= first && from.sequence <= last + 1) return from.sequence;
  throw invalid(`from is sequence ${from.sequence}; stream ${config.name} has ${first} to ${last}`);
}

/** The options as the reader sees them: what the codec makes is what `select` takes. */
type AnyOptions = JetStreamSourceOptions<unknown, unknown>;

class JetStreamReader implements SplitReader {
  readonly #options: AnyOptions;
  readonly #codec: ValueCodec;
  readonly #opening: SplitOpening;
  readonly #extent: Extent;
  #shared: SharedLink | undefined;
  #cursor: StreamCursor | undefined;
  #isClosed = false;

  constructor(options: AnyOptions, opening: SplitOpening) {
    this.#options = options;
    this.#codec = this.#options.codec ?? defaultCodec;
    this.#opening = opening;
    this.#extent = extentOf(opening.split);
    void this.#connect(opening.home);
  }

  take(): SplitTake {
    const { last = Infinity } = this.#extent;
    // Also without a server: the end of a bounded split is known.
    if ((this.#cursor?.next ?? this.#begin) > last) return "ended";
    const entry = this.#cursor?.take();
    if (entry !== undefined) return this.#recordOf(entry);
    return this.#cursor?.isAtEnd === true ? "empty" : "waiting";
  }

  close(): void {
    this.#isClosed = true;
    this.#cursor?.close();
    void this.#shared?.release();
  }

  /** First sequence that is to be read. */
  get #begin(): number {
    const { after } = this.#opening;
    return after === undefined ? this.#extent.first : after + 1;
  }

  /** J5: tries until there is a connection. */
  async #connect(home: EndHome): Promise<void> {
    const { stream } = this.#options;
    for (let retryMs = retryMsMin; !this.#isClosed; retryMs = Math.min(2 * retryMs, retryMsMax)) {
      try {
        this.#shared = await shareLink(clusterOf(`jetstream source ${stream}`, this.#options, home), home.logger);
        return this.#read(this.#shared, home);
      } catch (error) {
        if (!isAway(error)) return this.#fail(error);
        const reason = messageOf(error);
        home.logger.log(retryMs === retryMsMin ? "warn" : "debug", "a source waits for its server", { stream, reason });
      }
      await afterMs(retryMs);
    }
  }

  #read(shared: SharedLink, { logger }: EndHome): void {
    if (this.#isClosed) return void shared.release();
    const { stream, select } = this.#options;
    const { created } = this.#extent;
    this.#cursor = new StreamCursor(
      { link: shared.link, api: shared.api, logger, stream, created },
      {
        from: this.#begin,
        withEnvelope: select !== undefined,
        onReadable: () => this.#opening.onReadable(),
        onBroken: (error) => this.#fail(error),
      },
    );
  }

  #fail(error: unknown): void {
    if (!this.#isClosed) this.#opening.onFailed(error);
  }

  #recordOf({ sequence, storedAtMs, payload, envelope }: ForeignEntry): SplitTake {
    try {
      const value = this.#codec.decode(payload);
      const { select } = this.#options;
      if (select === undefined || envelope === undefined) return { position: sequence, value, storedAtMs };
      return { position: sequence, value: select({ value, sequence, storedAtMs, ...envelope }), storedAtMs };
    } catch (error) {
      const raw = Buffer.from(payload).toString("utf8").slice(0, rawCharsMax);
      return { position: sequence, invalid: `message ${sequence}: ${messageOf(error)}`, raw };
    }
  }
}
