/**
 * Reads a job's dead-letter or late stream as records, each once.
 *
 * Owns nothing but the receiving ends of its channels: (edge, from, number) is the identity of a record there, so repetitions after a crash are dropped
 * like anywhere else (R2).
 */
import type { Log, LogReader } from "../log/contracts.ts";
import type { Plan } from "../plan/plan.ts";
import { decodeMessage, type Frame } from "../record/frame.ts";
import { FollowedChannels } from "./followed-channels.ts";

/** One record of a side stream. */
export interface SideRecord {
  /** Name of the edge: `average.late`, `parse.dead`. */
  readonly edge: string;
  readonly value: unknown;
  readonly timestamp: number | undefined;
}

/** Follows a side stream from its first record still there; answers how to stop. `onRead` is called with each message's sequence when its records are out. */
export function followSideStream(
  log: Log,
  plan: Plan,
  from: number,
  onRecord: (record: SideRecord) => void,
  onRead: (sequence: number) => void = () => undefined,
): () => void {
  let reader: LogReader;
  let isStopped = false;
  const open = (sequence: number) => {
    const channels = new FollowedChannels(sequence === 1);
    const opened = log.read({
      from: sequence,
      onReadable: () => readAll(opened, plan, channels, onRecord, onRead),
      // The stream has dropped its oldest messages before they were read: the channels begin anew with what is there.
      onBroken: ({ first, expected }) => {
        if (!isStopped && first > expected) open(first);
      },
    });
    reader = opened;
  };
  open(from);
  return () => {
    isStopped = true;
    reader.close();
  };
}

function readAll(
  reader: LogReader,
  plan: Plan,
  channels: FollowedChannels,
  onRecord: (record: SideRecord) => void,
  onRead: (sequence: number) => void,
): void {
  for (let entry = reader.take(); entry !== undefined; entry = reader.take()) {
    const { sequence, payload } = entry;
    const message = decodeMessage(payload);
    if (message.kind === "frame") readFrame(message, plan, channels, onRecord);
    onRead(sequence);
  }
}

function readFrame(frame: Frame, plan: Plan, channels: FollowedChannels, onRecord: (record: SideRecord) => void): void {
  for (const section of frame.sections) {
    const skip = channels.accept(section);
    if (skip === undefined) continue;
    const edge = plan.edges[section.edge];
    const { values, timestamps } = section.decode(edge?.codec);
    for (let i = skip; i < section.count; i += 1) {
      const timestamp = timestamps?.[i];
      onRecord({
        edge: edge?.name ?? String(section.edge),
        value: values[i],
        timestamp: Number.isNaN(timestamp) ? undefined : timestamp,
      });
    }
  }
}
