/**
 * Whether a crashed instance is started again, and when.
 *
 * Owns the budget and the back-off; what counts as a crash is in the job log, what counts as progress in the pointers.
 *
 * B1. Only crashes of the instance itself without progress count; moves and lost workers do not.
 * B2. The first restart is at once; then the delay doubles from 50 ms to 5 s, with jitter.
 * B3. When the budget is used up the job fails, loudly.
 */

/** How often an instance may be restarted without progress. */
export interface RestartBudgetFacts {
  readonly restartsMax: number;
  readonly withinMs: number;
}

/** A restart that a crash has already caused. */
export interface CrashFacts {
  /** When the job log stored the assignment. */
  readonly storedAtMs: number;
  /** Whether the pointer has moved since. */
  readonly hasProgressed: boolean;
}

/** What a restart is decided on. */
export interface RestartFacts {
  /** Restarts that crashes have caused so far; the crash that is decided on is not among them. */
  readonly crashes: readonly CrashFacts[];
  /** Now, in the job log's own time. */
  readonly nowMs: number;
  readonly budget: RestartBudgetFacts;
  /** A random number, 0 <= chance < 1. */
  readonly chance: number;
}

/** What follows a crash: a restart after a while, or the end of the job with a message for people. */
export type RestartDecision =
  | { readonly kind: "restart"; readonly delayMs: number }
  | { readonly kind: "exhausted"; readonly message: string };

/** The budget of a job that says nothing else: five restarts within a minute. */
export const defaultRestartBudget: RestartBudgetFacts = { restartsMax: 5, withinMs: 60_000 };

const delayMsMin = 50;
const delayMsMax = 5000;

/** Decides what follows a crash. */
export function decideRestart({ crashes, nowMs, budget, chance }: RestartFacts): RestartDecision {
  const { restartsMax, withinMs } = budget;
  const count = crashes.filter((crash) => !crash.hasProgressed && crash.storedAtMs > nowMs - withinMs).length;
  if (count < restartsMax) return { kind: "restart", delayMs: delayAfter(count, chance) };
  const message = `crashed ${count + 1} times within ${withinMs / 1000} s without progress; ${restartsMax} restarts are allowed`;
  return { kind: "exhausted", message };
}

function delayAfter(restarts: number, chance: number): number {
  if (restarts === 0) return 0;
  const longestMs = Math.min(delayMsMax, delayMsMin * 2 ** restarts);
  return Math.round((longestMs * (1 + chance)) / 2);
}
