/**
 * The processes of a simulation, and who starts them again.
 *
 * Owns which of them live, what they run, and how the job ended. As long as the job goes on there is, sooner or later, a process again for each that has gone: of
 * the program that the job is by then, or of one that is to follow it.
 */
import { messageOf, StreamError } from "../../errors.ts";
import type { Logger, LogLevel, Random } from "../../platform/platform.ts";
import type { Plan } from "../../plan/plan.ts";
import type { OutcomeRecord } from "../../record/messages.ts";
import type { Dice } from "./faults.ts";
import type { Journal } from "./journal.ts";
import type { SimulatedPlace } from "./place.ts";
import type { SimulatedProgram } from "./simulated-program.ts";
import { SimulatedProcess } from "./simulated-process.ts";

/** What a fleet is made of. */
export interface FleetWorld {
  readonly place: SimulatedPlace;
  readonly dice: Dice;
  readonly random: Random;
  readonly journal: Journal;
  /** What the first processes run. */
  readonly program: SimulatedProgram;
  readonly inboxCutBytes: number;
  readonly laneBytes: number;
  /** Whether the generation is the job, and not one before it, or one that is to follow. */
  isJob(generation: number | undefined): boolean;
  /** How the job has ended by its job log, also when nobody has lived to tell. */
  recordedOutcome(): OutcomeRecord | undefined;
  /** The job says that it is stopped, though it has been told to go on: the job log has lost that. */
  onStoppedAgain(): void;
}

const startAgainMs = 500;
/** After this long whoever was dismissed is killed, ms. */
const dismissMsMax = 7_000;
const driftMax = 0.1;

/** The fleet. */
export class SimulatedFleet {
  readonly #world: FleetWorld;
  readonly #processes: SimulatedProcess[] = [];
  /** What turns of instances take, by their names, where that is not as measured. */
  readonly busy = new Map<string, number>();
  /** What processes run that are started for the job. */
  #program: SimulatedProgram;
  readonly #known = new Set<SimulatedProgram>();
  /** Programs that nobody starts any more. */
  readonly #retired = new Set<SimulatedProgram>();
  /** Whom to tell that a generation which was to follow the job is over. */
  readonly #watched = new Map<SimulatedProgram, (outcome: OutcomeRecord) => void>();
  #spawned = 0;
  /** Programs of those that will be started; undefined: whatever is the job by then. */
  readonly #starting: (SimulatedProgram | undefined)[] = [];
  #isStopped = false;
  #outcome: OutcomeRecord | undefined;

  constructor(world: FleetWorld) {
    this.#world = world;
    this.#program = world.program;
    this.#known.add(world.program);
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
    return this.living.length + this.#starting.length;
  }

  get leader(): SimulatedProcess | undefined {
    return this.living.find(({ isLeader }) => isLeader);
  }

  /** From now on processes run this. */
  run(program: SimulatedProgram): void {
    this.#known.add(program);
    this.#program = program;
  }

  /** The job is of that plan's program now, whoever has seen to that. */
  follow(plan: Plan): void {
    this.run([...this.#known].find((each) => each.plan === plan) ?? { plan });
    this.neverEmpty();
  }

  /** Starts one more process, after a while. `program`: one that is to follow the job. @default what the job is by then */
  spawn(delayMs = 0, program?: SimulatedProgram): void {
    this.#starting.push(program);
    if (program !== undefined) this.#known.add(program);
    this.#world.place.clock.schedule(delayMs, () => {
      this.#starting.splice(this.#starting.indexOf(program), 1);
      const isWanted = program === undefined || !this.#retired.has(program);
      if (this.#outcome === undefined && isWanted) void this.#start(program ?? this.#program);
    });
  }

  /** Resolves when a generation that is to follow the job is over without having become it. */
  over(program: SimulatedProgram): Promise<OutcomeRecord> {
    return new Promise((resolve) => this.#watched.set(program, resolve));
  }

  /** A program that was to follow the job does not: its processes go, in good order or not. Resolves when they have gone. */
  async retire(program: SimulatedProgram): Promise<void> {
    this.#retired.add(program);
    await Promise.all(this.living.filter((each) => each.program === program).map((each) => this.#dismiss(each)));
  }

  /** The same, all at once: whoever has started them has gone, and they with it. */
  abandon(program: SimulatedProgram): void {
    this.#retired.add(program);
    for (const process of this.living) if (process.program === program) process.kill();
  }

  /** SIGKILL. `isReported`: whoever started it says so to the others. */
  kill(process: SimulatedProcess, isReported: boolean, startAgainAfterMs: number): void {
    const id = process.worker?.id;
    process.kill();
    this.#world.journal.write(`kill process ${process.number}`);
    if (isReported && id !== undefined) this.living[0]?.worker?.reportDead(id);
    this.spawn(startAgainAfterMs, this.#isPrepared(process) ? process.program : undefined);
  }

  /** The job is being stopped by a command: nobody takes the place of those who go. */
  expectStop(): void {
    this.#isStopped = true;
  }

  /** The job goes on: there are `workers` again, at least. */
  goOn(workers: number): void {
    this.#isStopped = false;
    while (this.#crew < workers) this.spawn();
  }

  /** There is a process, unless the job is stopped or over. */
  neverEmpty(): void {
    if (this.#crew === 0 && !this.#isStopped) this.spawn();
  }

  /** Those who run what the job is, and those who will. */
  get #crew(): number {
    const ours = this.living.filter(({ program }) => program === this.#program);
    return ours.length + this.#starting.filter((program) => (program ?? this.#program) === this.#program).length;
  }

  /** Of a generation that is to follow the job. */
  #isPrepared({ program, generation }: SimulatedProcess): boolean {
    const isToFollow = program.successor !== undefined && program !== this.#program;
    return isToFollow && !this.#retired.has(program) && !this.#world.isJob(generation);
  }

  async #dismiss(process: SimulatedProcess): Promise<void> {
    const { clock } = this.#world.place;
    const late = new Promise<void>((resolve) => clock.schedule(dismissMsMax, resolve));
    await Promise.race([process.worker?.stop(), late]).catch(() => undefined);
    process.kill();
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

  async #start(program: SimulatedProgram): Promise<void> {
    const { place, dice, random, inboxCutBytes, laneBytes, journal } = this.#world;
    const number = this.#spawned;
    this.#spawned += 1;
    const process: SimulatedProcess = new SimulatedProcess(number, {
      place,
      dice,
      program,
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
      else this.#startAgain(process, error);
    }
  }

  #startAgain(process: SimulatedProcess, error: unknown): void {
    if (this.#isPrepared(process)) {
      // Who has been given up does not come again.
      if (!StreamError.is(error, "JOB_MISMATCH")) this.spawn(startAgainMs, process.program);
      return;
    }
    if (this.#isStopped) return;
    if (process.program !== this.#program) return this.neverEmpty();
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
    if (this.#world.isJob(process.generation)) this.#outcome ??= outcome;
    else this.#overBeside(process, outcome);
  }

  /** A generation that is not the job is over: its process has nothing left to do. */
  #overBeside(process: SimulatedProcess, outcome: OutcomeRecord): void {
    process.kill();
    this.#watched.get(process.program)?.(outcome);
    this.neverEmpty();
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
