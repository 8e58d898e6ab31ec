/**
 * A worker's way of putting controls into inboxes: fences, ticks and watermarks, past the data lanes.
 *
 * Owns one patient writer per inbox, and for watermarks a slot per (edge, inbox) that holds only the newest.
 *
 * R13. A supervisor keeps at most a few controls behind the position the receiver has reported; a fence is never skipped: when the inbox has no
 * room for it, the inbox is made larger by 1 MiB and that is logged.
 */
import { messageOf } from "../errors.ts";
import type { Log } from "../log/contracts.ts";
import type { Platform } from "../platform/platform.ts";
import { fenceReserveBytes } from "../plan/reserve.ts";
import { mayAppendControl } from "../protocol/room.ts";
import { encodeControl } from "../record/frame.ts";
import type { InstanceId, WatermarkControl } from "../record/messages.ts";
import { LogWriter } from "./log-writer.ts";

interface Inbox {
  readonly writer: Promise<LogWriter>;
  /** Sequences of watermarks that the receiver has not reported past. */
  unread: number[];
  readonly slots: Map<number, Slot>;
}

interface Slot {
  wanted: WatermarkControl;
  sent: WatermarkControl | undefined;
  isInFlight: boolean;
  /** Told when the wanted control, or a newer one, is stored. */
  onStored: (() => void)[];
}

/** Sends controls into inboxes. */
export class ControlSender {
  readonly #platform: Platform;
  readonly #openInbox: (stage: number, partition: number) => Promise<Log>;
  readonly #inboxes = new Map<string, Inbox>();
  #isClosed = false;

  constructor(platform: Platform, openInbox: (stage: number, partition: number) => Promise<Log>) {
    this.#platform = platform;
    this.#openInbox = openInbox;
  }

  /** Appends a fence, a tick or a refusal; resolves with its sequence when it is stored. */
  async append(stage: number, partition: number, payload: Uint8Array): Promise<number> {
    const log = await this.#openInbox(stage, partition);
    const writer = await this.#inbox(stage, partition).writer;
    return writer.append(payload, () => void this.#makeRoom(log));
  }

  /**
   * Makes `control` the newest watermark for its edge in that inbox; older ones not yet sent are skipped. `onStored` is called once, when it or a newer one
   * is in the inbox.
   */
  watermark(stage: number, partition: number, control: WatermarkControl, onStored: () => void = () => undefined): void {
    const inbox = this.#inbox(stage, partition);
    const slot = inbox.slots.get(control.edge) ?? { wanted: control, sent: undefined, isInFlight: false, onStored: [] };
    inbox.slots.set(control.edge, slot);
    slot.wanted = control;
    slot.onStored.push(onStored);
    this.#pump(inbox);
  }

  /** The receiver has read up to `position`. */
  reported({ stage, partition }: InstanceId, position: number): void {
    const inbox = this.#inboxes.get(`${stage}/${partition}`);
    if (inbox === undefined || inbox.unread.length === 0) return;
    inbox.unread = inbox.unread.filter((sequence) => sequence > position);
    this.#pump(inbox);
  }

  close(): void {
    this.#isClosed = true;
    for (const inbox of this.#inboxes.values()) void inbox.writer.then((writer) => writer.close());
  }

  #inbox(stage: number, partition: number): Inbox {
    const key = `${stage}/${partition}`;
    let inbox = this.#inboxes.get(key);
    if (inbox === undefined) {
      const writer = this.#open(stage, partition);
      inbox = { writer, unread: [], slots: new Map() };
      this.#inboxes.set(key, inbox);
    }
    return inbox;
  }

  /** A log that is gone takes no controls: the instance that reads it says what is lost. */
  async #open(stage: number, partition: number): Promise<LogWriter> {
    try {
      return new LogWriter(this.#platform, await this.#openInbox(stage, partition));
    } catch (error) {
      this.#platform.logger.log("error", "an inbox takes no controls", { stage, partition, reason: messageOf(error) });
      return new Promise<never>(() => undefined);
    }
  }

  #pump(inbox: Inbox): void {
    for (const slot of inbox.slots.values()) {
      if (slot.isInFlight || slot.sent === slot.wanted || !mayAppendControl(inbox.unread.length)) continue;
      slot.isInFlight = true;
      const control = slot.wanted;
      const told = slot.onStored.splice(0);
      void inbox.writer.then((writer) =>
        writer.enqueue(encodeControl(control), (sequence) => this.#onStored(inbox, slot, control, sequence, told)),
      );
    }
  }

  #onStored(
    inbox: Inbox,
    slot: Slot,
    control: WatermarkControl,
    sequence: number,
    told: readonly (() => void)[],
  ): void {
    slot.isInFlight = false;
    slot.sent = control;
    inbox.unread.push(sequence);
    if (this.#isClosed) return;
    for (const tell of told) tell();
    this.#pump(inbox);
  }

  async #makeRoom(log: Log): Promise<void> {
    try {
      const { config } = await log.info();
      await log.resize(config.maxBytes + fenceReserveBytes);
      this.#platform.logger.log("error", "an inbox had no room for a fence and was enlarged", {
        log: log.name,
        maxBytes: config.maxBytes + fenceReserveBytes,
      });
    } catch (error) {
      this.#platform.logger.log("error", "an inbox has no room for a fence and cannot be enlarged", {
        log: log.name,
        reason: String(error),
      });
    }
  }
}
