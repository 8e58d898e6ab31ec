/**
 * A worker's way of putting controls into inboxes: fences, ticks and watermarks, past the data lanes.
 *
 * Owns one patient writer per inbox, and for watermarks a slot per (edge, inbox) that holds only the newest.
 *
 * R8. An inbox that has lost its last messages is told again what can be told again: fences, ticks and the newest watermarks. What cannot is lost for good.
 * R13. A supervisor keeps at most a few controls behind the position the receiver has reported; a fence is never skipped: when the inbox has no
 * room for it, the inbox is made larger by 1 MiB and that is logged.
 */
import { messageOf, StreamError } from "../errors.ts";
import type { Log } from "../log/contracts.ts";
import type { Platform } from "../platform/platform.ts";
import { fenceReserveBytes } from "../plan/reserve.ts";
import { mayAppendControl } from "../protocol/room.ts";
import { encodeControl } from "../record/frame.ts";
import type { InstanceId, WatermarkControl } from "../record/messages.ts";
import { LogWriter } from "./log-writer.ts";
import { type Acknowledged, isTailLost } from "./tail-check.ts";

interface Inbox {
  readonly writer: Promise<LogWriter>;
  /** Sequences of watermarks that the receiver has not reported past. */
  unread: number[];
  readonly slots: Map<number, Slot>;
  /** What is told again when the inbox has lost it, by name: the newest of each. */
  readonly repeatable: Map<string, Uint8Array>;
  /** The last message that is not. */
  once: Acknowledged | undefined;
}

interface Slot {
  wanted: WatermarkControl;
  sent: WatermarkControl | undefined;
  isInFlight: boolean;
  /** Told when the wanted control, or a newer one, is stored. */
  onStored: (() => void)[];
}

/** What a sender of controls is told, and tells. */
export interface ControlSenderOptions {
  /** Copies of an inbox. */
  readonly replicas: number;
  openInbox(stage: number, partition: number): Promise<Log>;
  /** An inbox has lost what is told once (R8). */
  onLost(error: StreamError): void;
}

/** Sends controls into inboxes. */
export class ControlSender {
  readonly #platform: Platform;
  readonly #options: ControlSenderOptions;
  readonly #inboxes = new Map<string, Inbox>();
  #isClosed = false;

  constructor(platform: Platform, options: ControlSenderOptions) {
    this.#platform = platform;
    this.#options = options;
  }

  /**
   * Appends a fence, a tick, a refusal or results; resolves with its sequence when it is stored.
   *
   * `repeatable`: its name, where it says the same however often it is read, and the newest of that name says everything.
   */
  async append(stage: number, partition: number, payload: Uint8Array, repeatable?: string): Promise<number> {
    const log = await this.#options.openInbox(stage, partition);
    const inbox = this.#inbox(stage, partition);
    const writer = await inbox.writer;
    const sequence = await writer.append(payload, () => void this.#makeRoom(log));
    if (repeatable !== undefined) inbox.repeatable.set(repeatable, payload);
    else inbox.once = { sequence, payload };
    return sequence;
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
      const writer = this.#open(stage, partition, key);
      inbox = { writer, unread: [], slots: new Map(), repeatable: new Map(), once: undefined };
      this.#inboxes.set(key, inbox);
    }
    return inbox;
  }

  /** A log that is gone takes no controls: the instance that reads it says what is lost. */
  async #open(stage: number, partition: number, key: string): Promise<LogWriter> {
    const { replicas } = this.#options;
    try {
      const log = await this.#options.openInbox(stage, partition);
      return new LogWriter(this.#platform, log, { replicas, onLost: () => void this.#onTailLost(key, log) });
    } catch (error) {
      this.#platform.logger.log("error", "an inbox takes no controls", { stage, partition, reason: messageOf(error) });
      return new Promise<never>(() => undefined);
    }
  }

  /** What can be told again is told at once; whether anything else is gone is found out meanwhile. */
  async #onTailLost(key: string, log: Log): Promise<void> {
    const inbox = this.#inboxes.get(key);
    if (inbox === undefined || this.#isClosed) return;
    this.#platform.logger.log("error", "an inbox has lost its last messages", { log: log.name });
    inbox.unread = [];
    const writer = await inbox.writer;
    for (const payload of inbox.repeatable.values())
      writer.enqueue(
        payload,
        () => undefined,
        () => void this.#makeRoom(log),
      );
    for (const slot of inbox.slots.values()) slot.sent = undefined;
    this.#pump(inbox);
    const { once } = inbox;
    if (once === undefined) return;
    const isLost = await isTailLost(this.#platform, log, 1, once, () => this.#isClosed).catch(() => false);
    if (!isLost || this.#isClosed) return;
    const what = `${log.name}: what it has acknowledged at sequence ${once.sequence} is not there`;
    this.#options.onLost(new StreamError("DATA_LOST", `${what}: the log has lost its last messages`));
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
