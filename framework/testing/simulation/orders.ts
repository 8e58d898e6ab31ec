/**
 * What people do with a simulated job: stop it, drain its workers, take savepoints, begin generations from them, upgrade it.
 *
 * Owns what they ask for; how a command is given is `commander.ts`'s business, and when, the disturber's.
 */
import type { Random } from "../../platform/platform.ts";
import type { Commander } from "./commander.ts";
import type { Dice, FaultKind } from "./faults.ts";
import type { Journal } from "./journal.ts";
import type { SimulatedPlace } from "./place.ts";
import type { SimulatedFleet } from "./simulated-fleet.ts";
import type { SimulatedProcess } from "./simulated-process.ts";
import type { SimulatedProgram } from "./simulated-program.ts";
import { SimulatedUpgrade } from "./simulated-upgrade.ts";

/** The job, and those who look after it. */
export interface OrderedJob {
  readonly fleet: SimulatedFleet;
  readonly place: SimulatedPlace;
  readonly dice: Dice;
  readonly random: Random;
  readonly journal: Journal;
  readonly commander: Commander;
  /** The next version of the program, with so many partitions. */
  readonly nextProgram: (partitions: number) => SimulatedProgram;
  /** Whether the job is of that program. */
  readonly isJob: (program: SimulatedProgram) => boolean;
}

/** Of a seed: each is a whole life of a job. */
const generationsMax = 2;
/** Ms between two drains. */
const drainsApartMs = 20;
/** An upgrade takes about so long when nothing comes in between, ms. */
const upgradeMs = 1_500;

/** Gives orders. */
export class Orders {
  readonly #world: OrderedJob;
  #savepoints = 0;
  /** Restores and upgrades so far. */
  #successors = 0;
  #drainedAtMs = -Infinity;
  /** Whether everybody dies at the moment at which the next savepoint is complete. */
  #isDoomed = false;
  #upgrade: SimulatedUpgrade | undefined;

  constructor(world: OrderedJob) {
    this.#world = world;
  }

  /** Nothing stands in anybody's way any more. */
  calm(): void {
    this.#upgrade?.connection.setDown(false);
    if (this.#upgrade?.scope.isPaused === true) this.#upgrade.scope.resume();
  }

  /** A savepoint of that generation is complete: those who have frozen for it may be gone before they read that. */
  onSavepoint(generation: number): void {
    const { fleet, dice } = this.#world;
    if (!this.#isDoomed || dice.isCalm) return;
    this.#isDoomed = false;
    for (const process of fleet.living.filter((each) => each.generation === generation))
      fleet.kill(process, this.#world.random.below(2) === 0, this.#world.random.below(3_000));
  }

  stop(kind: FaultKind): void {
    const { fleet, dice, commander, journal } = this.#world;
    const begin = () => {
      dice.count(kind, { states: this.#allStates() }, "stop");
      fleet.expectStop();
    };
    commander.stopFor(dice.spanMs(kind, 4_000), begin, () => {
      journal.write("goes on by command");
      fleet.goOn(1 + this.#below(kind, 3));
    });
  }

  drain(kind: FaultKind, process: SimulatedProcess | undefined): void {
    const { fleet, dice, commander, place } = this.#world;
    if (process?.worker === undefined || fleet.size < 2) return;
    // Each makes tasks of its own: without a pause, tasks would strike drains, and drains tasks, for ever at one moment.
    const nowMs = place.clock.monotonicMs();
    if (nowMs < this.#drainedAtMs + drainsApartMs) return;
    this.#drainedAtMs = nowMs;
    dice.count(kind, process, `process ${process.number}`);
    commander.drainFor(process.worker.id, dice.spanMs(kind, 8_000));
  }

  savepoint(kind: FaultKind): void {
    const { fleet, dice, commander, journal } = this.#world;
    const mode = (["resume", "resume", "resume", "hold", "stop"] as const)[this.#below(kind, 5)] ?? "resume";
    const timeoutMs = 500 + dice.spanMs(kind, 16_000);
    this.#savepoints += 1;
    dice.count(kind, { states: this.#allStates() }, `${mode}, ${timeoutMs} ms`);
    const goOn = () => {
      journal.write("goes on behind a savepoint");
      fleet.goOn(1 + this.#below(kind, 3));
    };
    const wish = { name: `s${this.#savepoints}`, mode, timeoutMs };
    commander.savepoint(wish, dice.spanMs(kind, 4_000), () => fleet.expectStop(), goOn);
  }

  restore(kind: FaultKind): void {
    const { fleet, dice, commander, journal, nextProgram, isJob } = this.#world;
    if (this.#successors >= generationsMax || commander.isBusy) return;
    this.#successors += 1;
    const mode = this.#below(kind, 3) === 0 ? "resume" : "stop";
    const partitions = 1 + this.#below(kind, 4);
    const { plan } = nextProgram(partitions);
    const workers = 1 + this.#below(kind, 3);
    this.#isDoomed = this.#below(kind, 3) === 0;
    dice.count(kind, { states: this.#allStates() }, `${mode}, ${partitions} partitions, ${workers} workers`);
    let program: SimulatedProgram | undefined;
    commander.restore({
      savepoint: { name: `r${this.#successors}`, mode, timeoutMs: 500 + dice.spanMs(kind, 16_000) },
      behindMs: dice.spanMs(kind, 2_000),
      forMs: dice.spanMs(kind, 1_000),
      plan,
      onStopping: () => fleet.expectStop(),
      onGoingOn: (reason) => {
        journal.write("goes on without a restore", () => reason);
        fleet.goOn(workers);
      },
      onBegin: (from) => {
        journal.write(`begins from ${from}`);
        program = { plan, from };
        fleet.run(program);
        fleet.goOn(workers);
      },
      hasBegun: () => program !== undefined && isJob(program),
    });
  }

  upgrade(kind: FaultKind): void {
    const { fleet, dice, random, place, journal, nextProgram } = this.#world;
    if (this.#successors >= generationsMax || this.#upgrade?.isOver === false) return;
    this.#successors += 1;
    const partitions = 1 + this.#below(kind, 4);
    const workers = 1 + this.#below(kind, 3);
    const isBlind = this.#below(kind, 8) === 0;
    this.#isDoomed = this.#below(kind, 4) === 0;
    const timeoutMs = 6_000 + dice.spanMs(kind, 16_000);
    // Just before the hold is given up, or behind it.
    const hesitationMs = this.#below(kind, 4) === 0 ? timeoutMs - 200 + this.#below(kind, 600) : 0;
    const what = `${partitions} partitions, ${workers} workers, ${timeoutMs} ms${isBlind ? ", does not come up" : ""}`;
    dice.count(kind, { states: this.#allStates() }, what);
    const upgrade = new SimulatedUpgrade({ place, dice, random: random.fork(`${this.#successors}`), journal, fleet });
    this.#upgrade = upgrade;
    upgrade.run({ program: { ...nextProgram(partitions), isBlind }, workers, timeoutMs, hesitationMs });
    place.clock.schedule(this.#below(kind, upgradeMs), () => this.#strike(kind, upgrade));
  }

  /** What comes in between. */
  #strike(kind: FaultKind, upgrade: SimulatedUpgrade): void {
    const { dice, place, journal } = this.#world;
    if (upgrade.isOver || dice.isCalm) return;
    const fate = this.#below(kind, 6);
    const forMs = dice.spanMs(kind, 20_000);
    if (fate === 0 || fate === 1) return upgrade.kill(fate === 0);
    if (fate === 2) {
      journal.write("the upgrading process stands still");
      upgrade.scope.pause();
      place.clock.schedule(forMs, () => upgrade.scope.isPaused && upgrade.scope.resume());
    } else if (fate === 3) {
      journal.write("the upgrading process reaches nothing");
      upgrade.connection.setDown(true);
      place.clock.schedule(forMs, () => upgrade.connection.setDown(false));
    }
  }

  #allStates(): string[] {
    return this.#world.fleet.living.flatMap((process) => [...process.states]);
  }

  #below(kind: FaultKind, bound: number): number {
    return this.#world.dice.of(kind).below(bound);
  }
}
