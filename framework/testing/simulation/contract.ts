/**
 * The simulator's contract: what is simulated, what it answers, and what its parts promise each other.
 *
 * One seed is one job on the production runtime, with a workload, faults and an order of tasks that are all drawn from the seed.
 *
 * SIM1. A verdict is a function of seed, mix and the faults left out: the same call gives the same hash, on every run.
 * SIM2. Only the seams, the processes, the sources and the sinks are replaced; everything else is the code that runs in production.
 * SIM3. An oracle looks at what the seams have seen and at what came out, never into the parts that it judges.
 */
import type { SideRecord } from "../../actor/side-stream.ts";
import type { Job } from "../../api/job.ts";
import type { SinkSpec } from "../../log/sink.ts";
import type { SourceSpec } from "../../log/source.ts";
import type { Plan } from "../../plan/plan.ts";
import type { Random } from "../../platform/platform.ts";
import type { FaultKind } from "./faults.ts";

/** The oracles, by their numbers in `docs/proof.md`. */
export type Oracle = "O1" | "O2" | "O3" | "O4" | "O5" | "O6" | "O7" | "O8" | "O9" | "O10" | "R12" | "R17";

/** Something that must never be. */
export interface Violation {
  readonly oracle: Oracle;
  /** With the values, for people. */
  readonly what: string;
}

/** How the job of a seed ended: `stopped` with one of the codes that say why, or not at all. */
export type Ending = "completed" | `stopped: ${string}` | "unfinished";

/** How often faults of a kind hit a process in some state: `crashWorker restoring` -> 3. */
export type Coverage = Readonly<Record<string, number>>;

/** What one seed came to. */
export interface Verdict {
  readonly seed: number;
  readonly mix: string;
  readonly workload: string;
  readonly ending: Ending;
  /** Empty: the seed holds. */
  readonly violations: readonly Violation[];
  /** Of everything that happened, in order (SIM1). */
  readonly hash: string;
  /** Tasks of the virtual clock. */
  readonly steps: number;
  readonly virtualMs: number;
  /** Faults that struck, by kind. */
  readonly faults: Readonly<Partial<Record<FaultKind, number>>>;
  readonly coverage: Coverage;
}

/** What a caller may say about one run. */
export interface SimulationOptions {
  /** Takes the trace, line by line. @default nobody */
  readonly onTrace?: ((line: string) => void) | undefined;
  /** Name of the workload. @default drawn from those of the mix */
  readonly workload?: string | undefined;
  /** Faults that do not happen: for shrinking. @default none */
  readonly without?: ReadonlySet<FaultKind> | undefined;
}

/** Probabilities of the faults of one seed: per call of a seam, or per task of the clock for those of processes. */
export type Rates = Readonly<Partial<Record<FaultKind, number>>>;

/** Sizes and shape of one seed's world. */
export interface Setting {
  readonly rates: Rates;
  /** Workers at the beginning. */
  readonly workers: number;
  readonly partitions: number;
  /** Virtual time after which no fault strikes any more, ms. */
  readonly faultsMs: number;
  readonly snapshotBytes: number;
  readonly snapshotIntervalMs: number;
  /** Data limit of an inbox. */
  readonly inboxBytes: number;
  readonly frameBytes: number;
  /** Room for watermarks, and for fences, beyond the data limit; each. */
  readonly reserveBytes: number;
  /** What a lane holds before those who speak into it take no turn. */
  readonly laneBytes: number;
  /** Restarts that crashes of one instance may cause within a minute without progress. */
  readonly restartsMax: number;
  /** Crashes of actors and processes in all. */
  readonly crashesMax: number;
}

/** Draws a seed's setting. */
export interface Mix {
  readonly name: string;
  /** For people: what it favours. */
  readonly about: string;
  /** Workloads it draws from, by name. @default all */
  readonly workloads?: readonly string[] | undefined;
  /** Workloads that one seed in eight draws from instead. @default none */
  readonly seldom?: readonly string[] | undefined;
  draw(random: Random): Setting;
}

/** A source of a scenario, as the program's plan carries it. */
export interface ScenarioSource {
  readonly spec: SourceSpec<SimulatedRecord>;
}

/** A sink of a scenario. */
export interface ScenarioSink {
  readonly name: string;
  readonly spec: SinkSpec;
  /** The rows that are out, each once, in the order in which they came. */
  rows(): readonly SinkRowTaken[];
  /** What the sink itself has seen go wrong. */
  readonly violations: readonly Violation[];
}

/** A row of a sink. */
export interface SinkRowTaken {
  readonly value: unknown;
  readonly timestamp: number | undefined;
}

/** What the sources of all workloads give: an id that nobody else has, and something to compute with. */
export interface SimulatedRecord {
  readonly id: number;
  readonly key: string | number | boolean;
  /** Event time, ms. */
  readonly at: number;
  readonly n: number;
}

/** One split: its records in order, and when each of them is there. */
export interface SplitScript {
  readonly records: readonly { readonly availableMs: number; readonly record: SimulatedRecord }[];
  /** When the end of the split is known. */
  readonly endsMs: number;
}

/** What a workload makes its scenario of. */
export interface Bench {
  readonly random: Random;
  /** Time within which the input becomes available. */
  readonly inputMs: number;
  /** Resolves after `ms` of virtual time, whatever becomes of the processes: the time of somebody who is called. */
  later(ms: number): Promise<void>;
  source(splits: readonly SplitScript[]): ScenarioSource;
  sink(name: string): ScenarioSink;
}

/** What came out besides the sinks. */
export interface SideOutputs {
  readonly deadLetters: readonly SideRecord[];
  readonly late: readonly SideRecord[];
  /** Event time behind which the record of this id may be late, because its split was idle; -Infinity: it may not. */
  readonly excusedUpTo: (id: number) => number;
}

/** One drawn job with the naive truth about it. */
export interface Scenario {
  readonly job: Job;
  /** Makes another plan of the job's, with what the plan can be and no call of the API says. @default the plan as it is */
  readonly rewired?: ((plan: Plan) => Plan) | undefined;
  readonly sinks: readonly ScenarioSink[];
  /** O1, O2, O4: compares what came out with a reference written without the framework. */
  check(side: SideOutputs): readonly Violation[];
}

/** A kind of job. To add one: a file in `workloads/`, and a line in `workloads/all.ts`. */
export interface Workload {
  readonly name: string;
  draw(bench: Bench): Scenario;
}
