/**
 * Runs one operator as its stage would: fed by hand, with everything it says collected.
 *
 * Owns an outlet that keeps what is emitted, and the ways to make life hard: a restore after every step, and every record once as poison before it counts.
 * What comes out must be the same in every mode.
 *
 * H1. With `restoreEachStep`, after every record and every single firing the program is cut, thrown away, and restored into a new one.
 * H2. With `poisonEachRecord`, each record is processed first with a failure at the very end of its step; it must leave the state, to the byte, as it was.
 */
import { StreamError } from "../errors.ts";
import type { KeySelector, OperatorFactory } from "../operator/contract.ts";
import type { DeadLetter, Outlet } from "../operator/outlet.ts";
import { StageProgram, type ProgramOptions, type StateCut } from "../operator/program.ts";
import type { StageShape, StageTarget } from "../operator/wiring.ts";
import { cloneValue } from "../record/default-codec.ts";
import { partitionOf } from "../record/key.ts";
import type { Counts } from "../record/messages.ts";
import { bomb, type Fuse } from "./bomb.ts";
import type { StateLimits } from "../state/state-limits.ts";

/** An output, or a late record. */
export interface Emitted {
  readonly value: unknown;
  readonly timestamp: number | undefined;
}

/** What an operator has said. */
export interface Collected {
  readonly main: readonly Emitted[];
  readonly late: readonly Emitted[];
  readonly deadLetters: readonly DeadLetter[];
}

/** How the harness runs an operator. */
export interface HarnessOptions {
  /** Takes the key of a record; for keyed operators. Of several inputs: one by port, undefined where the records have no key. */
  readonly key?: KeySelector | readonly (KeySelector | undefined)[] | undefined;
  /** Operators chained behind the one under test. */
  readonly behind?: readonly OperatorFactory[] | undefined;
  /** @default "deadLetter" */
  readonly onError?: ProgramOptions["onError"] | undefined;
  /** @default false */
  readonly manualWatermarks?: boolean | undefined;
  readonly farFutureMs?: number | undefined;
  /** What one key may have. @default nothing is refused */
  readonly stateLimits?: StateLimits | undefined;
  /** H1. @default false */
  readonly restoreEachStep?: boolean | undefined;
  /** H2. @default false */
  readonly poisonEachRecord?: boolean | undefined;
  /** Outputs that the outlet refuses, as it refuses what no codec takes. */
  readonly refuses?: ((value: unknown) => boolean) | undefined;
}

/** Everything that a snapshot of the operator would hold, comparable. */
export interface HarnessState {
  /** Bytes by segment, in hexadecimal. */
  readonly segments: Readonly<Record<number, string>>;
  readonly operators: string;
  readonly random: number;
  readonly nowMs: number;
}

const outputEdge = 0;
const lateEdge = 1;
/** Side outputs have edges of their own from here on, in the order of their names. */
const firstSideEdge = 2;

/** A harness as a savepoint has it. */
interface Saved {
  readonly cut: StateCut;
  readonly held: ReadonlyMap<number, Uint8Array>;
}

/** Feeds one operator and collects what it says. */
export class OperatorHarness {
  readonly #stage: StageShape;
  readonly #options: HarnessOptions;
  readonly #outbox: Outbox;
  readonly #fuse: Fuse;
  readonly #sideNames: readonly string[];
  readonly #segments = new Map<number, Uint8Array>();
  #program: StageProgram;

  constructor(factory: OperatorFactory, options: HarnessOptions) {
    this.#options = options;
    this.#outbox = new Outbox(options.refuses ?? (() => false));
    this.#fuse = { isLit: false };
    this.#sideNames = factory.sides ?? [];
    this.#stage = stageOf(factory, options.behind ?? [], this.#fuse);
    this.#program = this.#newProgram();
  }

  /** Feeds one record, into the first input where nothing is said. */
  process(value: unknown, timestamp?: number, port = 0): this {
    if (this.#options.poisonEachRecord === true) this.#poison(value, timestamp, port);
    this.#feed(value, timestamp, port);
    return this.#stepDone();
  }

  /** Feeds records one after the other. */
  processAll(records: Iterable<readonly [value: unknown, timestamp?: number | undefined]>): this {
    for (const [value, timestamp] of records) this.process(value, timestamp);
    return this;
  }

  /** Moves event time; Infinity ends the input. */
  watermark(watermark: number): this {
    while (!this.#program.advanceTo(watermark, this.#stepsMax)) this.#stepDone();
    return this.#stepDone();
  }

  /** Moves processing time (never back), and ticks when something is due, as the worker does. */
  clock(ms: number): this {
    this.#program.setNow(ms);
    const { now } = this.#program;
    const due = this.#program.nextTickAt();
    if (due !== undefined && due <= now) while (!this.#program.tick(now, this.#stepsMax)) this.#stepDone();
    return this.#stepDone();
  }

  /** What has been said since the last call. */
  take(): Collected {
    return this.#outbox.take();
  }

  /** What has gone to a side output since the last call. */
  takeSide(name: string): readonly Emitted[] {
    return this.#outbox.takeSide(this.#sideNames.indexOf(name));
  }

  /** Event time behind the operator. */
  get eventTime(): number {
    return this.#program.watermark;
  }

  /** When the worker would tick. */
  get nextTickAt(): number | undefined {
    return this.#program.nextTickAt();
  }

  get counts(): Counts {
    return this.#program.counts;
  }

  /** The state as a snapshot would have it now. */
  get state(): HarnessState {
    const cut = this.#cut();
    const sorted = [...this.#segments].toSorted(([a], [b]) => a - b);
    const { random, nowMs } = cut;
    const segments = Object.fromEntries(sorted.map(([segment, bytes]) => [segment, hex(bytes)]));
    return { segments, operators: hex(cut.operators), random, nowMs };
  }

  /** Throws the program away and goes on with one restored from its state. */
  restore(): this {
    const cut = this.#cut();
    this.#program = this.#newProgram();
    this.#take(cut, this.#segments);
    return this;
  }

  /** Answers a harness of `factory` (the operator of another version of the program) that goes on from this one's state. */
  restoreInto(factory: OperatorFactory): OperatorHarness {
    const next = new OperatorHarness(factory, this.#options);
    next.#take(this.#cut(), this.#segments);
    return next;
  }

  /**
   * Answers harnesses of `factory` (the operator of another version of the program, with its migrations) that go on from the state of `harnesses` as the
   * instances of a new generation go on from those of a savepoint: one after the other where they are as many, else with the keys divided anew.
   *
   * @throws SNAPSHOT_UNSUITABLE when something of the state cannot go on there
   */
  static fromSavepoint(
    harnesses: readonly [OperatorHarness, ...OperatorHarness[]],
    factory: OperatorFactory,
    count: number = harnesses.length,
  ): OperatorHarness[] {
    const cuts = harnesses.map((harness) => ({ cut: harness.#cut(), held: harness.#segments }));
    const isSame = count === harnesses.length;
    return Array.from({ length: count }, (_, partition) => {
      const next = new OperatorHarness(factory, harnesses[0].#options);
      const isOwn = (hash: number) => isSame || partitionOf(hash, count) === partition;
      next.#adopt(isSame ? cuts.slice(partition, partition + 1) : cuts, isOwn);
      return next.#stepDone();
    });
  }

  get #stepsMax(): number {
    return this.#options.restoreEachStep === true ? 1 : 1000;
  }

  #newProgram(): StageProgram {
    const { onError = "deadLetter", manualWatermarks, farFutureMs, stateLimits } = this.#options;
    const portOf = (edge: number): number => edge;
    const options = { onError, seed: 1, manualWatermarks, farFutureMs, stateLimits, portOf };
    return new StageProgram(this.#stage, this.#outbox, options);
  }

  #take({ operators, nowMs, random, counts, watermark }: StateCut, held: ReadonlyMap<number, Uint8Array>): void {
    const segments = [...held].map(([segment, bytes]) => ({ segment, bytes }));
    for (const { segment, bytes } of segments) this.#segments.set(segment, bytes);
    this.#program.restore({ segments, operators, nowMs, random, counts, watermark });
  }

  #adopt(from: readonly Saved[], isOwn: (hash: number) => boolean): void {
    const { counts, random } = from[0]?.cut ?? this.#program.cut();
    this.#program.adopt({
      instances: from.map(({ cut, held }) => ({
        operators: cut.operators,
        segments: [...held].map(([segment, bytes]) => ({ segment, bytes })),
      })),
      isOwn,
      fateOf: () => "taken",
      counts,
      random,
      nowMs: Math.max(...from.map(({ cut }) => cut.nowMs)),
      watermark: Math.min(...from.map(({ cut }) => cut.watermark)),
    });
  }

  #feed(value: unknown, timestamp: number | undefined, port: number): void {
    const { key: keys } = this.#options;
    const key = typeof keys === "function" ? keys : keys?.[port];
    if (key === undefined) this.#program.selectNone();
    else this.#program.select(key(value));
    this.#program.input = port;
    this.#program.process(value, timestamp);
  }

  #poison(value: unknown, timestamp: number | undefined, port: number): void {
    const before = JSON.stringify(this.state);
    const said = this.#outbox.said;
    this.#fuse.isLit = true;
    this.#feed(cloneValue(value), timestamp, port);
    this.#fuse.isLit = false;
    if (this.#outbox.forgetDeadLetter() === undefined || this.#outbox.said !== said) {
      throw new Error("a record that failed was not undone: its outputs stayed, or there is no dead letter");
    }
    const after = JSON.stringify(this.state);
    if (after !== before)
      throw new Error(`a record that failed left a trace in the state\n  before ${before}\n  after  ${after}`);
  }

  #stepDone(): this {
    return this.#options.restoreEachStep === true ? this.restore() : this;
  }

  /** Encodes what has changed, as the snapshotter does. */
  #cut(): StateCut {
    const cut = this.#program.cut();
    while (!cut.encodeSome(1)) continue;
    for (const { segment, bytes } of cut.segments()) {
      if (bytes === undefined) this.#segments.delete(segment);
      else this.#segments.set(segment, bytes);
    }
    return cut;
  }
}

/**
 * Begins to feed one operator, alone: without a job, an inbox or a clock. The operators of a job stand in its plan.
 *
 * @example
 * const average = plan(plant).stages[1]?.operators[0];
 * const harness = operatorHarness(average.factory, { key: (reading) => reading.device, restoreEachStep: true });
 * harness.process({ device: "boiler", celsius: 70 }, 5_000).watermark(Infinity);
 * expect(harness.take().main).toEqual([…]);
 */
export function operatorHarness(factory: OperatorFactory, options: HarnessOptions = {}): OperatorHarness {
  return new OperatorHarness(factory, options);
}

/** The operator and those behind it in a chain, and beside it what makes a record fail when its step is all but over. */
function stageOf(factory: OperatorFactory, behind: readonly OperatorFactory[], fuse: Fuse): StageShape {
  const chain = [factory, ...behind];
  const operators = chain.map((link, index) => ({
    name: index === 0 ? "tested" : `behind-${index}`,
    factory: link,
    outputs: [
      index + 1 < chain.length
        ? ({ kind: "operator", operator: index + 1 } as const)
        : ({ kind: "edge", edge: outputEdge } as const),
    ],
    late: [],
    sides: sidesOf(link),
  }));
  const last = { name: "bomb", factory: bomb(fuse), outputs: [], late: [], sides: {} };
  return {
    name: "harness",
    entry: [
      { kind: "operator", operator: 0 },
      { kind: "operator", operator: operators.length },
    ],
    operators: [...operators, last],
    lateEdge,
  };
}

function sidesOf({ sides = [] }: OperatorFactory): Record<string, readonly StageTarget[]> {
  return Object.fromEntries(sides.map((side, at) => [side, [{ kind: "edge", edge: firstSideEdge + at }]]));
}

class Outbox implements Outlet {
  readonly #refuses: (value: unknown) => boolean;
  #main: Emitted[] = [];
  #late: Emitted[] = [];
  #deadLetters: DeadLetter[] = [];
  #sides: Side[] = [];
  #markedMain = 0;
  #markedLate = 0;
  #markedSides = 0;

  constructor(refuses: (value: unknown) => boolean) {
    this.#refuses = refuses;
  }

  /** How many outputs are there. */
  get said(): number {
    return this.#main.length + this.#late.length + this.#sides.length;
  }

  emit(edge: number, value: unknown, timestamp: number | undefined): void {
    if (this.#refuses(value)) throw new StreamError("VALUE_NOT_ENCODABLE", "the outlet refuses this value");
    const emitted = { value: cloneValue(value), timestamp };
    if (edge >= firstSideEdge) this.#sides.push({ side: edge - firstSideEdge, emitted });
    else (edge === outputEdge ? this.#main : this.#late).push(emitted);
  }

  write(): void {
    throw new Error("the harness has no sinks");
  }

  deadLetter(letter: DeadLetter): void {
    this.#deadLetters.push(letter);
  }

  mark(): void {
    this.#markedMain = this.#main.length;
    this.#markedLate = this.#late.length;
    this.#markedSides = this.#sides.length;
  }

  undo(): void {
    this.#main.length = this.#markedMain;
    this.#late.length = this.#markedLate;
    this.#sides.length = this.#markedSides;
  }

  forgetDeadLetter(): DeadLetter | undefined {
    return this.#deadLetters.pop();
  }

  take(): Collected {
    const collected = { main: this.#main, late: this.#late, deadLetters: this.#deadLetters };
    this.#main = [];
    this.#late = [];
    this.#deadLetters = [];
    this.mark();
    return collected;
  }

  takeSide(side: number): readonly Emitted[] {
    const taken = this.#sides.filter((each) => each.side === side).map(({ emitted }) => emitted);
    this.#sides = this.#sides.filter((each) => each.side !== side);
    this.mark();
    return taken;
  }
}

/** What has gone to a side output, by its position among those of the operator. */
interface Side {
  readonly side: number;
  readonly emitted: Emitted;
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}
