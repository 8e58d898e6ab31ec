/**
 * Blobs on a stream with one subject per chunk, one message each.
 *
 * Owns the mapping of names to subjects. (An object store splits chunk and description into two messages, and waits for ever for chunks that are gone.)
 *
 * O1. A chunk is written once: the write expects that its subject has no message.
 * O2. A chunk that a replica does not have is asked for at the leader before it counts as absent.
 */
import { headers } from "@nats-io/nats-core";
import { invariant, StreamError } from "../errors.ts";
import { blobBytesMax, type Blobs } from "../log/contracts.ts";
import { appendRefusal, refusalError, refusals } from "./api-refusal.ts";
import { bytesOf, plainBytes, type StoredMessage } from "./stored-message.ts";
import { chunkStream, subjectOf } from "./stream-config.ts";
import type { Streams } from "./streams.ts";

/** Names are subjects: tokens with dots between. */
const namePattern = /^[-/_=a-zA-Z0-9]+(\.[-/_=a-zA-Z0-9]+)*$/;

/** Opens the chunks in `stream`; creates it when absent. */
export async function openBlobs(streams: Streams, stream: string): Promise<NatsBlobs> {
  await streams.create(chunkStream(stream));
  return new NatsBlobs(streams, stream);
}

/** The chunks of one generation of a job. */
export class NatsBlobs implements Blobs {
  readonly #streams: Streams;
  readonly #stream: string;
  readonly #subjectPrefix: string;

  constructor(streams: Streams, stream: string) {
    this.#streams = streams;
    this.#stream = stream;
    this.#subjectPrefix = `${subjectOf(stream)}.`;
  }

  async put(name: string, bytes: Uint8Array): Promise<void> {
    invariant(bytes.length <= blobBytesMax, `blob ${name} has ${bytes.length} bytes; the limit is ${blobBytesMax}`);
    const copy = new Uint8Array(bytes);
    const once = headers();
    once.set("Nats-Expected-Last-Subject-Sequence", "0");
    const answer = await this.#streams.api.publish(this.#subjectOf(name), copy, once);
    if (answer.kind === "done") return;
    const { err_code: code } = answer.refusal;
    if (code !== refusals.wrongLastSequence && code !== refusals.wrongLastSequenceUnknown) {
      throw appendRefusal(`blob ${name}`, answer.refusal);
    }
    await this.#checkSame(name, copy);
  }

  async get(name: string): Promise<Uint8Array | undefined> {
    const query = Buffer.from(JSON.stringify({ last_by_subj: this.#subjectOf(name) }));
    const { api } = this.#streams;
    const message = await api.exchange(api.subjectOf(`DIRECT.GET.${this.#stream}`), query);
    const isThere = (message.headers?.code ?? 0) === 0;
    return isThere ? plainBytes(message.data) : this.#getFromLeader(name);
  }

  delete(name: string): Promise<void> {
    return this.#streams.purge(this.#stream, { filter: this.#subjectOf(name) });
  }

  async list(prefix: string): Promise<readonly string[]> {
    const subjects = await this.#streams.subjects(this.#stream, `${this.#subjectPrefix}>`);
    return subjects
      .map((subject) => subject.slice(this.#subjectPrefix.length))
      .filter((name) => name.startsWith(prefix));
  }

  async #getFromLeader(name: string): Promise<Uint8Array | undefined> {
    const query = { last_by_subj: this.#subjectOf(name) };
    const answer = await this.#streams.api.ask<{ readonly message: StoredMessage }>(
      `STREAM.MSG.GET.${this.#stream}`,
      query,
    );
    if (answer.kind === "done") return bytesOf(answer.value.message.data ?? "");
    if (answer.refusal.err_code === refusals.messageNotFound) return undefined;
    throw refusalError(`blob ${name}`, answer.refusal);
  }

  async #checkSame(name: string, bytes: Uint8Array): Promise<void> {
    const there = await this.get(name);
    // Of several copies the first may be proposed and not stored: it keeps the second one out until it is known what becomes of it.
    if (there === undefined) throw new StreamError("UNAVAILABLE", `blob ${name} is on its way, and not stored yet`);
    if (Buffer.compare(there, bytes) === 0) return;
    throw new StreamError("CORRUPT", `blob ${name} exists with other bytes (${there.length}, not ${bytes.length})`);
  }

  #subjectOf(name: string): string {
    invariant(
      namePattern.test(name),
      `blob ${JSON.stringify(name)}: tokens of letters, digits and -/_= with dots between`,
    );
    return this.#subjectPrefix + name;
  }
}
