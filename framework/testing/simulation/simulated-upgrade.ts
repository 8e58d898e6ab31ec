/**
 * Somebody who upgrades the simulated job: a process of its own, which starts those of the next generation, and may die in the middle.
 *
 * Owns the process and its way to the place. What is done there is `upgrade.ts`'s business.
 */
import { messageOf } from "../../errors.ts";
import { noTotals, type JobEnd, type StartedJob } from "../../job-handle.ts";
import type { Registers } from "../../log/contracts.ts";
import { jobRegister, successorRegisters } from "../../log/names.ts";
import type { Random } from "../../platform/platform.ts";
import { silentLogger } from "../../platform/logger.ts";
import { upgradeJob, type UpgradeOptions } from "../../upgrade.ts";
import { ProcessScope } from "../process-scope.ts";
import { Connection } from "./connection.ts";
import type { Dice } from "./faults.ts";
import type { Journal } from "./journal.ts";
import type { SimulatedPlace } from "./place.ts";
import { simulatedBus } from "./simulated-bus.ts";
import type { SimulatedFleet } from "./simulated-fleet.ts";
import { simulatedHoldings } from "./simulated-holdings.ts";
import { SimulatedLogs } from "./simulated-logs.ts";
import type { SimulatedProgram } from "./simulated-program.ts";
import { SimulatedBlobs, simulatedRegisters } from "./simulated-stores.ts";

/** What an upgrade is made with. */
export interface UpgradeWorld {
  readonly place: SimulatedPlace;
  readonly dice: Dice;
  readonly random: Random;
  readonly journal: Journal;
  readonly fleet: SimulatedFleet;
}

/** What is to become of the job. */
export interface UpgradeWish extends UpgradeOptions {
  readonly program: SimulatedProgram;
  /** Workers of the next generation. */
  readonly workers: number;
  /** From the moment at which everything is ready to the switch, ms. */
  readonly hesitationMs: number;
}

const who = { states: ["upgrading"] };

/** One upgrade. */
export class SimulatedUpgrade {
  readonly connection: Connection;
  readonly scope = new ProcessScope();
  readonly #world: UpgradeWorld;
  /** Workers of the next generation live and die with it. */
  #program: SimulatedProgram | undefined;
  #isOver = false;

  constructor(world: UpgradeWorld) {
    this.#world = world;
    this.connection = new Connection(world.place, world.dice, world.random.fork("network"), () => who.states);
  }

  /** It has ended, or is dead. */
  get isOver(): boolean {
    return this.#isOver || this.scope.isDead;
  }

  /** SIGKILL. `withWorkers`: those that it has started go with it. */
  kill(withWorkers: boolean): void {
    if (this.isOver) return;
    this.#world.journal.write("the upgrading process is killed");
    this.scope.kill();
    if (withWorkers && this.#program !== undefined) this.#world.fleet.abandon(this.#program);
  }

  run({ program, workers, hesitationMs, ...options }: UpgradeWish): void {
    const { journal } = this.#world;
    const { plan } = program;
    const ends = { cluster: undefined, logger: silentLogger };
    const start = (successor: number, onMade: (started: StartedJob) => void) => {
      const started = this.#start({ ...program, successor }, workers);
      onMade(started);
      return Promise.resolve(started);
    };
    const administrator = this.#administrator(plan.job, hesitationMs);
    upgradeJob({ administrator, plan, ends, start }, options)
      .then(
        ({ result }) => journal.write(`upgraded to generation ${result.generation}`),
        (error: unknown) => journal.write("not upgraded", () => messageOf(error)),
      )
      .finally(() => {
        this.#isOver = true;
      });
  }

  #administrator(job: string, hesitationMs: number) {
    const { place, random } = this.#world;
    const { connection } = this;
    const seams = this.scope.seams({
      logs: new SimulatedLogs(connection, 0),
      bus: simulatedBus(connection),
      holdings: simulatedHoldings(connection, job),
      registers: () => Promise.resolve(this.#hesitant(simulatedRegisters(connection), hesitationMs)),
      blobs: (_job, generation) => Promise.resolve(new SimulatedBlobs(connection, generation)),
      savepoints: () => Promise.resolve(new SimulatedBlobs(connection, undefined)),
    });
    const platform = this.scope.platform({ clock: place.clock, random: random.fork("upgrade"), logger: silentLogger });
    return { seams, platform, by: "simulation" };
  }

  /** Registers that answer late when the job's own is looked at for the switch: what has been seen there may have changed. */
  #hesitant(registers: Registers, hesitationMs: number): Registers {
    const { clock } = this.#world.place;
    let isReady = false;
    let lateMs = hesitationMs;
    const get: Registers["get"] = async (key) => {
      const found = await registers.get(key);
      if (key !== jobRegister || !isReady || lateMs === 0) return found;
      await new Promise<void>((resolve) => clock.schedule(lateMs, resolve));
      lateMs = 0;
      return found;
    };
    const update: Registers["update"] = (key, value, revision) => {
      isReady ||= key.startsWith(successorRegisters);
      return registers.update(key, value, revision);
    };
    return { ...registers, get, update };
  }

  /** The workers of the next generation, as whoever starts them sees them. */
  #start(program: SimulatedProgram, workers: number): StartedJob {
    const { fleet } = this.#world;
    this.#program = program;
    for (let count = 0; count < workers; count += 1) fleet.spawn(0, program);
    const end = ({ outcome: state, message }: Pick<JobEnd, "message"> & { readonly outcome: JobEnd["state"] }) => ({
      state,
      message,
      totals: noTotals,
    });
    const never = () => Promise.reject(new Error("nobody asks that of an upgrade"));
    return {
      plan: program.plan,
      done: this.scope.settled(fleet.over(program).then(end)),
      stop: () => this.scope.settled(fleet.retire(program)),
      start: () => Promise.resolve(),
      status: never,
      savepoint: never,
      drain: never,
      expire: () => undefined,
      abandon: () => undefined,
    };
  }
}
