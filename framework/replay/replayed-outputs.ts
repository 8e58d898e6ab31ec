/**
 * What a replayed instance says: kept, by channel and number, and sent nowhere.
 *
 * Owns the records; what a log holds of them is compared elsewhere. Each is kept as bytes: what is compared is what travels.
 */
import type { ChannelOut } from "../actor/channel-out.ts";
import type { FindLane, OutputLane } from "../actor/outputs.ts";
import { invariant } from "../errors.ts";
import type { Plan } from "../plan/plan.ts";
import type { ValueCodec } from "../record/codec.ts";
import { defaultCodec } from "../record/default-codec.ts";
import { decodeMessage, encodeFrame, type Section } from "../record/frame.ts";

/** One record that has been said. */
export interface ReplayedRecord {
  /** The value, in the codec of its edge. */
  readonly bytes: Uint8Array;
  /** NaN where it has none. */
  readonly timestamp: number;
  /** The message whose turn said it. */
  readonly position: number;
}

/** One channel: the records from number `first` on. */
export interface ReplayedChannel {
  readonly edge: number;
  readonly to: number;
  readonly first: number;
  readonly records: ReplayedRecord[];
}

/** A value as it is compared and shown: the bytes of the edge's codec. */
export function valueBytes(codec: ValueCodec | undefined, value: unknown): Uint8Array {
  return (codec ?? defaultCodec).encode(value);
}

/** Everything that a replayed instance has said. */
export class ReplayedOutputs {
  readonly channels = new Map<string, ReplayedChannel>();
  readonly #plan: Plan;
  readonly #lanes = new Map<string, KeepingLane>();
  /** The message whose turn it is. */
  position = 0;

  constructor(plan: Plan) {
    this.#plan = plan;
  }

  /** Lanes for {@link import("../actor/outputs.ts").Outputs}. */
  readonly findLane: FindLane = (to, partition) => {
    const name = `${to}/${partition}`;
    const lane = this.#lanes.get(name) ?? new KeepingLane((into, section) => this.#keep(into, section));
    this.#lanes.set(name, lane);
    return lane;
  };

  /** Records said so far. */
  get count(): number {
    let count = 0;
    for (const { records } of this.channels.values()) count += records.length;
    return count;
  }

  /** The channel of an edge into a partition, if something has been said there. */
  channel(edge: number, to: number): ReplayedChannel | undefined {
    return this.channels.get(`${edge}/${to}`);
  }

  #keep(to: number, section: Section): void {
    const { edge, first } = section;
    const codec = this.#plan.edges[edge]?.codec;
    const { values, timestamps } = section.decode(codec);
    const known = this.channel(edge, to);
    const channel = known ?? { edge, to, first, records: [] };
    if (known === undefined) this.channels.set(`${edge}/${to}`, channel);
    const { position } = this;
    for (const [at, value] of values.entries())
      channel.records.push({ bytes: valueBytes(codec, value), timestamp: timestamps?.[at] ?? Number.NaN, position });
  }
}

/** A lane that sends nothing: every frame counts as acknowledged as soon as it is made. */
class KeepingLane implements OutputLane {
  readonly hasRoom = true;
  readonly isFilling = false;
  readonly #onSection: (to: number, section: Section) => void;
  #pending: ChannelOut[] = [];

  constructor(onSection: (to: number, section: Section) => void) {
    this.#onSection = onSection;
  }

  onPending(channel: ChannelOut): void {
    this.#pending.push(channel);
  }

  offer(): void {
    const pending = this.#pending;
    this.#pending = [];
    for (const channel of pending) this.#take(channel);
  }

  forget(): void {
    this.#pending = [];
  }

  join(): void {}

  leave(): void {}

  #take(channel: ChannelOut): void {
    for (let piece = channel.take(); piece !== undefined; piece = channel.take()) {
      const message = decodeMessage(encodeFrame([piece]));
      invariant(message.kind === "frame", "a frame is a frame");
      for (const section of message.sections) this.#onSection(channel.identity.to, section);
      channel.recycle(piece);
      channel.acknowledge();
    }
  }
}
