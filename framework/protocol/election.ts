/**
 * When a worker stands for leader.
 *
 * Owns the patience only. Two workers may stand at once, and an old leader may live on: safety comes from the epochs in the job log (R4), never from here.
 *
 * L1. At once when there is nobody to wait for: the job log has no leader, or nobody listens on the leader's subject. Whoever joins asks once; later that takes a
 *     second of silence, and two answers (`actor/absence.ts`).
 * L2. Else after 2 s without a heartbeat.
 */

/** What an election is decided on. */
export interface ElectionFacts {
  /** Whether the job log, read to its end, names a leader. */
  readonly logHasLeader: boolean;
  /** Since the last heartbeat, or since this worker began to listen. */
  readonly silentMs: number;
  /** What a request to the leader's subject brought: true an answer, false nobody there, undefined not asked yet. */
  readonly hasAnswered: boolean | undefined;
}

/** To stand: append a leader-start now. To wait: decide again after `ms`, or at the next heartbeat. */
export type ElectionDecision = { readonly kind: "stand" } | { readonly kind: "wait"; readonly ms: number };

/** Silence after which a leader counts as dead: four heartbeats. */
export const leaderSilenceMs = 2000;

/** Decides whether to stand for leader. */
export function decideElection({ logHasLeader, silentMs, hasAnswered }: ElectionFacts): ElectionDecision {
  if (!logHasLeader || hasAnswered === false) return { kind: "stand" };
  return silentMs >= leaderSilenceMs ? { kind: "stand" } : { kind: "wait", ms: leaderSilenceMs - silentMs };
}
