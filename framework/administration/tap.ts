/**
 * An edge of a job, watched by somebody who is no part of it: with ordinary readers of the inboxes that it leads into.
 *
 * Owns the readers. The job does not notice: nothing is written, and nothing waits for who watches.
 *
 * T1. Each record is told once, in the order of its channel, as its receiver takes it (R2); with `repeats` also what the receiver drops.
 * T2. Who watches from the middle, or falls behind what the job trims, goes on with what is there, and says what it has missed.
 */
import { FollowedChannels } from "../actor/followed-channels.ts";
import { StreamError, messageOf } from "../errors.ts";
import type { Entry, Log, LogReader, ReadBroken } from "../log/contracts.ts";
import { JobNames } from "../log/names.ts";
import { edgesIn, stagesIn, type WrittenEdge } from "../plan/plan-text.ts";
import type { Plan } from "../plan/plan.ts";
import type { ValueCodec } from "../record/codec.ts";
import { decodeMessage, type Section } from "../record/frame.ts";
import { json } from "../record/json-codec.ts";
import { findJob, type Administrator } from "./administrator.ts";
import { checkSamePlan } from "./same-plan.ts";

/** What is watched, and from where on. */
export interface TapOptions {
  /** Name of the edge, as `tidemark plan` prints it: `readings.average`; `average.dead` and `average.late` are edges, too. */
  readonly edge: string;
  /** `now`: what comes from here on. `start`: what the inboxes still hold, too. */
  readonly from: "now" | "start";
  /** Only what goes into this partition. @default all */
  readonly partition?: number | undefined;
  /** Also what a receiver drops, because it has been said before. @default false */
  readonly repeats?: boolean | undefined;
  /** The program's plan, for edges with a codec of their own. @default none: default codec and JSON are read without */
  readonly plan?: Plan | undefined;
}

/** One record on its way over the edge. */
export interface TappedRecord {
  readonly edge: string;
  /** Partition (of a source stage: split) that it comes from, and that it goes into. */
  readonly from: number;
  readonly to: number;
  /** Its number in the channel (R1), and the epoch of who said it. */
  readonly number: number;
  readonly epoch: number;
  /** The message of the inbox that it came with, and when that was stored, ms since the epoch. */
  readonly sequence: number;
  readonly storedAtMs: number;
  readonly timestamp: number | undefined;
  readonly value: unknown;
  /** The receiver drops it: it has been said before, or by an incarnation that is void. */
  readonly isRepeated: boolean;
}

/** Whom the tap tells. */
export interface TapEvents {
  onRecord(record: TappedRecord): void;
  /** Messages of partition `to` were gone before they could be read, or are unreadable; the tap goes on. */
  onMissed(to: number, what: string): void;
}

/** Watches an edge of job `job`; answers how to stop. @throws NOT_FOUND, OPTION_INVALID, JOB_MISMATCH */
export async function openTap(
  administrator: Administrator,
  job: string,
  options: TapOptions,
  events: TapEvents,
): Promise<() => void> {
  const { record } = await findJob(administrator, job);
  if (options.plan !== undefined) checkSamePlan(record, options.plan);
  const edge = findEdge(record.plan, options.edge);
  const codec = codecOf(edge, options.plan);
  const names = new JobNames(job, record.generation);
  const logs = await Promise.all(
    logsOf(edge, record.plan, names, options).map(async ({ to, name }) => ({
      to,
      log: await administrator.seams.logs.open(name),
    })),
  );
  const taps = logs.map(({ to, log }) => new LogTap(log, to, edge, codec, options.repeats === true, events));
  await Promise.all(taps.map((tap) => tap.open(options.from)));
  return () => {
    for (const tap of taps) tap.close();
  };
}

function findEdge(plan: string, name: string): WrittenEdge {
  const edges = edgesIn(plan);
  const found = edges.find((edge) => edge.name === name);
  if (found !== undefined) return found;
  const known = edges.map((edge) => edge.name).join(", ");
  throw new StreamError("OPTION_INVALID", `there is no edge ${JSON.stringify(name)}: the job has ${known}`);
}

function codecOf({ index, name, codec }: WrittenEdge, plan: Plan | undefined): ValueCodec | undefined {
  if (plan !== undefined) return plan.edges[index]?.codec;
  if (codec === undefined || codec === "default") return undefined;
  if (codec === "json") return json();
  throw new StreamError(
    "OPTION_INVALID",
    `records of ${name} travel as ${codec}, which only the program can read: add --program FILE`,
  );
}

function logsOf(
  { name, to }: WrittenEdge,
  plan: string,
  names: JobNames,
  { partition }: TapOptions,
): readonly { readonly to: number; readonly name: string }[] {
  if (to === "dead") return [{ to: 0, name: names.deadLetters }];
  if (to === "late") return [{ to: 0, name: names.late }];
  const count = stagesIn(plan).find((stage) => stage.name === to.stage)?.partitions ?? 0;
  const all = Array.from({ length: count }, (_, at) => ({ to: at, name: names.inbox(to.stage, at) }));
  if (partition === undefined) return all;
  const only = all[partition];
  if (only !== undefined) return [only];
  throw new StreamError(
    "OPTION_INVALID",
    `partition ${partition} of edge ${name}: ${to.stage} has partitions 0 to ${count - 1}`,
  );
}

/** The tap on one log. */
class LogTap {
  readonly #log: Log;
  readonly #to: number;
  readonly #edge: WrittenEdge;
  readonly #codec: ValueCodec | undefined;
  readonly #withRepeats: boolean;
  readonly #events: TapEvents;
  #channels = new FollowedChannels();
  #reader: LogReader | undefined;

  constructor(
    log: Log,
    to: number,
    edge: WrittenEdge,
    codec: ValueCodec | undefined,
    withRepeats: boolean,
    events: TapEvents,
  ) {
    this.#log = log;
    this.#to = to;
    this.#edge = edge;
    this.#codec = codec;
    this.#withRepeats = withRepeats;
    this.#events = events;
  }

  async open(from: TapOptions["from"]): Promise<void> {
    const { first, last } = await this.#log.info();
    this.#read(from === "now" ? last + 1 : first);
  }

  close(): void {
    this.#reader?.close();
  }

  #read(from: number): void {
    const reader = this.#log.read({
      from,
      onReadable: () => this.#take(reader),
      onBroken: (reason) => this.#broken(reason),
    });
    this.#reader = reader;
  }

  /** T2: what the job has trimmed is not waited for. */
  #broken({ expected, first, last, createdMs }: ReadBroken): void {
    if (createdMs !== this.#log.createdMs || last + 1 < expected) {
      this.#events.onMissed(
        this.#to,
        `${this.#log.name} is not the log it was: it has been created anew, or shortened`,
      );
      return;
    }
    this.#events.onMissed(this.#to, `messages ${expected} to ${first - 1} were trimmed before they were read`);
    this.#channels = new FollowedChannels();
    this.#read(first);
  }

  #take(reader: LogReader): void {
    for (let entry = reader.take(); entry !== undefined; entry = reader.take()) {
      try {
        this.#tell(entry);
      } catch (error) {
        this.#events.onMissed(this.#to, `message ${entry.sequence} cannot be read: ${messageOf(error)}`);
      }
    }
  }

  #tell(entry: Entry): void {
    const message = decodeMessage(entry.payload);
    if (message.kind !== "frame") return;
    for (const section of message.sections) {
      if (section.edge !== this.#edge.index) continue;
      const skip = this.#channels.accept(section) ?? section.count;
      if (this.#withRepeats || skip < section.count) this.#tellSection(section, skip, entry);
    }
  }

  #tellSection(section: Section, skip: number, { sequence, storedAtMs }: Entry): void {
    const { from, first, epoch } = section;
    const { values, timestamps } = section.decode(this.#codec);
    for (let at = this.#withRepeats ? 0 : skip; at < values.length; at += 1) {
      const timestamp = timestamps?.[at];
      this.#events.onRecord({
        edge: this.#edge.name,
        from,
        to: this.#to,
        number: first + at,
        epoch,
        sequence,
        storedAtMs,
        timestamp: Number.isNaN(timestamp) ? undefined : timestamp,
        value: values[at],
        isRepeated: at < skip,
      });
    }
  }
}
