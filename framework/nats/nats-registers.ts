/**
 * Registers on a KV bucket, readable with any NATS tool.
 *
 * Owns the bucket's subjects. Writes carry the revision they replace, and the stream's leader decides; reads ask the leader too.
 *
 * B1. Every write is a compare-and-set. A loser gets `conflict`; a write without an answer throws, and may have been stored.
 * B2. Registers of several copies are open when the one that leads them answers: the stream may be there before its leader is elected.
 */
import { headers } from "@nats-io/nats-core";
import { invariant } from "../errors.ts";
import type { Registered, RegisterResult, Registers } from "../log/contracts.ts";
import { appendRefusal, refusalError, refusals } from "./api-refusal.ts";
import { throughElection } from "./in-election.ts";
import { apiPrefixOfServer } from "./link.ts";
import { bytesOf, type StoredMessage } from "./stored-message.ts";
import { bucketStream } from "./stream-config.ts";
import type { Streams } from "./streams.ts";

const expectedRevision = "Nats-Expected-Last-Subject-Sequence";

/** A key that is asked for to see whether somebody answers. */
const anyKey = "job";

/** Keys as KV clients allow them. */
const keyPattern = /^[-/_=a-zA-Z0-9]+(\.[-/_=a-zA-Z0-9]+)*$/;

/** Opens the registers in `bucket`; creates it when absent. */
export async function openRegisters(streams: Streams, bucket: string): Promise<NatsRegisters> {
  const config = bucketStream(bucket);
  await streams.create(config);
  const registers = new NatsRegisters(streams, config.name, `$KV.${bucket}.`);
  if (streams.isReplicated) await throughElection(true, () => registers.get(anyKey));
  return registers;
}

/** Whether the bucket exists. */
export async function hasBucket(streams: Streams, bucket: string): Promise<boolean> {
  return (await streams.find(bucketStream(bucket).name)) !== undefined;
}

/** The registers of one job. */
export class NatsRegisters implements Registers {
  readonly #streams: Streams;
  readonly #stream: string;
  readonly #subjectPrefix: string;
  /** Where it is written to: between domains and accounts, values of buckets pass with calls of the API alone. */
  readonly #writePrefix: string;

  constructor(streams: Streams, stream: string, subjectPrefix: string) {
    const { api } = streams;
    this.#writePrefix = api.link.apiPrefix === apiPrefixOfServer ? subjectPrefix : api.subjectOf(subjectPrefix);
    this.#streams = streams;
    this.#stream = stream;
    this.#subjectPrefix = subjectPrefix;
  }

  async get(key: string): Promise<Registered | undefined> {
    const query = { last_by_subj: this.#subjectOf(key) };
    const answer = await this.#streams.api.ask<{ readonly message: StoredMessage }>(
      `STREAM.MSG.GET.${this.#stream}`,
      query,
    );
    if (answer.kind === "done") {
      const { data, seq } = answer.value.message;
      return { value: bytesOf(data ?? ""), revision: seq };
    }
    if (answer.refusal.err_code === refusals.messageNotFound) return undefined;
    throw refusalError(`register ${key}`, answer.refusal);
  }

  create(key: string, value: Uint8Array): Promise<RegisterResult> {
    return this.#compareAndSet(key, value, 0);
  }

  update(key: string, value: Uint8Array, revision: number): Promise<RegisterResult> {
    return this.#compareAndSet(key, value, revision);
  }

  async list(prefix: string): Promise<readonly string[]> {
    const subjects = await this.#streams.subjects(this.#stream, `${this.#subjectPrefix}>`);
    return subjects.map((subject) => subject.slice(this.#subjectPrefix.length)).filter((key) => key.startsWith(prefix));
  }

  async delete(key: string): Promise<void> {
    await this.#streams.purge(this.#stream, { filter: this.#subjectOf(key) });
  }

  async #compareAndSet(key: string, value: Uint8Array, revision: number): Promise<RegisterResult> {
    const condition = headers();
    condition.set(expectedRevision, String(revision));
    // The client sends after this task; the caller may reuse its buffer before a reconnect is through.
    const subject = this.#writePrefix + checkKey(key);
    const answer = await this.#streams.api.publish(subject, new Uint8Array(value), condition);
    if (answer.kind === "done") return { kind: "written", revision: answer.value.seq };
    const { err_code: code } = answer.refusal;
    if (code === refusals.wrongLastSequence || code === refusals.wrongLastSequenceUnknown) return { kind: "conflict" };
    throw appendRefusal(`register ${key}`, answer.refusal);
  }

  #subjectOf(key: string): string {
    return this.#subjectPrefix + checkKey(key);
  }
}

function checkKey(key: string): string {
  invariant(
    keyPattern.test(key),
    `register ${JSON.stringify(key)}: tokens of letters, digits and -/_= with dots between`,
  );
  return key;
}
