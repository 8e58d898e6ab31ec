/**
 * One incarnation's way into a JetStream stream.
 *
 * Owns the place behind the last row: its number and its sequence in the stream.
 *
 * A row's number is stored in the same message as the row, and a message is stored only where it belongs:
 *
 * W1. Every publish says which message must be the last one of the subject: the row before it. The server compares and stores in one step. So the rows of
 *     a subject are a chain; none is stored twice, none behind a gap, whoever publishes and however late a message arrives.
 * W2. Rows go one by one, each when the one before is acknowledged: sending ahead would need the sequence of a row that has none yet, and a row that is
 *     not fenced itself could be stored by a zombie between two of its successor's. Where the stream allows atomic batches (`allow_atomic`, server 2.12), up
 *     to {@link batchRowsMax} rows are stored in one step or not at all, fenced by the first: W1 holds of batches.
 * W3. A claim, and whatever leaves the place unknown (a refusal, a lost acknowledgement), reads the last message of the subject from the stream's leader;
 *     rows up to its number are there. Two incarnations may publish at the same time: a row is the same whoever publishes it, and W1 orders them.
 * W4. A later life of the job takes over from an earlier one and starts at row 1; an earlier one that still publishes is fenced. A message of another
 *     job, of nobody or of another sink is never followed by a row.
 * W5. When the last message is gone (limits, a purge), the snapshot tells up to which number rows had been stored and how far the stream had come by then
 *     (`prepare`). A stream that still begins no later than there has removed no row since: rows go on exactly. One that begins later may have removed
 *     rows behind the snapshot; they are published again then, and a warning says so.
 * W6. A row that is too large is refused by its size alone, before it is published: so it is refused again when it comes again.
 * W7. The row that the subject ends with is the same when it comes again (R11). Another one means that what it was computed from has changed, such as an
 *     inbox that has lost its tail: DIVERGED.
 */
import { nuid, type MsgHdrs } from "@nats-io/nats-core";
import { messageOf, StreamError } from "../errors.ts";
import type { EndHome } from "../log/ends.ts";
import type { RefusedRow, SinkIdentity, SinkRow, SinkWriter } from "../log/sink.ts";
import type { ApiAnswer, JetStreamApi } from "../nats/api.ts";
import { refusals } from "../nats/api-refusal.ts";
import { type ForeignStream, type LastMessage, lastOf } from "../nats/foreign-stream.ts";
import { type SharedLink, shareLink } from "../nats/shared-link.ts";
import { clusterOf, isAway, type JetStreamEnd } from "./jetstream-end.ts";
import { batch, fence, headersOf, identify, type RowId, rowIdOf, writerOf } from "./jetstream-row.ts";
import { findTarget, type JetStreamTarget } from "./jetstream-target.ts";

/** Rows and bytes of one atomic batch; the server takes 1,000 rows. */
const batchRowsMax = 500;
const batchBytesMax = 4 * 1024 * 1024;

/** Room for the headers that come with publishing. */
const envelopeBytes = 1_024;

/** How often in a row the place may turn out to be another one before the sink gives up for now. */
const lookUpsMax = 16;

/** Where a writer stands: `number` is the last row that is stored, `sequence` where the last message of the subject is (0: nowhere). */
interface Place {
  readonly number: number;
  readonly sequence: number;
  /** The row itself, where it has been looked up (W7). */
  readonly row?: Uint8Array | undefined;
}

/** What a snapshot knows (W5): rows up to `number` are stored, and every later one behind `end` of the stream that was created at `created`. */
interface Evidence {
  readonly number: number;
  readonly end: number;
  readonly created: string;
}

interface Limits {
  readonly stream: string;
  readonly rowBytesMax: number;
  readonly allowsBatches: boolean;
}

/** Publishes the rows of one instance. */
export class JetStreamWriter implements SinkWriter {
  readonly #options: JetStreamEnd & JetStreamTarget;
  readonly #identity: SinkIdentity;
  readonly #home: EndHome;
  readonly #subject: string;
  #shared: SharedLink | undefined;
  /** Undefined: it must be looked up (W3). */
  #place: Place | undefined;
  #evidence: Evidence | undefined;
  /** Highest number that is known to have been stored in this life of the job. */
  #highest = 0;
  /** The stream that was found last. */
  #stream: string | undefined;
  #limits: Limits = { stream: "", rowBytesMax: 0, allowsBatches: false };
  /** The server has refused a batch for itself, not for its place: rows go one by one up to the next snapshot. */
  #isBatchRefused = false;
  #isClosed = false;

  constructor(options: JetStreamEnd & JetStreamTarget, identity: SinkIdentity, home: EndHome) {
    this.#options = options;
    this.#identity = identity;
    this.#home = home;
    this.#subject = `${options.subject}.${identity.partition}`;
  }

  recover(listed: readonly Uint8Array[]): Promise<void> {
    const last = listed.at(-1);
    if (last !== undefined) this.#evidence = JSON.parse(Buffer.from(last).toString("utf8")) as Evidence;
    this.#highest = this.#evidence?.number ?? 0;
    return Promise.resolve();
  }

  async write(rows: readonly SinkRow[]): Promise<readonly RefusedRow[]> {
    return this.#patient(async () => {
      const api = await this.#connect();
      if (this.#place === undefined) await this.#claim(api);
      const refused = rows.filter((row) => this.#isTooLarge(row));
      const fitting = rows.filter((row) => !refused.includes(row));
      await this.#publishAll(api, fitting);
      return refused.map((row) => ({
        row,
        reason: `it is too large: a message of stream ${this.#limits.stream} may have ${this.#limits.rowBytesMax} bytes`,
      }));
    });
  }

  /** W5. A server that is away leaves it at what was known before, which stays true. */
  async prepare(): Promise<Uint8Array | undefined> {
    this.#isBatchRefused = false;
    try {
      await this.#patient(async () => this.#claim(await this.#connect()));
    } catch (error) {
      if (!StreamError.is(error, "SINK_UNAVAILABLE")) throw error;
    }
    return this.#evidence === undefined ? undefined : Buffer.from(JSON.stringify(this.#evidence));
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#shared?.release();
  }

  async #connect(): Promise<JetStreamApi> {
    const { subject } = this.#options;
    const home = this.#home;
    this.#shared ??= await shareLink(clusterOf(`jetstream sink ${subject}`, this.#options, home), home.logger);
    if (this.#isClosed) {
      await this.#shared.release();
      throw new StreamError("SINK_UNAVAILABLE", `the writer of ${this.#subject} has been closed`);
    }
    return this.#shared.api;
  }

  /** Runs one call; whatever passes by itself makes the sink unavailable, and the place unknown. */
  async #patient<T>(call: () => Promise<T>): Promise<T> {
    try {
      return await call();
    } catch (error) {
      this.#place = undefined;
      if (!isAway(error)) throw error;
      throw new StreamError("SINK_UNAVAILABLE", `${this.#subject}: ${messageOf(error)}`, { cause: error });
    }
  }

  /** W3. Asks for the stream first: what is stored after that lies behind its end (W5). */
  async #claim(api: JetStreamApi): Promise<void> {
    const stream = await this.#findStream(api);
    const last = await lastOf(api, stream.config.name, this.#subject);
    const id = last === undefined ? undefined : this.#checked(last);
    const isOwn = id !== undefined && this.#isSameLife(id);
    if (!isOwn) this.#sayWhatIsMissing(stream);
    this.#highest = Math.max(this.#highest, isOwn ? id.number : 0);
    const row = isOwn && id.number === this.#highest ? last?.payload : undefined;
    this.#place = { number: this.#highest, sequence: last?.sequence ?? 0, row };
    this.#evidence = { number: this.#highest, end: stream.last, created: stream.created };
  }

  /** A stream that is not as it was when the job started may be put right again. */
  async #findStream(api: JetStreamApi): Promise<ForeignStream> {
    let found: ForeignStream;
    try {
      found = await findTarget(api, { ...this.#options, stream: this.#options.stream ?? this.#stream });
    } catch (error) {
      if (!StreamError.is(error, "SERVER_UNSUITABLE")) throw error;
      this.#stream = undefined;
      throw new StreamError("SINK_UNAVAILABLE", error.message, { cause: error });
    }
    const { name, max_msg_size: bytesMax = -1, allow_atomic: allowsBatches = false } = found.config;
    const payloadMax = this.#shared?.link.connection.info?.max_payload ?? Infinity;
    const rowBytesMax = Math.min(payloadMax, bytesMax > 0 ? bytesMax : Infinity) - envelopeBytes;
    this.#limits = { stream: name, rowBytesMax, allowsBatches };
    this.#stream = name;
    return found;
  }

  /** W4. */
  #checked(last: LastMessage): RowId {
    const id = rowIdOf(last.headers);
    const where = `message ${last.sequence} of stream ${this.#limits.stream}, the last one of ${this.#subject},`;
    const advice = "publish to a subject of the sink's own";
    if (id === undefined) throw new StreamError("OPTION_INVALID", `${where} is not of this job: ${advice}`);
    if (id.job !== this.#identity.job)
      throw new StreamError("OPTION_INVALID", `${where} is of job ${id.job}: ${advice}`);
    if (!this.#isSameLife(id)) {
      if (id.startedMs <= this.#identity.startedMs) return id;
      throw new StreamError("FENCED", `${where} is of a later life of the job (generation ${id.generation})`);
    }
    if (id.writer === writerOf(this.#identity)) return id;
    throw new StreamError(
      "OPTION_INVALID",
      `${where} is of ${id.writer}, and ${writerOf(this.#identity)} publishes there too: ${advice}`,
    );
  }

  #isSameLife({ generation, startedMs }: RowId): boolean {
    return generation === this.#identity.generation && startedMs === this.#identity.startedMs;
  }

  /** W5: the rows of this life are gone, if there were any. An incarnation that knows its place knows what it has published. */
  #sayWhatIsMissing({ first, created }: ForeignStream): void {
    const evidence = this.#evidence;
    if (this.#place !== undefined || evidence === undefined) return;
    if (created === evidence.created && first <= evidence.end + 1) return;
    this.#home.logger.log(
      "warn",
      "the last rows of a sink are gone from its stream: rows since the last snapshot may be in it, or have been, twice",
      {
        subject: this.#subject,
        stream: this.#limits.stream,
        storedUpTo: evidence.number,
        streamEndedAt: evidence.end,
        streamBeginsAt: first,
      },
    );
  }

  async #publishAll(api: JetStreamApi, rows: readonly SinkRow[]): Promise<void> {
    for (let lookUps = 0; lookUps < lookUpsMax; lookUps += 1) {
      const after = this.#place?.number ?? 0;
      this.#compare(rows);
      if (
        await this.#publishBehind(
          api,
          rows.filter(({ number }) => number > after),
        )
      )
        return;
      await this.#claim(api);
    }
    throw new StreamError("SINK_UNAVAILABLE", `others publish to ${this.#subject}, again and again`);
  }

  /** W7. */
  #compare(rows: readonly SinkRow[]): void {
    const { number, sequence, row } = this.#place ?? {};
    const again = row === undefined ? undefined : rows.find((each) => each.number === number);
    if (row === undefined || again === undefined || Buffer.compare(bytesOf(again), row) === 0) return;
    throw new StreamError(
      "DIVERGED",
      `row ${number} of ${this.#subject} is in stream ${this.#limits.stream} at ${sequence} with other bytes (${row.length}, not ${bytesOf(again).length}): what it was computed from has changed`,
    );
  }

  /** Answers whether all is stored; otherwise the place is another one than was thought. */
  async #publishBehind(api: JetStreamApi, rows: readonly SinkRow[]): Promise<boolean> {
    for (let at = 0; at < rows.length;) {
      const count = this.#limits.allowsBatches && !this.#isBatchRefused ? batchLength(rows, at) : 1;
      const some = rows.slice(at, at + count);
      const sequence = this.#place?.sequence ?? 0;
      const answer = await (count === 1
        ? this.#publishOne(api, some, sequence)
        : this.#publishBatch(api, some, sequence));
      if (!this.#isStored(answer, some)) return false;
      at += count;
    }
    return true;
  }

  #isStored(answer: ApiAnswer<{ readonly seq: number }>, rows: readonly SinkRow[]): boolean {
    const number = rows.at(-1)?.number ?? 0;
    if (answer.kind === "done") {
      this.#highest = Math.max(this.#highest, number);
      this.#place = { number, sequence: answer.value.seq };
      return true;
    }
    const { err_code: code, description } = answer.refusal;
    if (code === refusals.wrongLastSequence || code === refusals.wrongLastSequenceUnknown) return false;
    // What is too much at once may go one by one.
    this.#isBatchRefused = rows.length > 1;
    const what = `stream ${this.#limits.stream} does not take row ${number}: ${description} (JetStream ${code})`;
    throw new StreamError("SINK_UNAVAILABLE", what);
  }

  #publishOne(
    api: JetStreamApi,
    [row]: readonly SinkRow[],
    sequence: number,
  ): Promise<ApiAnswer<{ readonly seq: number }>> {
    if (row === undefined) throw new RangeError("no row");
    const made = this.#headers(row, sequence);
    identify(made, this.#identity, row);
    return api.publish(this.#subject, bytesOf(row), made);
  }

  /** W2. The answer comes to the last one; nothing is stored before that. */
  #publishBatch(
    api: JetStreamApi,
    rows: readonly SinkRow[],
    sequence: number,
  ): Promise<ApiAnswer<{ readonly seq: number }>> {
    const id = nuid.next();
    const messages = rows.map((row, at) => {
      const made = this.#headers(row, at === 0 ? sequence : undefined);
      batch(made, id, at + 1, at === rows.length - 1);
      return { payload: bytesOf(row), headers: made };
    });
    return api.publishBatch(this.#subject, messages);
  }

  #headers(row: SinkRow, sequence: number | undefined): MsgHdrs {
    const made = headersOf(this.#identity, row);
    if (sequence !== undefined) fence(made, sequence);
    return made;
  }

  /** W6. */
  #isTooLarge(row: SinkRow): boolean {
    return bytesOf(row).length > this.#limits.rowBytesMax;
  }
}

function bytesOf({ value }: SinkRow): Uint8Array {
  return value as Uint8Array;
}

/** How many of `rows` from `at` on make one batch. */
function batchLength(rows: readonly SinkRow[], at: number): number {
  let count = 0;
  let bytes = 0;
  while (count < batchRowsMax && at + count < rows.length) {
    const row = rows[at + count];
    bytes += row === undefined ? 0 : bytesOf(row).length;
    if (count > 0 && bytes > batchBytesMax) break;
    count += 1;
  }
  return count;
}
