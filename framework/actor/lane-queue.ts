/**
 * The channels that wait at a lane: those that have records to send.
 *
 * Owns their order and what goes into the next frame. A list, with the mark in the channel: channels come and go with every frame, and the tables of a set that
 * is used like that keep each other alive once one of them is old.
 *
 * LQ1. A channel stands there once, and keeps its place until everything it has is taken.
 */
import type { ChannelOut, Piece } from "./channel-out.ts";

/** How large a frame becomes. */
export interface FrameSizes {
  /** Enough for one. */
  readonly frameBytesTarget: number;
  /** More than one record may make it; a frame that is larger might find no room for ever (R13). */
  readonly frameBytesMax: number;
}

/** The channels that wait at one lane. */
export class LaneQueue {
  readonly #sizes: FrameSizes;
  #channels: ChannelOut[] = [];

  constructor(sizes: FrameSizes) {
    this.#sizes = sizes;
  }

  get isEmpty(): boolean {
    return this.#channels.length === 0;
  }

  /** Bytes of what waits. */
  get bytes(): number {
    let bytes = 0;
    for (const channel of this.#channels) bytes += channel.pendingBytes;
    return bytes;
  }

  /** The channel has records to send (LQ1). */
  add(channel: ChannelOut): void {
    if (channel.isQueued) return;
    channel.isQueued = true;
    this.#channels.push(channel);
  }

  /** What it has not sent will not be. */
  forget(channel: ChannelOut): void {
    if (!channel.isQueued) return;
    channel.isQueued = false;
    this.#channels = this.#channels.filter((queued) => queued !== channel);
  }

  /** Takes what goes into one frame; empty when there is nothing. */
  take(): Piece[] {
    const { frameBytesTarget, frameBytesMax } = this.#sizes;
    const channels = this.#channels;
    const pieces: Piece[] = [];
    let size = 0;
    let served = 0;
    let kept = 0;
    for (; served < channels.length; served += 1) {
      const channel = channels[served] as ChannelOut;
      const isTooMuch = size > 0 && size + channel.nextBytes > frameBytesMax;
      if (size >= frameBytesTarget || isTooMuch) break;
      const before = channel.pendingBytes;
      const piece = channel.take();
      if (piece !== undefined) pieces.push(piece);
      size += before - channel.pendingBytes;
      if (channel.pendingBytes === 0) channel.isQueued = false;
      else channels[kept++] = channel;
    }
    channels.copyWithin(kept, served);
    channels.length -= served - kept;
    return pieces;
  }
}
