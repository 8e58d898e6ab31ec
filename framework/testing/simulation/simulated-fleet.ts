/**
 * The processes of a simulation, and who starts them again.
 *
 * Owns which of them live, and how the job ended. As long as the job goes on there is, sooner or later, a process again for each that has gone.
 */
import { messageOf, StreamError } from "../../errors.ts";
import type { Logger, LogLevel, Random } from "../../platform/platform.ts";
import type { Plan } from "../../plan/plan.ts";
import type { OutcomeRecord } from "../../record/messages.ts";
import type { Dice } from "./faults.ts";
import type { Journal } from "./journal.ts";
import type { SimulatedPlace } from "./place.ts";
import { SimulatedProcess } from "./simulated-process.ts";

/** What a fleet is made of. */
export interface FleetWorld {
  readonly place: SimulatedPlace;
  readonly dice: Dice;
  readonly random: Random;
  readonly journal: Journal;
  readonly plan: Plan;
  readonly inboxCutBytes: number;
  readonly laneBytes: number;
  /** How the job has ended by its job log, also when nobody has lived to tell. */
  recordedOutcome(): OutcomeRecord | undefined;
  /** The job says that it is stopped, though it has been told to go on: the job log has lost that. */
  onStoppedAgain(): void;
}

const startAgainMs = 500;
const driftMax = 0.1;

/** The fleet. */
export class SimulatedFleet {
  readonly #world: FleetWorld;
  readonly #processes: SimulatedProcess[] = [];
  /** What turns of instances take, by their names, where that is not as measured. */
  readonly busy = new Map<string, number>();
  #spawned = 0;
  #starting = 0;
  #isStopped = false;
  #outcome: OutcomeRecord | undefined;

  constructor(world: FleetWorld) {
    this.#world = world;
  }

  /** As the first worker that knew it has said. */
  get outcome(): OutcomeRecord | undefined {
    return this.#outcome;
  }

  /** Those that have been started and not killed. */
  get living(): readonly SimulatedProcess[] {
    return this.#processes.filter(({ scope }) => !scope.isDead);
  }

  /** {@link living}, and those that will be started. */
  get size(): number {
    return this.living.length + this.#starting;
  }

  get leader(): SimulatedProcess | undefined {
    return this.living.find(({ isLeader }) => isLeader);
  }

  /** Starts one more process, after a while. */
  spawn(delayMs = 0): void {
    this.#starting += 1;
    this.#world.place.clock.schedule(delayMs, () => {
      this.#starting -= 1;
      if (this.#outcome === undefined) void this.#start();
    });
  }

  /** SIGKILL. `isReported`: whoever started it says so to the others. */
  kill(process: SimulatedProcess, isReported: boolean, startAgainAfterMs: number): void {
    const id = process.worker?.id;
    process.kill();
    this.#world.journal.write(`kill process ${process.number}`);
    if (isReported && id !== undefined) this.living[0]?.worker?.reportDead(id);
    this.spawn(startAgainAfterMs);
  }

  /** The job is being stopped by a command: nobody takes the place of those who go. */
  expectStop(): void {
    this.#isStopped = true;
  }

  /** The job goes on: there are `workers` again, at least. */
  goOn(workers: number): void {
    this.#isStopped = false;
    while (this.size < workers) this.spawn();
  }

  /** There is a process, unless the job is stopped or over. */
  neverEmpty(): void {
    if (this.size === 0 && !this.#isStopped) this.spawn();
  }

  /** A process goes in good order. */
  leave(process: SimulatedProcess): void {
    const { worker } = process;
    if (worker === undefined) return;
    worker.stop().then(
      () => {
        process.kill();
        this.neverEmpty();
      },
      (error: unknown) => this.#world.journal.write(`process ${process.number} cannot leave: ${messageOf(error)}`),
    );
  }

  async #start(): Promise<void> {
    const { place, dice, random, plan, inboxCutBytes, laneBytes, journal } = this.#world;
    const number = this.#spawned;
    this.#spawned += 1;
    const process: SimulatedProcess = new SimulatedProcess(number, {
      place,
      dice,
      plan,
      inboxCutBytes,
      laneBytes,
      random: random.fork(`process ${number}`),
      logger: new ProcessLogger(journal, number),
      busyOf: (name) => this.busy.get(name),
      clockRate: this.#clockRate(),
      onOutcome: (of, outcome) => this.#onOutcome(of, outcome),
      onStopped: (of) => this.leave(of),
    });
    this.#processes.push(process);
    journal.write(`start process ${number}`);
    try {
      await process.start();
    } catch (error) {
      process.kill();
      journal.write(`process ${number} ends: ${messageOf(error)}`);
      if (StreamError.is(error, "JOB_NOT_RUNNABLE") && error.message.includes(" is failed"))
        this.#outcome ??= this.#world.recordedOutcome() ?? failed(error);
      else if (!this.#isStopped) this.#startAgain(error);
    }
  }

  #startAgain(error: unknown): void {
    if (StreamError.is(error, "JOB_NOT_RUNNABLE") && error.message.includes(" is stopped"))
      this.#world.onStoppedAgain();
    this.spawn(startAgainMs);
  }

  #clockRate(): number {
    const { dice } = this.#world;
    if (!dice.strikes("clockDrift", { states: ["joining"] }, "")) return 1;
    return 1 + driftMax * (2 * dice.of("clockDrift").next() - 1);
  }

  #onOutcome(process: SimulatedProcess, outcome: OutcomeRecord): void {
    const { journal } = this.#world;
    journal.write(`process ${process.number}: ${outcome.outcome} ${outcome.code} ${outcome.message}`);
    this.#outcome ??= outcome;
  }
}

/** The job cannot be joined: its register says that it has failed, and why. */
function failed({ code, message }: StreamError): OutcomeRecord {
  return { kind: "outcome", leader: 0, outcome: "failed", code, message };
}

/** What a process says, in the journal. */
class ProcessLogger implements Logger {
  readonly #journal: Journal;
  readonly #process: number;

  constructor(journal: Journal, process: number) {
    this.#journal = journal;
    this.#process = process;
  }

  log(level: LogLevel, message: string, fields?: Readonly<Record<string, unknown>>): void {
    this.#journal.write(`p${this.#process} ${level} ${message}`, () => JSON.stringify(fields ?? {}));
  }

  child(): Logger {
    return this;
  }
}
