/**
 * What follows the end of a worker process: another one in its place, or the end of the fleet.
 *
 * Owns the decision and the back-off; who ended, and what it had said, is observed by the crew.
 *
 * F1. What the job came to, a worker says before it ends: that is the end of the fleet. Every other ending is an accident, or somebody's signal, and
 *     the worker is replaced: a fleet keeps its number.
 * F2. The first replacement is at once; then the delay doubles from 100 ms to 10 s, with jitter, until a worker has lived for 30 s.
 * F3. A worker that cannot start because of what the program or an option says ends the fleet; so does one that ends five times in succession, by
 *     itself, before it has joined. One that finds no server, or no room on it, is started again for ever.
 */
import type { JobEnd } from "../job-handle.ts";
import type { FromWorker } from "./membership.ts";

/** A life of a worker process that is over. */
export interface Life {
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
  /** What it said last of its own end. */
  readonly lastWord: Extract<FromWorker, { kind: "ended" | "refused" }> | undefined;
  readonly hasJoined: boolean;
  readonly livedMs: number;
}

/** How a worker has fared before. */
export interface Record {
  /** Replacements in succession, each after less than 30 s. */
  readonly shortLives: number;
  /** Lives in succession that ended by themselves before joining. */
  readonly unjoined: number;
}

/** What follows. */
export type Replacement =
  | { readonly kind: "replace"; readonly delayMs: number; readonly record: Record }
  | { readonly kind: "end"; readonly state: JobEnd["state"]; readonly message: string }
  | { readonly kind: "refuse"; readonly code: string; readonly message: string };

/** The record of a worker that has had no life yet. */
export const noRecord: Record = { shortLives: 0, unjoined: 0 };

const delayMsMin = 100;
const delayMsMax = 10_000;
const longLifeMs = 30_000;
const unjoinedMax = 5;
const usageCode = 2;

/** Refusals that trying again would only repeat. */
const finalCodes: ReadonlySet<string> = new Set([
  "PLAN_INVALID",
  "OPTION_INVALID",
  "PATH_UNUSABLE",
  "JOB_MISMATCH",
  "JOB_NOT_RUNNABLE",
]);

/** Decides what follows a life. `chance` is a random number, 0 <= chance < 1. */
export function decideReplacement(life: Life, before: Record, chance: number): Replacement {
  const { lastWord } = life;
  if (lastWord?.kind === "ended" && isOfJob(lastWord.end))
    return { kind: "end", state: lastWord.end.state, message: lastWord.end.message };
  if (lastWord?.kind === "refused" && finalCodes.has(lastWord.code))
    return { kind: "refuse", code: lastWord.code, message: lastWord.message };
  const record = continued(before, life);
  if (endedByItself(life) && (life.exitCode === usageCode || record.unjoined >= unjoinedMax))
    return { kind: "refuse", code: "OPTION_INVALID", message: cannotStart(life, record) };
  return { kind: "replace", delayMs: delayOf(before, life, chance), record };
}

/** Not of this worker alone, which somebody has asked to go. */
function isOfJob({ state, message }: JobEnd): boolean {
  return state !== "stopped" || message !== "";
}

function continued(before: Record, life: Life): Record {
  return {
    shortLives: isLong(life) ? 1 : before.shortLives + 1,
    unjoined: endedByItself(life) ? before.unjoined + 1 : 0,
  };
}

/** Without a word, a signal, or having joined. */
function endedByItself({ hasJoined, signal, lastWord }: Life): boolean {
  return !hasJoined && signal === null && lastWord === undefined;
}

function isLong({ livedMs }: Life): boolean {
  return livedMs >= longLifeMs;
}

function delayOf(before: Record, life: Life, chance: number): number {
  if (isLong(life) || before.shortLives === 0) return 0;
  const longestMs = Math.min(delayMsMax, delayMsMin * 2 ** (before.shortLives - 1));
  return Math.round((longestMs * (1 + chance)) / 2);
}

function cannotStart({ exitCode }: Life, { unjoined }: Record): string {
  const times = unjoined === 1 ? "" : ` ${unjoined} times in succession`;
  return `a worker process ended${times} (exit code ${exitCode}) before it had joined the job: what it said is above`;
}
