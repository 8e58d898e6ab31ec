/**
 * What many seeds came to: counts, coverage, and those that failed.
 */
import { isDeepStrictEqual } from "node:util";
import type { Verdict } from "./contract.ts";
import { simulate } from "./simulate.ts";
import { mixes } from "./mixes.ts";

/** Which seeds to run. */
export interface SeedRange {
  readonly from: number;
  readonly count: number;
  /** Seeds to skip between two of them: for sharing a range among processes. @default 1 */
  readonly stride?: number | undefined;
  /** @default each seed has one of all mixes */
  readonly mix?: string | undefined;
  /** Every so many seeds one is run twice, and must be the same run (SIM1). @default never */
  readonly twiceEvery?: number | undefined;
}

/** Seeds together. */
export interface TallyRecord {
  readonly seeds: number;
  readonly steps: number;
  readonly virtualMs: number;
  readonly endings: Readonly<Record<string, number>>;
  readonly workloads: Readonly<Record<string, number>>;
  readonly faults: Readonly<Record<string, number>>;
  readonly coverage: Readonly<Record<string, number>>;
  readonly failed: readonly Verdict[];
}

/** The mix that a seed has when nobody names one: half of all seeds are of the swarm. */
export function mixFor(seed: number): string {
  const others = mixes.slice(1);
  return seed % 2 === 0 ? "swarm" : (others[((seed - 1) / 2) % others.length]?.name ?? "swarm");
}

/** The command that replays a failed seed. */
export function replayCommand({ seed, mix, workload }: Pick<Verdict, "seed" | "mix" | "workload">): string {
  return `npm run sim -- --seed ${seed} --mix ${mix} --workload ${workload} --trace`;
}

/** Runs a range of seeds, one after the other, as long as `hasTime`. `onVerdict` is told of each; answers what they came to. */
export async function runSeeds(
  range: SeedRange,
  onVerdict: (verdict: Verdict) => void = () => undefined,
  hasTime: () => boolean = () => true,
): Promise<TallyRecord> {
  const tally = new Tally();
  const { from, count, stride = 1, twiceEvery } = range;
  for (let index = 0; index < count && hasTime(); index += 1) {
    const seed = from + index * stride;
    const mix = range.mix ?? mixFor(seed);
    let verdict = await simulate(seed, mix);
    if (twiceEvery !== undefined && index % twiceEvery === 0) verdict = await compareWithSecondRun(verdict);
    tally.add(verdict);
    onVerdict(verdict);
  }
  return tally.record;
}

async function compareWithSecondRun(verdict: Verdict): Promise<Verdict> {
  const again = await simulate(verdict.seed, verdict.mix);
  if (isDeepStrictEqual(again, verdict)) return verdict;
  const what = `a second run of the same seed was another run: hash ${verdict.hash} and ${again.hash}, ${verdict.steps} and ${again.steps} steps`;
  return { ...verdict, violations: [...verdict.violations, { oracle: "O5", what }] };
}

/** Adds verdicts up. */
export class Tally {
  #seeds = 0;
  #steps = 0;
  #virtualMs = 0;
  readonly #endings: Record<string, number> = {};
  readonly #workloads: Record<string, number> = {};
  readonly #faults: Record<string, number> = {};
  readonly #coverage: Record<string, number> = {};
  readonly #failed: Verdict[] = [];

  add(verdict: Verdict): void {
    this.#seeds += 1;
    this.#steps += verdict.steps;
    this.#virtualMs += verdict.virtualMs;
    increase(this.#endings, { [verdict.ending]: 1 });
    increase(this.#workloads, { [verdict.workload]: 1 });
    increase(this.#faults, verdict.faults);
    increase(this.#coverage, verdict.coverage);
    if (verdict.violations.length > 0) this.#failed.push(verdict);
  }

  /** What another process has counted. */
  merge(other: TallyRecord): void {
    this.#seeds += other.seeds;
    this.#steps += other.steps;
    this.#virtualMs += other.virtualMs;
    increase(this.#endings, other.endings);
    increase(this.#workloads, other.workloads);
    increase(this.#faults, other.faults);
    increase(this.#coverage, other.coverage);
    this.#failed.push(...other.failed);
  }

  get record(): TallyRecord {
    return {
      seeds: this.#seeds,
      steps: this.#steps,
      virtualMs: this.#virtualMs,
      endings: this.#endings,
      workloads: this.#workloads,
      faults: this.#faults,
      coverage: this.#coverage,
      failed: this.#failed,
    };
  }
}

function increase(sums: Record<string, number>, by: Readonly<Record<string, number | undefined>>): void {
  for (const [name, count] of Object.entries(by)) sums[name] = (sums[name] ?? 0) + (count ?? 0);
}
