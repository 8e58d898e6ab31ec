/**
 * Whether a worker, or all workers of a host, are to be given nothing for a while.
 *
 * Owns what counts as evidence, and for how long; what has happened is in the job log (`fleet-view.ts`), what workers say of themselves comes over the Bus.
 *
 * Q1. Crashes: several instances have crashed there lately, or one of them again and again, and the same instances nowhere else. A program that crashes everywhere
 *     speaks against no worker.
 * Q2. Deaths: workers of a host have died again and again, and those of other hosts have not. A death that an instance has caused by a turn of its own speaks against nobody.
 * Q3. Nothing of what a worker sends has been stored for a while, and what the others send is.
 * Q4. Never the last worker, never all hosts: somebody who is not in quarantine stays.
 * Q5. Each time for twice as long; after an hour without, from the beginning. What was counted once is not counted again.
 */
import type { QuarantineScope } from "../record/fleet-records.ts";
import { instanceKey } from "./job-log.ts";
import { timesWith, type Incident, type QuarantineView } from "./fleet-view.ts";
import type { WorkerStanding } from "./placement.ts";

/** A living worker, as far as quarantine goes. */
export interface SuspectedWorker {
  readonly worker: string;
  /** Empty where it is not known. */
  readonly host: string;
  readonly isLeaving: boolean;
  readonly standing: WorkerStanding;
  /** For so long nothing of what it has been sending has been stored, ms. */
  readonly unstoredMs: number;
}

/** What a quarantine is decided on. */
export interface QuarantineFacts {
  /** Now, in the job log's own time. */
  readonly nowMs: number;
  readonly incidents: readonly Incident[];
  /** Those that live. */
  readonly workers: readonly SuspectedWorker[];
  /** The machine of a worker, living or dead; empty where it is not known. */
  readonly hostOf: (worker: string) => string;
  /** Every quarantine before, by scope and subject; the newest of each. */
  readonly before: readonly QuarantineView[];
}

/** Who is to be given nothing, why, and for how long. */
export interface Quarantine {
  readonly scope: QuarantineScope;
  readonly subject: string;
  readonly evidence: string;
  readonly durationMs: number;
}

type Accusation = Omit<Quarantine, "durationMs">;

/** Incidents count for so long, ms. */
const crashesWithinMs = 120_000;
const deathsWithinMs = 300_000;
const crashesMin = 3;
const deathsMin = 3;
/** Others may have had one for so many of the accused. */
const timesOthers = 3;
const unstoredMsMin = 10_000;
const unstoredMsOthers = 1_000;
const durationMsMin = 60_000;
const durationMsMax = 3_600_000;

/** Decides who is to be in quarantine, one at a time; undefined when nobody is. */
export function decideQuarantine(facts: QuarantineFacts): Quarantine | undefined {
  for (const accusation of accusations(facts)) {
    if (!leavesSomebody(facts, accusation)) continue;
    return { ...accusation, durationMs: durationOf(facts, accusation) };
  }
  return undefined;
}

function* accusations(facts: QuarantineFacts): Generator<Accusation> {
  const hosts = [...new Set(facts.workers.map(({ host }) => host))].filter((host) => host !== "").toSorted();
  for (const host of hosts) {
    const deaths = deathsOn(facts, host);
    if (deaths !== undefined) yield { scope: "host", subject: host, evidence: deaths };
    const isHere = (worker: string) => facts.hostOf(worker) === host;
    const crashes = crashesAmong(facts, isHere, `on ${host}`, sinceOf(facts, "host", host));
    const workersHere = new Set(facts.incidents.filter(({ worker }) => isHere(worker)).map(({ worker }) => worker));
    if (crashes !== undefined && workersHere.size > 1) yield { scope: "host", subject: host, evidence: crashes };
  }
  for (const { worker, unstoredMs } of facts.workers.toSorted((a, b) => (a.worker < b.worker ? -1 : 1))) {
    const since = sinceOf(facts, "worker", worker);
    const evidence =
      crashesAmong(facts, (other) => other === worker, "there", since) ?? unstoredBy(facts, worker, unstoredMs);
    if (evidence !== undefined) yield { scope: "worker", subject: worker, evidence };
  }
}

// Q1
function crashesAmong(
  { incidents, nowMs }: QuarantineFacts,
  isAccused: (worker: string) => boolean,
  where: string,
  sinceMs: number,
): string | undefined {
  const recent = incidents.filter(({ kind, atMs }) => kind === "crash" && atMs > nowMs - crashesWithinMs);
  const elsewhere = recent.filter(({ worker }) => !isAccused(worker));
  const shaken = new Set(elsewhere.map(({ instance }) => instanceKey(instance)));
  const here = recent.filter(
    ({ worker, instance, atMs }) => isAccused(worker) && atMs > sinceMs && !shaken.has(instanceKey(instance)),
  );
  if (here.length < crashesMin || elsewhere.length * timesOthers > here.length) return undefined;
  const instances = new Set(here.map(({ instance }) => instanceKey(instance))).size;
  return `${here.length} crashes of ${instances} instance${instances === 1 ? "" : "s"} ${where} within ${crashesWithinMs / 60_000} min, and none of them elsewhere`;
}

// Q2
function deathsOn(facts: QuarantineFacts, host: string): string | undefined {
  const { incidents, nowMs, hostOf } = facts;
  const sinceMs = sinceOf(facts, "host", host);
  const dead = (isCounted: (incident: Incident) => boolean) =>
    new Set(
      incidents
        .filter((each) => each.kind === "death" && each.atMs > nowMs - deathsWithinMs && isCounted(each))
        .map(({ worker }) => worker),
    ).size;
  const here = dead(({ worker, atMs }) => hostOf(worker) === host && atMs > sinceMs);
  const elsewhere = dead(({ worker }) => hostOf(worker) !== host);
  if (here < deathsMin || elsewhere * timesOthers > here) return undefined;
  return `${here} workers have died on ${host} within ${deathsWithinMs / 60_000} min, and ${elsewhere} elsewhere`;
}

// Q3
function unstoredBy({ workers }: QuarantineFacts, worker: string, unstoredMs: number): string | undefined {
  const others = workers.filter((other) => other.worker !== worker && !other.isLeaving);
  const isAlone = others.length > 0 && others.every((other) => other.unstoredMs < unstoredMsOthers);
  if (unstoredMs < unstoredMsMin || !isAlone) return undefined;
  const seconds = Math.round(unstoredMs / 1_000);
  return `nothing of what it sends has been stored for ${seconds} s, while what the others send is`;
}

// Q4
function leavesSomebody({ workers }: QuarantineFacts, { scope, subject }: Accusation): boolean {
  const open = workers.filter(({ isLeaving, standing }) => !isLeaving && standing === "open");
  const isAccused = ({ worker, host }: SuspectedWorker) => (scope === "worker" ? worker : host) === subject;
  return open.some(isAccused) && open.some((each) => !isAccused(each));
}

function durationOf({ before, nowMs }: QuarantineFacts, { scope, subject }: Accusation): number {
  const last = before.find((each) => each.scope === scope && each.subject === subject);
  return Math.min(durationMsMax, durationMsMin * 2 ** (timesWith(last, nowMs) - 1));
}

/** Q5: what came before the last quarantine of the subject has had its effect. */
function sinceOf({ before }: QuarantineFacts, scope: QuarantineScope, subject: string): number {
  return before.find((each) => each.scope === scope && each.subject === subject)?.sinceMs ?? -Infinity;
}
