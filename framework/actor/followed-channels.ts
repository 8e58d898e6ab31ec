/**
 * The receiving ends of channels that somebody follows from the middle: a reader of a side stream, or of an edge of a running job.
 *
 * R2. (edge, from, number) is the identity of a record in a log, so what is said a second time is recognised. Who begins in the middle takes the first
 *     section that it sees of a channel as the channel's beginning; whoever reads a log from its very first message on does not: there a first section with
 *     a later number has overtaken the one before it, and comes again behind it.
 */
import { ChannelIn, decideReceive } from "../protocol/receive.ts";
import type { SectionHeader } from "../record/section.ts";

/** The channels of one log. */
export class FollowedChannels {
  readonly #channels = new Map<string, ChannelIn>();
  readonly #isWhole: boolean;

  /** @param isWhole the log is read from its very first message on */
  constructor(isWhole = false) {
    this.#isWhole = isWhole;
  }

  /** Takes note of a section; answers how many of its records have been seen before, or undefined when none of them is to be read. */
  accept(section: SectionHeader): number | undefined {
    const channel = this.#channel(section);
    const decision = decideReceive(channel, section);
    if (section.epoch > channel.epoch) channel.epoch = section.epoch;
    if (decision.kind !== "accept") return undefined;
    channel.last = section.first + section.count - 1;
    return decision.skip;
  }

  #channel({ edge, from, first }: SectionHeader): ChannelIn {
    const key = `${edge}/${from}`;
    const known = this.#channels.get(key);
    if (known !== undefined) return known;
    const channel = new ChannelIn();
    if (!this.#isWhole) channel.last = first - 1;
    this.#channels.set(key, channel);
    return channel;
  }
}
