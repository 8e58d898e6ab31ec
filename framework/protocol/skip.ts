/**
 * What follows when whatever hosted an instance has died: suspicion, probation, and the decision to skip a step.
 *
 * Owns the decisions alone. Who has died, and in whose turn, is observed by the leader; what is decided travels in assignments, and counts when a claim has written
 * it into the pointer.
 *
 * R15. A step that ends its process, or never ends, is skipped by decision of the supervisor: after two deaths without progress the instance is on probation, and
 *      after `crashesMax` deaths at one step there, the step is skipped. What the pointer has passed is never skipped.
 * K1. Nothing is held against an instance when another one is certain to have ended the process.
 * K2. A death that nobody explains is held against everybody who was hosted there and has made no progress; it leads to probation, never to a skip.
 * K3. A skip names one step of one message, seen on probation: nothing is skipped on a guess.
 */
import type { CrashSite, Skip, Suspicion } from "../record/poison.ts";

/** What is known of a death. */
export interface DeathFacts {
  /** What was held against the instance before; undefined: nothing. */
  readonly before: Suspicion | undefined;
  /** Where it was, when it is known that it was in a turn. */
  readonly site: CrashSite | undefined;
  /** Another instance of the same process is certain to have ended it. */
  readonly isAcquitted: boolean;
  /** Whether it had come, since it was assigned, to where nothing of the time before was left to replay. */
  readonly hasProgressed: boolean;
  /** Deaths at one step on probation after which it is skipped. */
  readonly crashesMax: number;
}

/** Deaths without progress after which an instance is on probation. */
const deathsMax = 2;

/**
 * What the next assignment says.
 *
 * `hold`: assign with this suspicion (undefined: none). `unskippable`: it dies in a message before any step of it, again and again; there is no record to skip.
 */
export type DeathDecision =
  | { readonly kind: "hold"; readonly suspicion: Suspicion | undefined }
  | { readonly kind: "unskippable"; readonly sequence: number; readonly crashes: number };

/** Decides what a death is held to be. */
export function decideAfterDeath(facts: DeathFacts): DeathDecision {
  const { before, site, isAcquitted } = facts;
  if (isAcquitted) return { kind: "hold", suspicion: withoutSkip(before) };
  if (before?.isOnProbation === true)
    return site === undefined ? hold(withoutSkip(before)) : atSite(before, site, facts);
  const deaths = facts.hasProgressed ? 1 : (before?.deaths ?? 0) + 1;
  return hold({ deaths, isOnProbation: deaths >= deathsMax, site, crashes: 0 });
}

/** What is known of an instance on probation. */
export interface ProbationFacts {
  readonly suspicion: Suspicion;
  /** As in {@link DeathFacts}. */
  readonly hasProgressed: boolean;
  /** Sequence of the snapshot that its pointer names. */
  readonly snapshot: number;
}

/** Whether an instance has stood its probation: nothing of the time before is left, and its pointer has passed where it died. */
export function hasStood({ suspicion, hasProgressed, snapshot }: ProbationFacts): boolean {
  return hasProgressed && snapshot >= (suspicion.site?.sequence ?? 0);
}

/** The skips that still count behind a snapshot at `sequence`, each once, in order. */
export function skipsBehind(sequence: number, skips: readonly Skip[]): readonly Skip[] {
  const left = new Map<string, Skip>();
  for (const skip of skips) if (skip.sequence > sequence && !left.has(keyOf(skip))) left.set(keyOf(skip), skip);
  return [...left.values()].toSorted((a, b) => a.sequence - b.sequence || a.step - b.step);
}

function atSite(before: Suspicion, site: CrashSite, { crashesMax }: DeathFacts): DeathDecision {
  const isSame = before.site?.sequence === site.sequence && before.site.step === site.step;
  const crashes = isSame ? before.crashes + 1 : 1;
  const { sequence, step } = site;
  const suspicion: Suspicion = { deaths: before.deaths, isOnProbation: true, site, crashes };
  // Known to be in this message, not at which step: the next one is watched step by step.
  if (step === 0 && crashes > crashesMax) return { kind: "unskippable", sequence, crashes };
  if (step === 0 || crashes < crashesMax) return hold(suspicion);
  const reason = `message ${sequence}, step ${step}, has ended its thread or process ${crashes} times on probation`;
  return hold({ ...suspicion, crashes: 0, skip: { ...site, reason } });
}

function withoutSkip(suspicion: Suspicion | undefined): Suspicion | undefined {
  return suspicion === undefined ? undefined : { ...suspicion, skip: undefined };
}

function hold(suspicion: Suspicion | undefined): DeathDecision {
  return { kind: "hold", suspicion };
}

function keyOf({ sequence, step }: CrashSite): string {
  return `${sequence}/${step}`;
}
