/**
 * What can go wrong in a simulation, and the dice that decide when it does.
 *
 * Owns the kinds, their counts, and one stream of chance per kind, so that leaving one out moves the others as little as possible.
 */
import type { Random } from "../../platform/platform.ts";
import type { Coverage, Rates } from "./contract.ts";

/** Where a kind of fault belongs. */
export type FaultLayer = "log" | "register" | "blob" | "bus" | "process" | "edge";

/**
 * The kinds. `beyond`: more than the fault model allows; then the job may stop, if it says why (O10).
 */
export const faultKinds = {
  /** Stored, and the reply is lost. */
  ackLost: { layer: "log", beyond: false },
  /** Neither stored nor answered. */
  appendLost: { layer: "log", beyond: false },
  /** Stored and answered long after the sender has given up. */
  appendLate: { layer: "log", beyond: false },
  /** Stored twice. */
  appendTwice: { layer: "log", beyond: false },
  /** Stored behind what was sent after it. */
  appendOvertaken: { layer: "log", beyond: false },
  /** Not stored, and answered so. */
  appendRefused: { layer: "log", beyond: false },
  /** Stored, and answered that it was not. */
  appendDenied: { layer: "log", beyond: false },
  /** Not stored: no room, it says. */
  appendFull: { layer: "log", beyond: false },
  /** A call times out: carried out, later carried out, or not. */
  callLost: { layer: "log", beyond: false },
  /** What is there is seen late. */
  readerSlow: { layer: "log", beyond: false },
  /** A process reads nothing of the job log for a while, and all else. */
  jobLogLate: { layer: "log", beyond: false },
  /** Neither logs nor stores can be reached for a while. */
  placeDown: { layer: "log", beyond: false },
  /** A log forgets its last messages and gives their sequences to others. */
  tailLost: { layer: "log", beyond: true },
  /** Every process is gone at once, and with them the last messages of some logs. */
  blackout: { layer: "log", beyond: true },
  /** A log is created anew, empty. */
  logRecreated: { layer: "log", beyond: true },
  /** A reader leaves out a message. */
  readerSkips: { layer: "log", beyond: true },
  /** A reader begins behind what was asked for. */
  readerClamped: { layer: "log", beyond: true },
  /** A register answers with an older value. */
  registerStale: { layer: "register", beyond: false },
  /** An update times out: written, later written, or not. */
  registerLost: { layer: "register", beyond: false },
  /** A blob is deleted long after nobody has answered that. */
  deleteLate: { layer: "blob", beyond: false },
  /** A blob is not stored, and answered so. */
  blobFails: { layer: "blob", beyond: false },
  /** The first part of a blob is stored, and answered that it failed. */
  blobTorn: { layer: "blob", beyond: false },
  /** Stored, and answered that it failed. */
  blobDenied: { layer: "blob", beyond: false },
  /** A list leaves names out, or has names that are gone. */
  blobListStale: { layer: "blob", beyond: false },
  /** Seconds for one call. */
  blobSlow: { layer: "blob", beyond: false },
  /** A stored blob has other bytes than it was given. */
  blobFlipped: { layer: "blob", beyond: true },
  /** Every blob is gone. */
  blobsWiped: { layer: "blob", beyond: true },
  busLost: { layer: "bus", beyond: false },
  busTwice: { layer: "bus", beyond: false },
  busLate: { layer: "bus", beyond: false },
  /** A process neither hears nor is heard over the Bus for a while. */
  busCut: { layer: "bus", beyond: false },
  /** Nothing of a process arrives anywhere for a while, and nothing reaches it. */
  linkDown: { layer: "process", beyond: false },
  crashActor: { layer: "process", beyond: false },
  crashWorker: { layer: "process", beyond: false },
  crashLeader: { layer: "process", beyond: false },
  /** A process stands still, longer than others wait for it or not, and goes on as if nothing had been. */
  pauseWorker: { layer: "process", beyond: false },
  pauseLeader: { layer: "process", beyond: false },
  slowWorker: { layer: "process", beyond: false },
  /** A process stands still until the one that takes its place over says so, and goes on before it has heard of that. */
  replaced: { layer: "process", beyond: false },
  /** A worker joins, or leaves in good order: instances move. */
  moves: { layer: "process", beyond: false },
  /** The job is stopped by a command, and restarted. */
  commands: { layer: "process", beyond: false },
  /** A worker is drained by a command, and let in again. */
  drains: { layer: "process", beyond: false },
  /** What the turns of an instance take, as they are measured, changes. */
  loads: { layer: "process", beyond: false },
  /** For a while every instance crashes that takes a turn in one process, and in no other. */
  badHost: { layer: "process", beyond: false },
  /** Somebody takes a savepoint: of some the job is stopped, some are held until they are given up. */
  savepoints: { layer: "process", beyond: false },
  /** A generation is stopped with a savepoint, or behind one, and another program begins from it, with another number of partitions. */
  restores: { layer: "process", beyond: false },
  /** Somebody upgrades the job to another program, with another number of partitions; who does may die or stand still in the middle, and the program not come up. */
  upgrades: { layer: "process", beyond: false },
  /** A wall clock jumps by up to an hour. */
  clockJump: { layer: "process", beyond: false },
  /** A process's clock is fast or slow by up to a tenth, from its start. */
  clockDrift: { layer: "process", beyond: false },
  /** A sink cannot be written for a moment, having taken the rows or not. */
  sinkFails: { layer: "edge", beyond: false },
  sinkSlow: { layer: "edge", beyond: false },
  /** A split cannot be opened, or breaks while it is read. */
  sourceFails: { layer: "edge", beyond: false },
} as const satisfies Record<string, { readonly layer: FaultLayer; readonly beyond: boolean }>;

/** A kind of fault. */
export type FaultKind = keyof typeof faultKinds;

/** Every kind. */
export const allFaults: readonly FaultKind[] = Object.keys(faultKinds) as FaultKind[];

/** Kinds that strike where it hurts most: drawn by the mixes that name them, and now and then by the swarm. */
export const sharpFaults: readonly FaultKind[] = [
  "deleteLate",
  "jobLogLate",
  "replaced",
  "blackout",
  "drains",
  "loads",
  "badHost",
  "linkDown",
];

/** Whether a kind is more than the fault model allows. */
export function isBeyond(kind: FaultKind): boolean {
  return faultKinds[kind].beyond;
}

/** In whose presence a fault strikes: states for the coverage table. */
export interface Struck {
  readonly states: Iterable<string>;
}

interface Die {
  readonly rate: number;
  readonly random: Random;
}

/** Decides when faults strike. */
export class Dice {
  readonly #dice = new Map<FaultKind, Die>();
  readonly #counts: Partial<Record<FaultKind, number>> = {};
  readonly #coverage: Record<string, number> = {};
  readonly #onStruck: (kind: FaultKind, what: string) => void;
  #isCalm = false;
  #hasExceeded = false;

  constructor(
    random: Random,
    rates: Rates,
    without: ReadonlySet<FaultKind>,
    onStruck: (kind: FaultKind, what: string) => void,
  ) {
    this.#onStruck = onStruck;
    for (const kind of allFaults) {
      const rate = without.has(kind) ? 0 : (rates[kind] ?? 0);
      if (rate > 0) this.#dice.set(kind, { rate, random: random.fork(kind) });
    }
  }

  /** No fault strikes any more. */
  calm(): void {
    this.#isCalm = true;
  }

  get isCalm(): boolean {
    return this.#isCalm;
  }

  /** Whether something has happened that the fault model does not allow. */
  get hasExceeded(): boolean {
    return this.#hasExceeded;
  }

  get counts(): Readonly<Partial<Record<FaultKind, number>>> {
    return this.#counts;
  }

  get coverage(): Coverage {
    return this.#coverage;
  }

  /** Chance of that kind, for what else is to be drawn about it. */
  of(kind: FaultKind): Random {
    return this.#die(kind).random;
  }

  /** A time of up to `maxMs`, mostly much less, for what happens with a fault of that kind. */
  spanMs(kind: FaultKind, maxMs: number): number {
    const magnitudes = [maxMs / 256, maxMs / 64, maxMs / 16, maxMs / 4, maxMs];
    const { random } = this.#die(kind);
    return 1 + random.below(Math.ceil(magnitudes[random.below(magnitudes.length)] ?? maxMs));
  }

  rate(kind: FaultKind): number {
    return this.#isCalm ? 0 : (this.#dice.get(kind)?.rate ?? 0);
  }

  /** Whether the fault happens now. */
  strikes(kind: FaultKind, struck: Struck, what: string): boolean {
    const die = this.#dice.get(kind);
    if (die === undefined || this.#isCalm || die.random.next() >= die.rate) return false;
    this.count(kind, struck, what);
    return true;
  }

  /** A fault happens that somebody else has decided on. */
  count(kind: FaultKind, { states }: Struck, what: string): void {
    this.#counts[kind] = (this.#counts[kind] ?? 0) + 1;
    if (isBeyond(kind)) this.#hasExceeded = true;
    for (const state of new Set(states)) {
      const pair = `${kind} ${state}`;
      this.#coverage[pair] = (this.#coverage[pair] ?? 0) + 1;
    }
    this.#onStruck(kind, what);
  }

  #die(kind: FaultKind): Die {
    const die = this.#dice.get(kind);
    if (die === undefined) throw new RangeError(`the fault ${kind} is not among those of this seed`);
    return die;
  }
}
