/**
 * The way between one process and the place: latency, outages, and what gets lost on it.
 *
 * Owns whether the place can be reached at the moment. What has left the process arrives, whatever becomes of the process meanwhile.
 */
import { StreamError } from "../../errors.ts";
import type { Random } from "../../platform/platform.ts";
import type { Dice, FaultKind, Struck } from "./faults.ts";
import type { SimulatedPlace } from "./place.ts";

/** Until a call that cannot reach the place says so, ms. */
const refusalMs = 200;
/** Until a call without a reply gives up, ms. */
const timeoutMs = 2_000;
/** The longest time that a call may be on its way after its caller has given up, ms. */
const lateMsMax = 10_000;
const latencyMsMax = 4;

/** A process's connection. */
export class Connection implements Struck {
  readonly place: SimulatedPlace;
  readonly dice: Dice;
  readonly random: Random;
  readonly #states: () => Iterable<string>;
  readonly #waiting: (() => void)[] = [];
  readonly #links = new Set<(isUp: boolean) => void>();
  #isDown = false;
  #isJobLogLate = false;
  readonly #waitingForJobLog: (() => void)[] = [];
  /** Whether nothing is heard or said over the Bus. */
  isCut = false;

  /** `states`: what the process is doing at the moment, for the coverage. */
  constructor(place: SimulatedPlace, dice: Dice, random: Random, states: () => Iterable<string>) {
    this.place = place;
    this.dice = dice;
    this.random = random;
    this.#states = states;
  }

  get states(): Iterable<string> {
    return this.#states();
  }

  get isDown(): boolean {
    return this.#isDown;
  }

  /** The place is out of reach, or back. */
  setDown(isDown: boolean): void {
    if (this.#isDown === isDown) return;
    this.#isDown = isDown;
    for (const tell of this.#links) tell(!isDown);
    if (!isDown) for (const go of this.#waiting.splice(0)) go();
  }

  /** Calls `go` once, when the place is back. */
  whenUp(go: () => void): void {
    this.#waiting.push(go);
  }

  /** Whether what is in the job log is not seen at the moment. */
  get isJobLogLate(): boolean {
    return this.#isJobLogLate;
  }

  /** The job log is not seen, or is again. */
  setJobLogLate(isLate: boolean): void {
    this.#isJobLogLate = isLate;
    if (!isLate) for (const go of this.#waitingForJobLog.splice(0)) go();
  }

  /** Calls `go` once, when the job log is seen again. */
  whenJobLogSeen(go: () => void): void {
    this.#waitingForJobLog.push(go);
  }

  /** Tells of outages; answers how to stop. */
  onLink(tell: (isUp: boolean) => void): () => void {
    this.#links.add(tell);
    return () => this.#links.delete(tell);
  }

  strikes(kind: FaultKind, what: string): boolean {
    return this.dice.strikes(kind, this, what);
  }

  later(delayMs: number, action: () => void): void {
    this.place.clock.schedule(delayMs, action);
  }

  latencyMs(): number {
    return this.random.below(latencyMsMax);
  }

  /** One call and its reply; `lost`: the fault that may swallow one of them. */
  call<T>(what: string, run: () => T, lost: FaultKind = "callLost"): Promise<T> {
    return new Promise((resolve, reject) => {
      if (this.#isDown)
        return this.later(refusalMs, () => reject(new StreamError("UNAVAILABLE", `${what}: out of reach`)));
      if (this.strikes(lost, what)) {
        const fate = this.dice.of(lost).below(3);
        if (fate > 0) this.later(fate === 1 ? 1 : 1 + this.dice.of(lost).below(lateMsMax), () => void attempt(run));
        return this.later(timeoutMs, () => reject(new StreamError("TIMEOUT", `${what}: no reply`)));
      }
      this.later(this.latencyMs(), () => {
        const outcome = attempt(run);
        if ("error" in outcome) reject(outcome.error);
        else resolve(outcome.value);
      });
    });
  }
}

function attempt<T>(run: () => T): { readonly value: T } | { readonly error: unknown } {
  try {
    return { value: run() };
  } catch (error) {
    return { error };
  }
}
