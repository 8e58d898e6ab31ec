/**
 * The producer of one split of a push source: what it says goes into the split's ingress log.
 *
 * Owns whether it runs. It is paused for a savepoint, so that the ingress log comes to an end that can be read to (R17); what was sent before a pause is in the
 * log, or nobody has been told that it is.
 */
import type { Log } from "../log/contracts.ts";
import type { PushSource, Split } from "../log/source.ts";
import type { Platform } from "../platform/platform.ts";
import { LogWriter } from "./log-writer.ts";
import { patiently } from "./patience.ts";

/** How often what must be stored is looked at, ms. */
const lookMs = 5;

/** Produces, pauses, and goes on. */
export class Producer {
  readonly #platform: Platform;
  readonly #log: Log;
  readonly #source: PushSource;
  readonly #split: Split;
  readonly #onFailed: (error: unknown) => void;
  #running: { readonly writer: LogWriter; readonly stop: () => void | Promise<void> } | undefined;
  #isOver = false;

  constructor(platform: Platform, log: Log, source: PushSource, split: Split, onFailed: (error: unknown) => void) {
    this.#platform = platform;
    this.#log = log;
    this.#source = source;
    this.#split = split;
    this.#onFailed = onFailed;
  }

  /** Begins, or goes on after a pause; harmless while it runs. */
  start(): void {
    if (this.#isOver || this.#running !== undefined) return;
    const writer = new LogWriter(this.#platform, this.#log);
    const stop = this.#source.produce(this.#split, {
      append: async (value) => {
        await writer.append(this.#source.codec.encode(value));
      },
      schedule: (delayMs, wake) => this.#platform.clock.schedule(delayMs, wake),
      now: () => this.#platform.clock.now(),
      failed: this.#onFailed,
    });
    this.#running = { writer, stop };
  }

  /** Stops until `start`; resolves with the last sequence of the ingress log when everything that was said is in it. */
  async pause(): Promise<number> {
    const running = this.#running;
    this.#running = undefined;
    await running?.stop();
    const isStored = () => this.#isOver || (running?.writer.pending ?? 0) === 0;
    while (!isStored()) await new Promise<void>((resolve) => this.#platform.clock.schedule(lookMs, resolve));
    running?.writer.close();
    const isOver = (): boolean => this.#isOver;
    return (await patiently(this.#platform, this.#log.name, () => this.#log.info(), isOver)).last;
  }

  /** Stops for good. */
  stop(): void {
    this.#isOver = true;
    this.#running?.writer.close();
    void this.#running?.stop();
  }
}
