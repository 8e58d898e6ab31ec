/**
 * What the logs of a job hold of an instance's outputs, compared with what a replay of it has said.
 *
 * Owns the comparison. Every repetition in a log is compared, too: all incarnations of an instance say the same bytes under the same number (R1).
 *
 * C1. A record that its reader has trimmed, or that is not there yet, is no difference. One missing between two that are there is, if the instance's own snapshot
 *     rests on it (H1); a later one is on its way: a lane sends again what was lost, behind what was not.
 * C2. What the snapshot of its reader rests on may have been trimmed, though something earlier is there: an incarnation that went late may have said that again,
 *     behind what was trimmed.
 */
import type { Logs } from "../log/contracts.ts";
import type { JobNames } from "../log/names.ts";
import type { Edge, Plan } from "../plan/plan.ts";
import { StreamError } from "../errors.ts";
import { defaultCodec } from "../record/default-codec.ts";
import { decodeMessage, type Section } from "../record/frame.ts";
import type { InstanceId } from "../record/messages.ts";
import { valueBytes, type ReplayedChannel, type ReplayedOutputs } from "./replayed-outputs.ts";

/** A record that is not what it was. */
export interface OutputDifference {
  readonly kind: "different" | "missing";
  /** Name of the edge, the partition it goes into, and the number there. */
  readonly edge: string;
  readonly to: number;
  readonly number: number;
  /** The message of the input whose turn said it in the replay. */
  readonly position: number;
  /** The message of the log that holds it; 0: none does. */
  readonly sequence: number;
  readonly epoch: number;
  readonly replayed: ComparedRecord;
  /** Undefined where it is missing. */
  readonly logged: ComparedRecord | undefined;
}

/** One side of a difference. */
export interface ComparedRecord {
  readonly value: unknown;
  readonly timestamp: number | undefined;
}

/** What a comparison has come to. */
export interface Comparison {
  /** Records of the replay that a log holds. */
  readonly compared: number;
  /** … that their readers have trimmed since … */
  readonly trimmed: number;
  /** … and that are not there yet. */
  readonly pending: number;
  /** The one that the replay said first. */
  readonly difference: OutputDifference | undefined;
  readonly differences: number;
}

/** What rests on a record: until then it must be in its log. */
export interface Rest {
  /** The message up to which the instance's own snapshot has read: what was said up to there must be there. */
  readonly settledTo: number;
  /** The last number of a channel on which the snapshot of its reader rests (C2); 0: none does. */
  readonly readTo: (edge: number, to: number) => Promise<number>;
}

/** Compares everything that instance `id` has said in `outputs` with the logs. @throws NOT_FOUND, CORRUPT, UNAVAILABLE */
export async function compareOutputs(
  logs: Logs,
  plan: Plan,
  names: JobNames,
  id: InstanceId,
  outputs: ReplayedOutputs,
  { settledTo, readTo }: Rest,
): Promise<Comparison> {
  const found = new Found(plan, id, outputs);
  const wanted = new Map<string, number>();
  for (const { edge, to } of outputs.channels.values()) wanted.set(logOf(plan, names, edge, to), to);
  for (const [name, to] of wanted) await scan(logs, name, (sequence, section) => found.take(sequence, to, section));
  // Asked when the logs have been read: what was trimmed before is behind that.
  const floors = new Map<ReplayedChannel, number>();
  for (const channel of outputs.channels.values()) floors.set(channel, await readTo(channel.edge, channel.to));
  return found.comparison(settledTo, floors);
}

function logOf(plan: Plan, names: JobNames, edge: number, to: number): string {
  const target = plan.edges[edge]?.to ?? "dead";
  if (target === "dead") return names.deadLetters;
  return target === "late" ? names.late : names.inbox(plan.stages[target]?.name ?? "", to);
}

/** Reads a log to where it ends at the moment; what is trimmed meanwhile is passed over. */
async function scan(logs: Logs, name: string, onSection: (sequence: number, section: Section) => void): Promise<void> {
  const log = await logs.open(name);
  const { first, last } = await log.info();
  let from = first;
  while (from <= last) {
    from = await new Promise<number>((resolve, reject) => {
      const reader = log.read({
        from,
        onReadable: () => {
          for (let entry = reader.take(); entry !== undefined; entry = reader.take()) {
            try {
              const message = decodeMessage(entry.payload);
              if (message.kind === "frame") for (const section of message.sections) onSection(entry.sequence, section);
            } catch (error) {
              reader.close();
              return reject(StreamError.from(error, "CORRUPT", `${name}, message ${entry.sequence}`));
            }
            if (entry.sequence < last) continue;
            reader.close();
            return resolve(entry.sequence + 1);
          }
        },
        onBroken: (reason) => {
          if (reason.createdMs === log.createdMs && reason.first > reason.expected) return resolve(reason.first);
          reject(new StreamError("DATA_LOST", `${name} is not the log it was: it has been created anew, or shortened`));
        },
      });
    });
  }
}

/** Numbers of one channel that a log holds. */
interface Seen {
  readonly channel: ReplayedChannel;
  readonly isSeen: boolean[];
}

class Found {
  readonly #plan: Plan;
  readonly #id: InstanceId;
  readonly #outputs: ReplayedOutputs;
  readonly #seen = new Map<ReplayedChannel, Seen>();
  #difference: OutputDifference | undefined;
  #differences = 0;

  constructor(plan: Plan, id: InstanceId, outputs: ReplayedOutputs) {
    this.#plan = plan;
    this.#id = id;
    this.#outputs = outputs;
    for (const channel of outputs.channels.values()) this.#seen.set(channel, { channel, isSeen: [] });
  }

  /** A section that a log holds. @throws CORRUPT */
  take(sequence: number, to: number, section: Section): void {
    const edge = this.#plan.edges[section.edge];
    if (edge === undefined || edge.from !== this.#id.stage || section.from !== this.#id.partition) return;
    const channel = this.#outputs.channel(section.edge, to);
    if (channel === undefined) return;
    const { values, timestamps } = section.decode(edge.codec);
    for (const [at, value] of values.entries())
      this.#compare(channel, edge, section.first + at, {
        sequence,
        epoch: section.epoch,
        value,
        timestamp: timestamps?.[at],
      });
  }

  comparison(settledTo: number, floors: ReadonlyMap<ReplayedChannel, number>): Comparison {
    let compared = 0;
    let trimmed = 0;
    let pending = 0;
    for (const { channel, isSeen } of this.#seen.values()) {
      const first = isSeen.indexOf(true);
      const last = isSeen.lastIndexOf(true);
      if (first === -1) {
        // Nothing of it is left: its reader has passed it, or nothing has arrived. Nobody can say which.
        trimmed += channel.records.length;
        continue;
      }
      trimmed += first;
      pending += channel.records.length - 1 - last;
      const floor = floors.get(channel) ?? 0;
      for (let at = first; at <= last; at += 1) {
        if (isSeen[at] === true) compared += 1;
        else if (channel.first + at <= floor) trimmed += 1;
        else if ((channel.records[at]?.position ?? 0) <= settledTo) this.#missing(channel, at);
        else pending += 1;
      }
    }
    return { compared, trimmed, pending, difference: this.#difference, differences: this.#differences };
  }

  #compare(
    channel: ReplayedChannel,
    edge: Edge,
    number: number,
    logged: { readonly sequence: number; readonly epoch: number } & ComparedRecord,
  ): void {
    const at = number - channel.first;
    const replayed = channel.records[at];
    const seen = this.#seen.get(channel);
    if (replayed === undefined || seen === undefined) return;
    seen.isSeen[at] = true;
    const isSame =
      Object.is(replayed.timestamp, logged.timestamp ?? Number.NaN) &&
      Buffer.compare(replayed.bytes, valueBytes(edge.codec, logged.value)) === 0;
    if (isSame) return;
    const { sequence, epoch, value, timestamp } = logged;
    this.#note(channel, at, { kind: "different", sequence, epoch, logged: { value, timestamp: timeOf(timestamp) } });
  }

  #missing(channel: ReplayedChannel, at: number): void {
    this.#note(channel, at, { kind: "missing", sequence: 0, epoch: 0, logged: undefined });
  }

  #note(
    channel: ReplayedChannel,
    at: number,
    what: Pick<OutputDifference, "kind" | "sequence" | "epoch" | "logged">,
  ): void {
    const edge = this.#plan.edges[channel.edge];
    const record = channel.records[at];
    if (edge === undefined || record === undefined) return;
    this.#differences += 1;
    if (this.#difference !== undefined && this.#difference.position <= record.position) return;
    const value = edge.codec === undefined ? defaultCodec.decode(record.bytes) : edge.codec.decode(record.bytes);
    this.#difference = {
      ...what,
      edge: edge.name,
      to: channel.to,
      number: channel.first + at,
      position: record.position,
      replayed: { value, timestamp: timeOf(record.timestamp) },
    };
  }
}

function timeOf(timestamp: number | undefined): number | undefined {
  return timestamp === undefined || Number.isNaN(timestamp) ? undefined : timestamp;
}
