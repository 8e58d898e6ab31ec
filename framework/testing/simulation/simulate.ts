/**
 * One seed from beginning to end: draws a world, lets it run, and asks the oracles.
 *
 * SIM1. Everything that is drawn comes from the seed, and everything that happens is in the hash.
 */
import { parseHoldingName } from "../../log/holding-name.ts";
import type { SourceSpec } from "../../log/source.ts";
import { compile } from "../../plan/compile.ts";
import { embeddedDefaults } from "../../plan/options.ts";
import type { Plan } from "../../plan/plan.ts";
import { fenceReserveBytes, watermarkReserveBytes } from "../../plan/reserve.ts";
import type { Random } from "../../platform/platform.ts";
import { seededRandom } from "../../platform/random.ts";
import { VirtualClock } from "../../platform/virtual-clock.ts";
import { decodeMessage } from "../../record/frame.ts";
import type {
  Ending,
  Mix,
  Scenario,
  Setting,
  SideOutputs,
  SimulatedRecord,
  SimulationOptions,
  SplitScript,
  Verdict,
  Violation,
  Workload,
} from "./contract.ts";
import { bystander } from "./bystander.ts";
import { Commander } from "./commander.ts";
import { Disturber } from "./disturber.ts";
import { Dice, type FaultKind } from "./faults.ts";
import { Generations } from "./generations.ts";
import { Journal } from "./journal.ts";
import { LedgerSink, type LedgerGuarantee } from "./ledger-sink.ts";
import { mixOf } from "./mixes.ts";
import { Orders } from "./orders.ts";
import { SimulatedPlace } from "./place.ts";
import { ReplayOracle } from "./replay-oracle.ts";
import { scriptedSource } from "./scripted-source.ts";
import { sideOutputs } from "./side-outputs.ts";
import { Successions } from "./successions.ts";
import { SimulatedFleet } from "./simulated-fleet.ts";
import { allWorkloads, commonWorkloads } from "./workloads/all.ts";

/** Virtual time within which everything is done once the faults are over, ms (O8). */
const recoveryMsMax = 180_000;
/** Faults after which chunks of older incarnations may be left that were there before the sweep. */
const hidingChunks: readonly FaultKind[] = [
  "callLost",
  "blobListStale",
  "blobSlow",
  "deleteLate",
  "placeDown",
  "linkDown",
];
/** Virtual time that a replay may take, ms. */
const replayMsMax = 600_000;
/** Codes with which a job may stop when the fault model has been exceeded (O10). */
const honestCodes: ReadonlySet<string> = new Set(["DATA_LOST", "CORRUPT", "DIVERGED", "JOB_NOT_RUNNABLE"]);
const guarantees: readonly LedgerGuarantee[] = ["idempotent", "transactional", "twoPhase"];

/**
 * Runs one seed of a mix.
 *
 * @example
 * const { violations } = await simulate(17, "swarm");
 * @throws RangeError when there is no such mix
 */
export async function simulate(seed: number, mixName: string, options: SimulationOptions = {}): Promise<Verdict> {
  const mix = mixOf(mixName);
  if (mix === undefined) throw new RangeError(`there is no mix ${mixName}`);
  return new Simulation(seed, mix, options).run();
}

class Simulation {
  readonly #seed: number;
  readonly #mix: Mix;
  readonly #clock: VirtualClock;
  readonly #journal: Journal;
  readonly #setting: Setting;
  readonly #dice: Dice;
  readonly #place: SimulatedPlace;
  readonly #workload: Workload;
  readonly #scenario: Scenario;
  readonly #generations: Generations;
  readonly #fleet: SimulatedFleet;
  readonly #disturber: Disturber;
  readonly #orders: Orders;
  readonly #successions: Successions;
  readonly #scripts = new Map<SourceSpec<SimulatedRecord>, readonly SplitScript[]>();
  readonly #replays: ReplayOracle;
  readonly #replayRandom: Random;
  readonly #sinks: LedgerSink[] = [];
  /** Versions of the program so far. */
  #versions = 0;
  #steps = 0;

  constructor(seed: number, mix: Mix, options: SimulationOptions) {
    const random = seededRandom(`${mix.name} ${seed}`);
    this.#seed = seed;
    this.#mix = mix;
    this.#clock = new VirtualClock({ wallMs: 1_700_000_000_000, random: random.fork("schedule") });
    this.#journal = new Journal(this.#clock, options.onTrace);
    this.#setting = mix.draw(random.fork("setting"));
    this.#dice = new Dice(random.fork("faults"), this.#setting.rates, options.without ?? new Set(), (kind, what) =>
      this.#journal.write(`fault ${kind}`, () => what),
    );
    this.#place = new SimulatedPlace(this.#clock);
    this.#workload = this.#drawWorkload(random.fork("workload"), options.workload);
    this.#scenario = this.#drawScenario(random.fork("scenario"));
    const plan = this.#compile(this.#setting.partitions);
    this.#generations = this.#watchGenerations(plan);
    const administrator = bystander(this.#place, plan.job);
    const commander = new Commander(this.#place, administrator, plan.job);
    this.#fleet = new SimulatedFleet({
      place: this.#place,
      dice: this.#dice,
      random: random.fork("fleet"),
      journal: this.#journal,
      program: { plan },
      isJob: (generation) => this.#generations.isJob(generation),
      inboxCutBytes: watermarkReserveBytes + fenceReserveBytes - 2 * this.#setting.reserveBytes,
      laneBytes: this.#setting.laneBytes,
      recordedOutcome: () => this.#generations.current.outcome,
      onStoppedAgain: () => commander.goOn(),
    });
    this.#replays = new ReplayOracle(administrator, this.#journal);
    this.#replayRandom = random.fork("replays");
    this.#successions = new Successions((inbox, { stage, partition }) => {
      const { plan: of, names } =
        this.#generations.of(parseHoldingName(inbox)?.generation) ?? this.#generations.current;
      return inbox === names.inbox(of.stages[stage]?.name ?? "", partition);
    });
    this.#orders = new Orders({
      fleet: this.#fleet,
      place: this.#place,
      dice: this.#dice,
      random: random.fork("orders"),
      journal: this.#journal,
      commander,
      nextProgram: (partitions) => {
        const next = this.#compile(partitions);
        this.#generations.addProgram(next);
        return { plan: next };
      },
      isJob: (program) => this.#generations.current.plan === program.plan,
    });
    this.#disturber = new Disturber({
      successions: this.#successions,
      snapshotOf: (inbox) => this.#generations.current.pointers.sequenceOf(inbox),
      fleet: this.#fleet,
      place: this.#place,
      dice: this.#dice,
      journal: this.#journal,
      orders: this.#orders,
      logs: `TM_${plan.job}_`,
      crashesMax: this.#setting.crashesMax,
    });
    this.#watch();
  }

  async run(): Promise<Verdict> {
    const { workers, faultsMs } = this.#setting;
    this.#journal.write(`seed ${this.#seed} ${this.#mix.name}: ${this.#workload.name}`, () =>
      JSON.stringify(this.#setting),
    );
    for (let count = 0; count < workers; count += 1) this.#fleet.spawn();
    this.#clock.schedule(faultsMs, () => this.#disturber.calm());
    this.#clock.schedule(this.#replayRandom.below(faultsMs), () => void this.#replayOne());
    const stuck = await this.#untilOver(faultsMs + recoveryMsMax);
    const side = await sideOutputs(this.#place, this.#generations);
    if (this.#ending() === "completed") await this.#untilDone(this.#replayOne());
    return this.#verdict(stuck, side);
  }

  #drawWorkload(random: Random, wanted: string | undefined): Workload {
    const { seldom, workloads } = this.#mix;
    const isSeldom = seldom !== undefined && random.fork("seldom").below(8) === 0;
    const names = wanted === undefined ? (isSeldom ? seldom : workloads) : [wanted];
    const some = names === undefined ? commonWorkloads : allWorkloads.filter(({ name }) => names.includes(name));
    const drawn = some[random.below(some.length)];
    if (drawn === undefined) throw new RangeError(`there is no workload ${names?.join(", ")}`);
    return drawn;
  }

  #drawScenario(random: Random): Scenario {
    const world = { clock: this.#clock, dice: this.#dice, generations: () => this.#generations };
    return this.#workload.draw({
      random,
      inputMs: Math.floor(this.#setting.faultsMs * 0.7),
      later: (ms) => new Promise((resolve) => this.#clock.schedule(ms, resolve)),
      source: (splits) => {
        const source = scriptedSource(world, splits);
        this.#scripts.set(source.spec, splits);
        return source;
      },
      sink: (name) => {
        const sink = new LedgerSink(world, name, guarantees[random.below(guarantees.length)] ?? "idempotent");
        this.#sinks.push(sink);
        return sink;
      },
    });
  }

  /** The next version of the program. */
  #compile(partitions: number): Plan {
    this.#versions += 1;
    const { snapshotBytes, snapshotIntervalMs, inboxBytes, frameBytes, restartsMax } = this.#setting;
    const { job, rewired = (plan) => plan } = this.#scenario;
    const defaults = {
      ...embeddedDefaults,
      partitions,
      snapshotBytes,
      snapshotIntervalMs,
      inboxBytes,
      frameBytesMax: inboxBytes,
      frameBytesTarget: frameBytes,
      restart: { restartsMax, withinMs: 60_000 },
    };
    return rewired(compile(job, { defaults, version: `simulated ${this.#versions}` }));
  }

  #watchGenerations(first: Plan): Generations {
    const scriptsOf = ({ stages }: Plan, stage: number) =>
      [...this.#scripts].find(([spec]) => spec.reader === stages[stage]?.source?.reader)?.[1];
    return new Generations({ place: this.#place, dice: this.#dice, scriptsOf }, first, {
      onBegun: (generation, plan) => this.#begin(generation, plan),
    });
  }

  #begin(generation: number, plan: Plan): void {
    this.#journal.write(`the job is generation ${generation}`);
    this.#fleet.follow(plan);
  }

  #watch(): void {
    this.#place.watch({
      onStored: (log, sequence, payload) => {
        this.#journal.write(`${log} ${sequence} ${payload.length} ${payload.at(1)} ${payload.at(-1)}`);
        this.#onStored(log, sequence, payload);
      },
      onTrimmed: (log, first) => {
        this.#journal.write(`${log} trimmed to ${first}`);
        for (const { pointers } of this.#generations.all) pointers.onTrimmed(log);
      },
      onRegistered: (key, value) => {
        this.#journal.write(`${key} written ${value.length}`);
        this.#generations.onRegistered(key, value);
      },
      onBlobDeleted: (generation, name) => {
        this.#journal.write(`${name} deleted`);
        this.#generations.of(generation)?.pointers.onBlobDeleted(name);
      },
      onPublished: (subject, payload) => {
        for (const each of this.#generations.all) each.onPublished(subject, payload);
      },
    });
  }

  #onStored(log: string, sequence: number, payload: Uint8Array): void {
    const { generation = 0, holds } = parseHoldingName(log) ?? {};
    if (holds === "jobLog") {
      const isComplete = this.#generations.of(generation)?.onJobLog(sequence, payload) === true;
      return isComplete ? this.#orders.onSavepoint(generation) : undefined;
    }
    const message = decodeMessage(payload);
    this.#generations.onStored(generation, log, message);
    this.#successions.onStored(log, message);
  }

  /** Lets the job run until it is over. Answers why it is not, if it is not. */
  async #untilOver(limitMs: number): Promise<string | undefined> {
    try {
      await this.#clock.until(() => {
        if (this.#fleet.outcome !== undefined) return true;
        this.#steps += 1;
        this.#disturber.between();
        return false;
      }, limitMs);
      return undefined;
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
  }

  /** O9: chunks that nobody names are gone, where no chunk may have been put or hidden after its owner's end. */
  #garbage(): readonly Violation[] {
    if (hidingChunks.some((kind) => (this.#dice.counts[kind] ?? 0) > 0)) return [];
    const orphans = this.#generations.current.pointers.orphans();
    if (orphans.length === 0) return [];
    return [{ oracle: "O9", what: `${orphans.length} chunks that no pointer names, such as ${orphans[0]}` }];
  }

  /** O5, for an instance that is drawn. */
  #replayOne(): Promise<void> {
    const { plan } = this.#generations.current;
    const stages = plan.stages.filter(({ source }) => source === undefined);
    const stage = stages[this.#replayRandom.below(stages.length)];
    if (stage === undefined) return Promise.resolve();
    return this.#replays.replay(plan, `${stage.name}/${this.#replayRandom.below(stage.partitions)}`);
  }

  async #untilDone(work: Promise<void>): Promise<void> {
    let isDone = false;
    void work.then(() => void (isDone = true));
    await this.#clock.until(() => isDone, replayMsMax);
  }

  #verdict(stuck: string | undefined, side: SideOutputs): Verdict {
    const ending = this.#ending();
    return {
      seed: this.#seed,
      mix: this.#mix.name,
      workload: this.#workload.name,
      ending,
      violations: this.#violations(ending, stuck, side),
      hash: this.#journal.hash,
      steps: this.#steps,
      virtualMs: Math.round(this.#clock.monotonicMs()),
      faults: this.#dice.counts,
      coverage: this.#dice.coverage,
    };
  }

  #ending(): Ending {
    const { outcome } = this.#fleet;
    if (outcome === undefined) return "unfinished";
    return outcome.outcome === "completed" ? "completed" : `stopped: ${outcome.code}`;
  }

  #violations(ending: Ending, stuck: string | undefined, side: SideOutputs): readonly Violation[] {
    const seen = [
      ...this.#generations.all.flatMap(({ violations }) => violations),
      ...this.#generations.violations,
      ...this.#replays.violations,
      ...this.#sinks.flatMap((sink) => sink.violations),
    ];
    // Beyond the fault model only what came out counts (O10).
    const judged = this.#dice.hasExceeded ? seen.filter(({ oracle }) => oracle === "O7") : seen;
    if (ending === "completed") return [...judged, ...this.#atCompletion(side)];
    const isHonest = this.#dice.hasExceeded && honestCodes.has(ending.slice("stopped: ".length));
    if (isHonest) return [];
    const { outcome } = this.#fleet;
    const what = ending === "unfinished" ? `${stuck}` : `the job has stopped: ${outcome?.code} ${outcome?.message}`;
    return [...judged, { oracle: this.#dice.hasExceeded ? "O10" : "O8", what }];
  }

  #atCompletion(side: SideOutputs): readonly Violation[] {
    if (this.#dice.hasExceeded)
      return this.#scenario
        .check(side)
        .map(({ oracle, what }) => ({ oracle: "O10" as const, what: `${oracle}: ${what}` }));
    const { all, current } = this.#generations;
    const savepoints = all.flatMap((each) => each.savepoints.atCompletion(each === current));
    const rows = this.#sinks.flatMap((sink) => sink.atCompletion());
    return [...this.#scenario.check(side), ...current.channels.missing(), ...this.#garbage(), ...savepoints, ...rows];
  }
}
