/**
 * What the job log says of a job's workers, besides what they host: drains, sizes, quarantines, and what has happened to them.
 *
 * Owns the fold over these records; a part of `JobLogView`. What follows is decided in `placement.ts` and `quarantine.ts`.
 *
 * F1. An order counts whoever leads; said twice, it is the same as said once. The newest one of a subject counts.
 * F2. A quarantine counts in the log's own time, and ends by that time or by an order.
 * F3. What happens because the job as a whole was moved, stopped or restarted speaks against nobody.
 */
import type { FleetOrder, QuarantineRecord, QuarantineScope } from "../record/fleet-records.ts";
import type { Assignment, InstanceId } from "../record/messages.ts";

/** After so long without, it begins anew: the first time is the first again, ms. */
const forgivenAfterMs = 3_600_000;

/** Something that speaks against a worker: an instance crashed there, or the worker was lost with it. */
export interface Incident {
  readonly kind: "crash" | "death";
  readonly worker: string;
  readonly instance: InstanceId;
  readonly atMs: number;
}

/** A quarantine that has been decided. */
export interface QuarantineView {
  readonly scope: QuarantineScope;
  readonly subject: string;
  readonly evidence: string;
  readonly sinceMs: number;
  readonly untilMs: number;
  /** How often it has been in quarantine, this time included. */
  readonly times: number;
}

/** Incidents that are remembered. */
const incidentsKept = 512;

/** The workers of a job, as its log has them. */
export class FleetView {
  readonly #drained = new Set<string>();
  readonly #sizes = new Map<string, number>();
  readonly #quarantines = new Map<string, QuarantineView>();
  /** Workers that an instance has ended by a turn of its own. */
  readonly #explained = new Set<string>();
  #incidents: Incident[] = [];

  /** Workers that are to give everything away and take nothing. */
  get drained(): ReadonlySet<string> {
    return this.#drained;
  }

  /** What has happened to workers, oldest first. */
  get incidents(): readonly Incident[] {
    return this.#incidents;
  }

  /** How many workers a starter is to keep; undefined while nobody has said so. */
  sizeOf(starter: string): number | undefined {
    return this.#sizes.get(starter);
  }

  /** Every quarantine that was decided and not released, also those whose time is over. */
  get quarantines(): readonly QuarantineView[] {
    return [...this.#quarantines.values()];
  }

  /** Quarantines that last at `nowMs`, in the log's time. */
  quarantinesAt(nowMs: number): readonly QuarantineView[] {
    return this.quarantines.filter(({ untilMs }) => untilMs > nowMs);
  }

  /** F1 */
  order({ order, subject, workers }: FleetOrder): void {
    if (order === "drain") this.#drained.add(subject);
    else if (order === "undrain") this.#drained.delete(subject);
    else if (order === "scale") this.#sizes.set(subject, workers);
    else this.#release(subject);
  }

  /** F2 */
  quarantine(storedAtMs: number, { scope, subject, evidence, durationMs }: QuarantineRecord): void {
    const key = `${scope} ${subject}`;
    const times = timesWith(this.#quarantines.get(key), storedAtMs);
    const untilMs = storedAtMs + durationMs;
    this.#quarantines.set(key, { scope, subject, evidence, sinceMs: storedAtMs, untilMs, times });
  }

  /** An assignment has been read; `from` is the worker that had the instance. */
  assigned(from: string, { instance, cause }: Pick<Assignment, "instance" | "cause">, atMs: number): void {
    if (cause === "poison") this.#explain(from);
    if (cause !== "crash" && cause !== "workerLost") return;
    if (cause === "workerLost" && this.#explained.has(from)) return;
    const kind = cause === "crash" ? "crash" : "death";
    this.#incidents.push({ kind, worker: from, instance, atMs });
    if (this.#incidents.length > incidentsKept) this.#incidents.shift();
  }

  /** The death of this worker is the doing of an instance: it speaks against nobody. */
  #explain(worker: string): void {
    this.#explained.add(worker);
    this.#incidents = this.#incidents.filter((each) => each.kind !== "death" || each.worker !== worker);
  }

  /** F3: the job goes on from a command; workers are others from here on. */
  restarted(): void {
    this.#incidents = [];
    this.#quarantines.clear();
  }

  /** What was held against the subject is forgotten, too: it begins anew. */
  #release(subject: string): void {
    this.#quarantines.delete(`worker ${subject}`);
    this.#quarantines.delete(`host ${subject}`);
    this.#incidents = this.#incidents.filter(({ worker }) => worker !== subject);
  }
}

/** How often a subject has been in quarantine, with one that begins at `nowMs`. */
export function timesWith(before: QuarantineView | undefined, nowMs: number): number {
  if (before === undefined || nowMs >= before.untilMs + forgivenAfterMs) return 1;
  return before.times + 1;
}
