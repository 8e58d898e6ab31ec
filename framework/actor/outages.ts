/**
 * How long instances were down: one entry per restart or move, with its cause. Runs on the leader.
 *
 * Owns when an incarnation was last known to work and when its successor works; what was assigned, when and why is in the job log. A new leader knows the
 * log's part at once, and the lengths only of what it has seen itself.
 */
import type { Platform } from "../platform/platform.ts";
import { instanceKey, type JobLogView } from "../protocol/job-log.ts";
import type { AssignmentCause, InstanceId, Report } from "../record/messages.ts";

/** One restart or move of an instance. */
export interface Outage {
  readonly instance: string;
  /** Of the incarnation that came after. */
  readonly epoch: number;
  readonly worker: string;
  /** `crash`: of the instance itself; `workerLost`: its worker died or fell silent; `release`, `balance`: a graceful move. */
  readonly cause: AssignmentCause;
  /** The failure behind a crash; empty otherwise. */
  readonly detail: string;
  /** When the successor was assigned, ms since the epoch by the job log's clock. */
  readonly at: number;
  /** From the last moment the predecessor was known to work until the successor did; undefined while it is down, or when an earlier leader saw it. */
  readonly downMs: number | undefined;
}

/** Lengths remembered; the job log's view remembers as many moves. */
const lengthsKept = 100;

interface Down {
  /** Of the incarnation that is down. */
  readonly epoch: number;
  readonly sinceMs: number;
}

const workingStates = new Set(["running", "snapshotting"]);

/** The outages of a job's instances. */
export class Outages {
  readonly #platform: Platform;
  readonly #view: JobLogView;
  readonly #nameOf: (instance: InstanceId) => string;
  readonly #down = new Map<string, Down>();
  /** By epoch of the successor. */
  readonly #lengths = new Map<number, number>();

  constructor(platform: Platform, view: JobLogView, nameOf: (instance: InstanceId) => string) {
    this.#platform = platform;
    this.#view = view;
    this.#nameOf = nameOf;
  }

  /** The current incarnation does not work any more, since `sinceMs` (monotonic); what was said first of it stands. */
  down(instance: InstanceId, sinceMs: number): void {
    const key = instanceKey(instance);
    const epoch = this.#view.assignment(instance)?.epoch;
    if (epoch === undefined || (this.#down.get(key)?.epoch ?? -1) >= epoch) return;
    // One that is down already, whose successor has gone, too: it has been down all the time.
    const sinceBefore = this.#down.get(key)?.sinceMs ?? sinceMs;
    this.#down.set(key, { epoch, sinceMs: Math.min(sinceMs, sinceBefore) });
  }

  /** A report of the current incarnation has come. */
  reported({ instance, epoch, state }: Report): void {
    const key = instanceKey(instance);
    const down = this.#down.get(key);
    if (down === undefined || epoch <= down.epoch || !workingStates.has(state)) return;
    this.#down.delete(key);
    const downMs = Math.round(this.#platform.clock.monotonicMs() - down.sinceMs);
    this.#lengths.set(epoch, downMs);
    const [oldest] = this.#lengths.keys();
    if (this.#lengths.size > lengthsKept && oldest !== undefined) this.#lengths.delete(oldest);
    const { cause, worker } = this.#view.assignment(instance) ?? {};
    const fields = { instance: this.#nameOf(instance), epoch, cause, to: worker, downMs };
    this.#platform.logger.log("info", "instance works again", fields);
  }

  /** The newest restarts and moves, oldest first. */
  history(): readonly Outage[] {
    return this.#view.moves.map(({ instance, epoch, worker, cause, detail, storedAtMs }) => ({
      instance: this.#nameOf(instance),
      epoch,
      worker,
      cause,
      detail,
      at: storedAtMs,
      downMs: this.#lengths.get(epoch),
    }));
  }
}
