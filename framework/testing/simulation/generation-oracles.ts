/**
 * What is judged of one generation of the job: its channels, pointers, savepoints, idleness and excuses, each by itself.
 *
 * Owns its oracles, and what its job log says of its end. What comes of several generations together is judged by `generations.ts`.
 */
import { JobNames } from "../../log/names.ts";
import type { Plan } from "../../plan/plan.ts";
import type { InboxMessage } from "../../record/frame.ts";
import type { OutcomeRecord } from "../../record/messages.ts";
import { decodeJobLogRecord } from "../../record/wire/job-log.ts";
import { ChannelOracle } from "./channel-oracle.ts";
import type { SplitScript, Violation } from "./contract.ts";
import { ExcuseLedger } from "./excuse-ledger.ts";
import type { Dice } from "./faults.ts";
import { IdleOracle } from "./idle-oracle.ts";
import type { SimulatedPlace } from "./place.ts";
import { PointerOracle } from "./pointer-oracle.ts";
import { SavepointOracle } from "./savepoint-oracle.ts";

/** The world that generations live in. */
export interface OracleWorld {
  readonly place: SimulatedPlace;
  readonly dice: Dice;
  scriptsOf(plan: Plan, stage: number): readonly SplitScript[] | undefined;
}

/** One generation's oracles. */
export class GenerationOracles {
  readonly plan: Plan;
  readonly names: JobNames;
  readonly channels: ChannelOracle;
  readonly pointers: PointerOracle;
  readonly excuses: ExcuseLedger;
  readonly savepoints: SavepointOracle;
  readonly #idleness: IdleOracle;
  readonly #place: SimulatedPlace;
  #outcome: OutcomeRecord | undefined;

  constructor(world: OracleWorld, plan: Plan, generation: number) {
    const { place, dice } = world;
    this.plan = plan;
    this.names = new JobNames(plan.job, generation);
    this.#place = place;
    this.channels = new ChannelOracle(plan);
    this.pointers = new PointerOracle(place, this.names);
    this.excuses = new ExcuseLedger(plan, this.names);
    this.savepoints = new SavepointOracle(plan, this.names, place.savepoints);
    this.#idleness = new IdleOracle({
      plan,
      names: this.names,
      clock: place.clock,
      dice,
      scriptsOf: (stage) => world.scriptsOf(plan, stage),
    });
  }

  /** How its job log says that it has ended. */
  get outcome(): OutcomeRecord | undefined {
    return this.#outcome;
  }

  get violations(): readonly Violation[] {
    return [...this.channels.violations, ...this.pointers.violations, ...this.#idleness.violations];
  }

  /** Answers whether it says that a savepoint is complete. */
  onJobLog(sequence: number, payload: Uint8Array): boolean {
    this.savepoints.onJobLog(sequence, Math.floor(this.#place.clock.now()), payload);
    const record = decodeJobLogRecord(payload);
    if (record.kind === "outcome") this.#outcome ??= record;
    return record.kind === "savepointEnd" && record.outcome === "complete";
  }

  /** It goes on from a savepoint of `before`. */
  inherit(before: GenerationOracles): void {
    this.excuses.inherit(before.excuses);
    this.#idleness.inherit(before.#idleness);
  }

  onStored(log: string, message: InboxMessage): void {
    this.channels.onStored(log, message);
    this.excuses.onStored(log, message);
    this.#idleness.onStored(message);
  }

  onRegistered(key: string, value: Uint8Array): void {
    this.pointers.onRegistered(key, value);
    this.savepoints.onRegistered(key, value);
  }

  onPublished(subject: string, payload: Uint8Array): void {
    this.excuses.onPublished(subject, payload);
    this.#idleness.onPublished(subject, payload);
    this.savepoints.onPublished(subject, payload);
  }
}
