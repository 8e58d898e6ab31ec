/**
 * A lane of the smallest kind that keeps R3, for tests: numbered frames, a window, acknowledgements in order, go-back-N.
 *
 * The production lane lives in `framework/protocol`; this one is here so that the log's promises are tested without it.
 */
import type { Appender, AppendResult, Log, Sequence } from "../../framework/log/contracts.ts";

const window = 8;
const timeoutMs = 2_000;
const backoffMs = 20;

/** Sends frames 1 … `count`, each with its sender and number, and resends from the first that is not proven. */
export class GoBackLane {
  /** Sequence of each acknowledged frame. */
  readonly proven: Sequence[] = [];
  resent = 0;
  readonly #sender: number;
  readonly #count: number;
  readonly #appender: Appender;
  readonly #acks = new Map<number, Sequence>();
  readonly #watch: NodeJS.Timeout;
  #base = 1;
  #next = 1;
  #attempt = 1;
  #isUp = true;
  #movedMs = performance.now();

  constructor(log: Log, sender: number, count: number) {
    this.#sender = sender;
    this.#count = count;
    this.#appender = log.appender(
      (tag, attempt, result) => this.#hear(tag, attempt, result),
      (event) => {
        this.#isUp = event === "reconnected";
        if (this.#isUp) this.#goBack();
      },
    );
    this.#watch = setInterval(() => {
      if (this.#isUp && this.#next > this.#base && performance.now() - this.#movedMs > timeoutMs) this.#goBack();
    }, 100);
  }

  get isDone(): boolean {
    return this.#base > this.#count;
  }

  start(): void {
    while (this.#isUp && this.#next < this.#base + window && this.#next <= this.#count) {
      this.#appender.append(frame(this.#sender, this.#next), this.#next, this.#attempt);
      this.#next++;
    }
  }

  close(): void {
    clearInterval(this.#watch);
    this.#appender.close();
  }

  #hear(tag: number, attempt: number, result: AppendResult): void {
    if (attempt !== this.#attempt) return;
    if (result.kind !== "stored") {
      this.#attempt++;
      setTimeout(() => this.#goBack(), backoffMs);
      return;
    }
    this.#acks.set(tag, result.sequence);
    this.#advance();
    this.start();
  }

  /** Counts acknowledgements in order only: each frame must lie behind the one before it. */
  #advance(): void {
    for (let at = this.#acks.get(this.#base); at !== undefined; at = this.#acks.get(this.#base)) {
      if (at <= (this.proven.at(-1) ?? 0)) return this.#goBack();
      this.#acks.delete(this.#base);
      this.proven.push(at);
      this.#base++;
      this.#movedMs = performance.now();
    }
  }

  #goBack(): void {
    this.#attempt++;
    this.#acks.clear();
    this.resent += this.#next - this.#base;
    this.#next = this.#base;
    this.#movedMs = performance.now();
    this.start();
  }
}

/** A frame of up to 4 KiB that says whose it is, and which. */
function frame(sender: number, number: number): Uint8Array {
  const bytes = new Uint8Array(16 + ((number * 7_919 + sender * 104_729) % 4_000)).fill(number & 255);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, sender);
  view.setUint32(4, number);
  view.setUint32(8, bytes.length);
  return bytes;
}

/** Sender and number of a frame; throws when it is not as it was sent. */
export function readFrame(payload: Uint8Array): { readonly sender: number; readonly number: number } {
  const view = new DataView(payload.buffer, payload.byteOffset, payload.length);
  const [sender, number, length] = [view.getUint32(0), view.getUint32(4), view.getUint32(8)];
  if (length !== payload.length || payload.subarray(12).some((byte) => byte !== (number & 255))) {
    throw new Error(`frame ${sender}/${number} is not as it was sent`);
  }
  return { sender, number };
}
