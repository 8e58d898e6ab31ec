/**
 * The faults of processes: decided between any two tasks of the clock, so between any two awaits of whatever a process is doing.
 *
 * Owns when the next one of each kind strikes. Half of those that strike a process choose one that is not simply running.
 */
import { StreamError } from "../../errors.ts";
import type { ProcessScope } from "../process-scope.ts";
import type { Dice, FaultKind } from "./faults.ts";
import type { Journal } from "./journal.ts";
import type { Orders } from "./orders.ts";
import type { SimulatedPlace } from "./place.ts";
import type { SimulatedFleet } from "./simulated-fleet.ts";
import type { SimulatedProcess } from "./simulated-process.ts";
import type { Successions } from "./successions.ts";

const hourMs = 3_600_000;
const processesMax = 5;
/** Messages that a log loses in a blackout, at most: it is to grow to its former length again. */
const blackoutMessagesMax = 5;
/** A process that nobody replaces goes on after this long, ms. */
const replacedMsMax = 10_000;

/** What is disturbed. */
export interface Disturbed {
  readonly fleet: SimulatedFleet;
  readonly place: SimulatedPlace;
  readonly dice: Dice;
  readonly journal: Journal;
  readonly orders: Orders;
  readonly successions: Successions;
  /** Sequence that the newest snapshot of an inbox's reader rests on; 0: there is none. */
  readonly snapshotOf: (inbox: string) => number;
  /** Prefix of the job's logs. */
  readonly logs: string;
  /** Crashes of actors and processes in all. */
  readonly crashesMax: number;
}

/** What turns may take, as shares of a core. */
const shares = [0, 0.05, 0.2, 0.5, 1] as const;

type Action = (kind: FaultKind) => void;

/** Disturbs. */
export class Disturber {
  readonly #world: Disturbed;
  /** Kind -> the task before which it strikes next. */
  readonly #next = new Map<FaultKind, number>();
  #step = 0;
  #soonest = Infinity;
  #crashes = 0;
  /** The process that spoils what takes a turn in it, now and then. */
  #bad: SimulatedProcess | undefined;
  /** Waits for its successor. */
  #replaced: SimulatedProcess | undefined;

  constructor(world: Disturbed) {
    this.#world = world;
    for (const kind of Object.keys(this.#actions) as FaultKind[]) this.#schedule(kind);
    this.#findSoonest();
  }

  /** Called between two tasks. */
  between(): void {
    this.#step += 1;
    if (this.#step < this.#soonest || this.#world.dice.isCalm) return;
    for (const [kind, at] of this.#next) {
      if (at > this.#step) continue;
      this.#actions[kind]?.(kind);
      this.#schedule(kind);
    }
    this.#findSoonest();
  }

  /** Everything is as it should be again. */
  calm(): void {
    const { dice, fleet, journal } = this.#world;
    dice.calm();
    journal.write("the faults are over");
    this.#world.orders.calm();
    for (const process of fleet.living) {
      process.connection.isCut = false;
      process.connection.setDown(false);
      process.connection.setJobLogLate(false);
      process.scope.slowDown(0);
      process.isBad = false;
      if (process.scope.isPaused) process.scope.resume();
    }
    fleet.neverEmpty();
  }

  readonly #actions: Readonly<Partial<Record<FaultKind, Action>>> = {
    crashActor: (kind) => this.#crashActor(kind),
    crashWorker: (kind) => this.#crash(kind, this.#pick(kind)),
    crashLeader: (kind) => this.#crash(kind, this.#world.fleet.leader),
    pauseWorker: (kind) => this.#pause(kind, this.#pick(kind)),
    pauseLeader: (kind) => this.#pause(kind, this.#world.fleet.leader),
    slowWorker: (kind) => this.#slow(kind),
    moves: (kind) => this.#move(kind),
    commands: (kind) => this.#world.orders.stop(kind),
    drains: (kind) => this.#world.orders.drain(kind, this.#pick(kind)),
    loads: (kind) => this.#load(kind),
    badHost: (kind) => this.#spoil(kind),
    savepoints: (kind) => this.#world.orders.savepoint(kind),
    restores: (kind) => this.#world.orders.restore(kind),
    upgrades: (kind) => this.#world.orders.upgrade(kind),
    clockJump: (kind) => this.#jump(kind),
    busCut: (kind) => this.#cut(kind),
    placeDown: (kind) => this.#down(kind),
    linkDown: (kind) => this.#partFromAll(kind),
    tailLost: (kind) => this.#loseTail(kind),
    logRecreated: (kind) => this.#recreate(kind),
    blobsWiped: (kind) => this.#wipe(kind),
    jobLogLate: (kind) => this.#delayJobLog(kind),
    replaced: (kind) => this.#replace(kind),
    blackout: (kind) => this.#blackOut(kind),
  };

  #schedule(kind: FaultKind): void {
    const { dice } = this.#world;
    const rate = dice.rate(kind);
    this.#next.set(kind, rate === 0 ? Infinity : this.#step + 1 + dice.of(kind).below(Math.ceil(2 / rate)));
  }

  #findSoonest(): void {
    this.#soonest = Math.min(...this.#next.values());
  }

  #below(kind: FaultKind, bound: number): number {
    return this.#world.dice.of(kind).below(bound);
  }

  /** A process that runs: half of the time one in which something else than running goes on. */
  #pick(kind: FaultKind): SimulatedProcess | undefined {
    const awake = this.#world.fleet.living.filter(({ scope }) => !scope.isPaused);
    const busy = awake.filter(({ instances }) => instances.some(({ phase }) => phase !== "running"));
    const from = busy.length > 0 && this.#below(kind, 2) === 0 ? busy : awake;
    return from[this.#below(kind, Math.max(1, from.length))];
  }

  #crashActor(kind: FaultKind): void {
    const awake = this.#world.fleet.living.filter(({ scope }) => !scope.isPaused);
    const all = awake.flatMap(({ instances }) => instances);
    const busy = all.filter(({ phase }) => phase !== "running");
    const from = busy.length > 0 && this.#below(kind, 2) === 0 ? busy : all;
    const victim = from[this.#below(kind, Math.max(1, from.length))];
    if (victim === undefined || this.#isEnough()) return;
    this.#world.dice.count(kind, { states: [victim.phase] }, `${victim.name} epoch ${victim.epoch} ${victim.phase}`);
    victim.fail(new StreamError("UNAVAILABLE", "crashed by the simulation"));
  }

  #crash(kind: FaultKind, process: SimulatedProcess | undefined): void {
    if (process === undefined || this.#isEnough()) return;
    this.#world.dice.count(kind, process, `process ${process.number}`);
    this.#world.fleet.kill(process, this.#below(kind, 2) === 0, this.#world.dice.spanMs(kind, 6_000));
  }

  #isEnough(): boolean {
    this.#crashes += 1;
    return this.#crashes > this.#world.crashesMax;
  }

  /** Beyond the failure detection it becomes a zombie: somebody must be there to take its work over. */
  #pause(kind: FaultKind, process: SimulatedProcess | undefined): void {
    const { fleet, dice, place, journal } = this.#world;
    if (process === undefined || process.scope.isPaused) return;
    dice.count(kind, process, `process ${process.number}`);
    process.scope.pause();
    const forMs = this.#world.dice.spanMs(kind, 20_000);
    if (this.#below(kind, 2) === 0 && fleet.size < processesMax) fleet.spawn(this.#below(kind, 500));
    if (this.#below(kind, 2) === 0) this.#reportDead(process);
    place.clock.schedule(forMs, () => {
      if (process.scope.isDead || !process.scope.isPaused) return;
      journal.write(`process ${process.number} goes on`);
      process.scope.resume();
    });
  }

  /** Half of the time that of the leader, who then knows less of its own decisions than those who carry them out. */
  #delayJobLog(kind: FaultKind): void {
    const { fleet, dice, place } = this.#world;
    const process = this.#below(kind, 2) === 0 ? fleet.leader : this.#pick(kind);
    if (process === undefined) return;
    dice.count(kind, process, `process ${process.number}`);
    process.connection.setJobLogLate(true);
    place.clock.schedule(this.#world.dice.spanMs(kind, 12_000), () => process.connection.setJobLogLate(false));
  }

  /** The moment in which two incarnations of an instance speak at once: the older one has not heard of the newer, nor, sometimes, has the leader. */
  #replace(kind: FaultKind): void {
    const { fleet, dice, place, successions } = this.#world;
    if (this.#replaced !== undefined) return;
    // What an older leader says is void by another rule.
    const others = fleet.living.filter((each) => each !== fleet.leader && each.instances.length > 0);
    const process = others[this.#below(kind, Math.max(1, others.length))];
    if (process === undefined || process.scope.isPaused) return;
    this.#replaced = process;
    dice.count(kind, process, `process ${process.number}`);
    const leader = this.#below(kind, 4) > 0 ? fleet.leader : undefined;
    for (const each of [process, leader]) each?.connection.setJobLogLate(true);
    process.scope.pause();
    if (fleet.size < processesMax) fleet.spawn(this.#below(kind, 500));
    if (this.#below(kind, 2) === 0) this.#reportDead(process);
    // Soon enough to speak while its successor prepares; or when that has trimmed what it has not read, and the leader begins to doubt its own assignment.
    const isLong = this.#below(kind, 3) === 0;
    const afterMs = isLong ? 2_000 + this.#below(kind, 2_000) : this.#below(kind, 12);
    const goOn = () => this.#goOnBeside(kind, process, leader, isLong);
    // Sources first: what they say in vain is all that event time rests on.
    const sources = process.instances.filter(({ stage }) => stage.source !== undefined);
    successions.onNext(sources.length > 0 ? sources : process.instances, () => {
      const successors = fleet.living.filter((other) => other !== process && other !== leader);
      for (const { scope } of successors) this.#slowFor(scope, this.#below(kind, 20), this.#below(kind, 500));
      place.clock.schedule(afterMs, goOn);
    });
    place.clock.schedule(replacedMsMax, goOn);
  }

  #goOnBeside(kind: FaultKind, process: SimulatedProcess, leader: SimulatedProcess | undefined, isLong: boolean): void {
    const { place, journal } = this.#world;
    if (this.#replaced !== process) return;
    this.#replaced = undefined;
    journal.write(`process ${process.number} goes on beside its successor`);
    process.scope.resume();
    const { connection } = process;
    const longMs = 3_000 + this.#below(kind, 4_000);
    place.clock.schedule(isLong ? longMs : this.#world.dice.spanMs(kind, 2_000), () => connection.setJobLogLate(false));
    // Mostly as soon as it has heard what the older one says, and the successor has not spoken.
    const leaderMs = isLong ? longMs : 5 + this.#below(kind, 60);
    place.clock.schedule(leaderMs, () => leader?.connection.setJobLogLate(false));
  }

  /** Power is lost: what was acknowledged and not on any disk yet is gone with those who knew of it, and with it what snapshots rest on. */
  #blackOut(kind: FaultKind): void {
    const { fleet, dice, place, snapshotOf } = this.#world;
    if (this.#isEnough()) return;
    dice.count(kind, { states: this.#allStates() }, `${fleet.living.length} processes`);
    for (const process of fleet.living) fleet.kill(process, false, this.#world.dice.spanMs(kind, 2_000));
    for (const name of this.#someLogs()) {
      const messages = (place.log(name)?.last ?? 0) - snapshotOf(name) + 1 + this.#below(kind, 2);
      if (snapshotOf(name) > 0 && messages <= blackoutMessagesMax) place.log(name)?.loseTail(messages);
    }
  }

  #slow(kind: FaultKind): void {
    const process = this.#pick(kind);
    if (process === undefined) return;
    const lagMs = 1 + this.#below(kind, 20);
    this.#world.dice.count(kind, process, `process ${process.number}: ${lagMs} ms a task`);
    this.#slowFor(process.scope, lagMs, this.#world.dice.spanMs(kind, 8_000));
  }

  #slowFor(scope: ProcessScope, lagMs: number, forMs: number): void {
    scope.slowDown(lagMs);
    this.#world.place.clock.schedule(forMs, () => scope.slowDown(0));
  }

  /** Somebody who lives is told that a process does not. */
  #reportDead(process: SimulatedProcess): void {
    const { worker } = process;
    const other = this.#world.fleet.living.find((each) => each !== process && !each.scope.isPaused);
    if (worker !== undefined) other?.worker?.reportDead(worker.id);
  }

  #move(kind: FaultKind): void {
    const { fleet, dice } = this.#world;
    const process = this.#pick(kind);
    const mayLeave = process !== undefined && process.worker !== undefined && fleet.size > 1;
    if (mayLeave && (fleet.size >= processesMax || this.#below(kind, 2) === 0)) {
      dice.count(kind, process, `process ${process.number} leaves`);
      return fleet.leave(process);
    }
    if (fleet.size >= processesMax) return;
    dice.count(kind, { states: ["joining"] }, "one more process");
    fleet.spawn();
  }

  #load(kind: FaultKind): void {
    const { fleet, dice } = this.#world;
    const all = fleet.living.flatMap(({ instances }) => instances);
    const instance = all[this.#below(kind, Math.max(1, all.length))];
    if (instance === undefined) return;
    const share = shares[this.#below(kind, shares.length)] ?? 0;
    dice.count(kind, { states: [instance.phase] }, `${instance.name}: ${share}`);
    fleet.busy.set(instance.name, share);
  }

  /** One in the whole simulation, and only while somebody else could take over. */
  #spoil(kind: FaultKind): void {
    const { fleet, dice, place } = this.#world;
    const others = fleet.living.filter(({ scope, worker }) => !scope.isPaused && worker !== undefined);
    if (others.length < 2) return;
    this.#bad ??= others[this.#below(kind, others.length)];
    const process = others.find((each) => each === this.#bad);
    if (process === undefined || process.isBad || this.#isEnough()) return;
    dice.count(kind, process, `process ${process.number}`);
    process.isBad = true;
    place.clock.schedule(this.#world.dice.spanMs(kind, 20_000), () => void (process.isBad = false));
  }

  #jump(kind: FaultKind): void {
    const { place, dice } = this.#world;
    const deltaMs = this.#below(kind, 2 * hourMs) - hourMs;
    const process = this.#pick(kind);
    if (process === undefined || this.#below(kind, 4) === 0) {
      dice.count(kind, { states: ["place"] }, `the place by ${deltaMs} ms`);
      return place.clock.jumpWall(deltaMs);
    }
    dice.count(kind, process, `process ${process.number} by ${deltaMs} ms`);
    process.jumpClock(deltaMs);
  }

  #cut(kind: FaultKind): void {
    const process = this.#pick(kind);
    if (process === undefined) return;
    this.#world.dice.count(kind, process, `process ${process.number}`);
    process.connection.isCut = true;
    this.#world.place.clock.schedule(
      this.#world.dice.spanMs(kind, 12_000),
      () => void (process.connection.isCut = false),
    );
  }

  #down(kind: FaultKind): void {
    const { fleet, dice } = this.#world;
    const one = this.#pick(kind);
    const cut = one !== undefined && this.#below(kind, 2) === 0 ? [one] : fleet.living;
    dice.count(kind, { states: cut.flatMap((process) => [...process.states]) }, `processes ${numbersOf(cut)}`);
    this.#unlink(cut, this.#world.dice.spanMs(kind, 15_000));
  }

  #partFromAll(kind: FaultKind): void {
    const process = this.#pick(kind);
    if (process === undefined || process.connection.isDown) return;
    const { dice, place } = this.#world;
    dice.count(kind, process, `process ${process.number}`);
    const forMs = dice.spanMs(kind, 15_000);
    process.connection.isCut = true;
    place.clock.schedule(forMs, () => void (process.connection.isCut = false));
    this.#unlink([process], forMs);
  }

  #unlink(cut: readonly SimulatedProcess[], forMs: number): void {
    const { place, journal } = this.#world;
    for (const { connection } of cut) connection.setDown(true);
    place.clock.schedule(forMs, () => {
      journal.write(`reachable again: processes ${numbersOf(cut)}`);
      for (const { connection } of cut) connection.setDown(false);
    });
  }

  #loseTail(kind: FaultKind): void {
    const name = this.#anyLog(kind);
    if (name === undefined) return;
    const messages = 1 + this.#below(kind, 8);
    this.#world.dice.count(kind, { states: this.#allStates() }, `${name}: ${messages} messages`);
    this.#world.place.log(name)?.loseTail(messages);
    // Only a server that has been down has lost anything.
    this.#unlink(this.#world.fleet.living, this.#world.dice.spanMs(kind, 2_000));
  }

  #recreate(kind: FaultKind): void {
    const name = this.#anyLog(kind);
    if (name === undefined) return;
    this.#world.dice.count(kind, { states: this.#allStates() }, name);
    this.#world.place.recreateLog(name);
  }

  #wipe(kind: FaultKind): void {
    const { place, dice } = this.#world;
    const all = place.generations.map((generation) => place.blobsOf(generation));
    const count = all.reduce((sum, { size }) => sum + size, 0);
    if (count === 0) return;
    dice.count(kind, { states: this.#allStates() }, `${count} blobs`);
    for (const blobs of all) blobs.clear();
  }

  #allStates(): string[] {
    return this.#world.fleet.living.flatMap((process) => [...process.states]);
  }

  #someLogs(): readonly string[] {
    const { place, logs } = this.#world;
    return place.logNames.filter((name) => name.startsWith(logs) && !/_(DEAD|LATE)$/.test(name));
  }

  /** An inbox, or the job log. */
  #anyLog(kind: FaultKind): string | undefined {
    const names = this.#someLogs();
    return names[this.#below(kind, Math.max(1, names.length))];
  }
}

function numbersOf(processes: readonly SimulatedProcess[]): string {
  return processes.map(({ number }) => number).join(", ");
}
