/**
 * A board in memory that threads share: which turn the one thread is in, for the other one to see.
 *
 * Owns the layout. The thread that takes turns writes plain numbers; whoever looks may see them half-written, and looks again.
 *
 * TB1. What is written per turn are a few numbers; nothing is called, sent or waited for.
 */
import type { TurnMarks } from "../actor/host.ts";
import type { InstanceId } from "../record/messages.ts";
import type { CrashSite } from "../record/poison.ts";

const at = { turns: 0, stage: 1, partition: 2, epoch: 3, position: 4, sequence: 5, step: 6, beats: 7 } as const;
const signalAt = { wanted: 0, given: 1 } as const;
const numbersMax = 8;
const signals = 2;

/** A turn that is under way. */
export interface TurnUnderWay {
  readonly instance: InstanceId;
  readonly epoch: number;
  /** Behind which it began. */
  readonly position: number;
  /** The step that has begun last, where steps are told; a sequence of 0 where they are not. */
  readonly site: CrashSite;
}

/** What is on a board at a moment. */
export interface BoardLook {
  /** Turns, and slices of them, begun so far. */
  readonly turns: number;
  /** Beats of the event loop so far. */
  readonly beats: number;
  /** Undefined: none. */
  readonly turn: TurnUnderWay | undefined;
}

/** One thread's board. */
export class TurnBoard implements TurnMarks {
  readonly buffer: SharedArrayBuffer;
  readonly #numbers: Float64Array;
  readonly #signals: Int32Array;

  /** @param buffer of the board to share @default a new one */
  constructor(buffer: SharedArrayBuffer = new SharedArrayBuffer((numbersMax + signals) * 8)) {
    this.buffer = buffer;
    this.#numbers = new Float64Array(buffer, 0, numbersMax);
    this.#signals = new Int32Array(buffer, numbersMax * 8, signals);
  }

  begin({ stage, partition }: InstanceId, epoch: number, position: number): void {
    const numbers = this.#numbers;
    numbers[at.partition] = partition;
    numbers[at.epoch] = epoch;
    numbers[at.position] = position;
    numbers[at.stage] = stage + 1;
    numbers[at.turns] = numbers[at.turns]! + 1;
  }

  rest(): void {
    this.#numbers[at.stage] = 0;
  }

  /** A step is about to be taken. */
  step({ sequence, step }: CrashSite): void {
    this.#numbers[at.sequence] = sequence;
    this.#numbers[at.step] = step;
  }

  /** The event loop turns. */
  beat(): void {
    this.#numbers[at.beats] = this.#numbers[at.beats]! + 1;
  }

  look(): BoardLook {
    const number = (index: number) => this.#numbers[index] ?? 0;
    const stage = number(at.stage) - 1;
    const turn = {
      instance: { stage, partition: number(at.partition) },
      epoch: number(at.epoch),
      position: number(at.position),
      site: { sequence: number(at.sequence), step: number(at.step) },
    };
    return { turns: number(at.turns), beats: number(at.beats), turn: stage < 0 ? undefined : turn };
  }

  /** Asks the other thread for something: by `tell`, or by the board alone. Stands still until it has given it; answers whether it has within `timeoutMs`. */
  ask(timeoutMs: number, tell: () => void = () => undefined): boolean {
    // Before anything is told: the answer may be faster than this thread.
    Atomics.store(this.#signals, signalAt.given, 0);
    Atomics.store(this.#signals, signalAt.wanted, 1);
    Atomics.notify(this.#signals, signalAt.wanted);
    tell();
    return Atomics.wait(this.#signals, signalAt.given, 0, timeoutMs) !== "timed-out";
  }

  /** Resolves when the other thread asks. */
  async asked(): Promise<void> {
    const waiting = Atomics.waitAsync(this.#signals, signalAt.wanted, 0);
    if (waiting.async) await waiting.value;
  }

  /** Gives what was asked for: the other thread goes on. */
  give(): void {
    Atomics.store(this.#signals, signalAt.wanted, 0);
    Atomics.store(this.#signals, signalAt.given, 1);
    Atomics.notify(this.#signals, signalAt.given);
  }
}
