/**
 * One process of a simulation: a worker behind a border, with a clock of its own and a connection to the place.
 *
 * Owns what is peculiar to the process: its wall clock's error, the speed of its clock, and its ends as the plan has them.
 */
import { joinJob } from "../../actor/job-register.ts";
import type { Instance } from "../../actor/instance.ts";
import { awaitSuccession } from "../../actor/succession.ts";
import { Worker } from "../../actor/worker.ts";
import type { WorkerJob } from "../../actor/worker-job.ts";
import { StreamError } from "../../errors.ts";
import type { Blobs, Registers, Seams } from "../../log/contracts.ts";
import { JobNames } from "../../log/names.ts";
import type { SinkSpec, SinkWriter } from "../../log/sink.ts";
import type { Plan } from "../../plan/plan.ts";
import type { Clock, Logger, Platform, Random } from "../../platform/platform.ts";
import type { OutcomeRecord } from "../../record/messages.ts";
import type { JobRecord } from "../../record/snapshot-record.ts";
import { patientOrigin } from "../../actor/origin.ts";
import { checkedOrigin } from "../../restoring.ts";
import { ProcessScope } from "../process-scope.ts";
import { Connection } from "./connection.ts";
import type { Dice } from "./faults.ts";
import type { SimulatedPlace } from "./place.ts";
import { simulatedBus } from "./simulated-bus.ts";
import { simulatedHoldings } from "./simulated-holdings.ts";
import { SimulatedLogs } from "./simulated-logs.ts";
import { claimOf, type SimulatedProgram } from "./simulated-program.ts";
import { SimulatedBlobs, simulatedRegisters } from "./simulated-stores.ts";

/** What a process is started with. */
export interface ProcessWorld {
  readonly place: SimulatedPlace;
  readonly dice: Dice;
  readonly random: Random;
  readonly logger: Logger;
  readonly program: SimulatedProgram;
  /** What an inbox is made smaller by than its plan says, bytes. */
  readonly inboxCutBytes: number;
  /** What a lane holds before those who speak into it take no turn, bytes. */
  readonly laneBytes: number;
  /** Speed of its clock against the place's. */
  readonly clockRate: number;
  /** What the turns of an instance take, as a share of a core; undefined: as measured. */
  busyOf(name: string): number | undefined;
  onOutcome(process: SimulatedProcess, outcome: OutcomeRecord): void;
  /** The job has been stopped by a command: the process is to go. */
  onStopped(process: SimulatedProcess): void;
}

/** Machines and zones that processes are spread over. */
const hosts = 3;
const zones = 2;

const ends = new Set(["failed", "fenced", "released"]);

/** A process. */
export class SimulatedProcess {
  readonly number: number;
  readonly scope = new ProcessScope();
  readonly connection: Connection;
  readonly #world: ProcessWorld;
  #worker: Worker | undefined;
  #generation: number | undefined;
  /** Every instance that takes a turn here crashes. */
  isBad = false;
  /** Error of its wall clock, ms. */
  #skewMs = 0;

  constructor(number: number, world: ProcessWorld) {
    this.number = number;
    this.#world = world;
    this.connection = new Connection(world.place, world.dice, world.random.fork("network"), () => this.states);
  }

  get program(): SimulatedProgram {
    return this.#world.program;
  }

  /** The generation that it has joined; undefined while it has joined none. */
  get generation(): number | undefined {
    return this.#generation;
  }

  get worker(): Worker | undefined {
    return this.#worker;
  }

  get isLeader(): boolean {
    return this.#worker?.isLeader === true;
  }

  /** Incarnations that have not ended. */
  get instances(): readonly Instance[] {
    return (this.#worker?.instances ?? []).filter(({ phase }) => !ends.has(phase));
  }

  /** What the process is doing, for the coverage: the phases of its instances, and whether it leads. */
  get states(): Iterable<string> {
    const states = new Set(this.instances.map(({ phase }) => phase as string));
    if (this.isLeader) states.add("leading");
    if (states.size === 0) states.add(this.#worker === undefined ? "joining" : "idle");
    return states;
  }

  /** Starts the worker. @throws what the start of a process would end it with */
  async start(): Promise<void> {
    const { random, logger, laneBytes } = this.#world;
    const platform = this.scope.platform({ clock: this.#clock(), random: random.fork("worker"), logger });
    const job = await this.#join(platform);
    this.#worker = new Worker(platform, job, {
      laneBytesMax: laneBytes,
      place: { host: `host-${this.number % hosts}`, zone: `zone-${this.number % zones}`, processId: 0, capacity: 1 },
      probe: {
        beforeTurn: () => {
          if (this.isBad) throw new StreamError("UNAVAILABLE", "crashed by the simulation: a bad host");
        },
        busyOf: (name) => this.#world.busyOf(name),
      },
      onOutcome: (outcome) => this.#world.onOutcome(this, outcome),
      onStopped: () => this.#world.onStopped(this),
    });
    await this.#worker.start();
  }

  kill(): void {
    this.scope.kill();
  }

  jumpClock(deltaMs: number): void {
    this.#skewMs += deltaMs;
  }

  async #join(platform: Platform): Promise<WorkerJob> {
    const { program } = this.#world;
    const { plan, successor } = program;
    const seams = this.#seams();
    const registers = await seams.registers(plan.job);
    const held = successor === undefined ? undefined : await this.#awaitTurn(platform, seams, registers, successor);
    const record = held ?? (await this.#joinOrBegin(platform, seams, registers));
    this.#generation = record.generation;
    const blobs = await seams.blobs(plan.job, record.generation);
    const names = new JobNames(plan.job, record.generation);
    const origin = record.origin && patientOrigin(platform, seams, plan, record.origin);
    return { plan: this.#ownPlan(), names, seams, registers, blobs, origin, isSuccessor: held !== undefined };
  }

  #awaitTurn(platform: Platform, seams: Seams, registers: Registers, generation: number) {
    const { program, random } = this.#world;
    const { waitingSubject } = new JobNames(program.plan.job, generation);
    const me = Buffer.from(random.fork("waiting").id(8));
    const wait = () => seams.bus.publish(waitingSubject, me);
    return awaitSuccession(platform, registers, generation, claimOf(program), wait);
  }

  async #joinOrBegin({ logger }: Platform, seams: Seams, registers: Registers): Promise<JobRecord> {
    const { program } = this.#world;
    const { plan, from, successor } = program;
    const place = { cluster: undefined, logger };
    const origin = from === undefined ? undefined : await checkedOrigin({ seams }, plan, place, from);
    const claim = { ...claimOf(program), startNew: false, origin, generation: successor, difference: () => "" };
    return joinJob(registers, claim);
  }

  #seams(): Seams {
    const { connection } = this;
    const { program } = this.#world;
    const savepoints = new SimulatedBlobs(connection, undefined);
    return this.scope.seams({
      logs: new SimulatedLogs(connection, this.#world.inboxCutBytes),
      bus: simulatedBus(connection),
      holdings: simulatedHoldings(connection, program.plan.job),
      registers: () => Promise.resolve(simulatedRegisters(connection)),
      blobs: (_job, generation) => Promise.resolve(new SimulatedBlobs(connection, generation)),
      savepoints: () => Promise.resolve(program.isBlind === true ? blind(savepoints) : savepoints),
    });
  }

  /** A clock that runs at its own speed and shows its own time. */
  #clock(): Clock {
    const { clock } = this.#world.place;
    const { clockRate } = this.#world;
    const bornWallMs = clock.now();
    const bornMs = clock.monotonicMs();
    const passedMs = () => (clock.monotonicMs() - bornMs) * clockRate;
    return {
      now: () => Math.floor(bornWallMs + passedMs() + this.#skewMs),
      monotonicMs: () => bornMs + passedMs(),
      schedule: (delayMs, wake, options) => clock.schedule(Math.ceil(delayMs / clockRate), wake, options),
    };
  }

  /** The plan with ends that live outside: a dead process hears nothing of them. */
  #ownPlan(): Plan {
    const { plan } = this.#world.program;
    const stages = plan.stages.map((stage) => ({
      ...stage,
      sinks: stage.sinks.map((node) => ({ ...node, spec: this.#outside(node.spec) })),
    }));
    return { ...plan, stages };
  }

  #outside(spec: SinkSpec): SinkSpec {
    const { scope } = this;
    const wrap = (writer: SinkWriter): SinkWriter => ({
      write: (rows) => scope.settled(writer.write(rows)),
      close: () => scope.settled(writer.close()),
      ...(writer.prepare && { prepare: () => scope.settled(writer.prepare?.() ?? Promise.resolve(undefined)) }),
      ...(writer.commit && { commit: (prepared) => scope.settled(writer.commit?.(prepared) ?? Promise.resolve()) }),
      ...(writer.recover && { recover: (listed) => scope.settled(writer.recover?.(listed) ?? Promise.resolve()) }),
    });
    return { ...spec, open: (identity, home) => scope.settled(spec.open(identity, home).then(wrap)) };
  }
}

/** Savepoints in which nothing is found. */
function blind(blobs: Blobs): Blobs {
  return {
    put: (name, bytes) => blobs.put(name, bytes),
    get: (name) => blobs.get(name).then(() => undefined),
    delete: (name) => blobs.delete(name),
    list: (prefix) => blobs.list(prefix),
  };
}
