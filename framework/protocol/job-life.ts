/**
 * The life of a job, as its job log tells it: running, stopped, failed or completed.
 *
 * Owns the transitions. Who may give a command, and what workers do about it, is decided elsewhere; the job's register follows what is found here.
 *
 * L1. A command counts whoever leads, and whether anybody does; said twice, it is the same as said once.
 * L2. The first end stands: what comes behind it (another outcome, a stop, a drain) is void until a restart.
 * L3. Only what has failed or was stopped is restarted; what has completed never goes on.
 * L4. A drain is for good, also across a restart.
 */
import type { CommandRecord, OutcomeRecord } from "../record/messages.ts";

/** How a job stands. */
export type JobState = "running" | "completed" | "failed" | "stopped";

/** One job's life, up to a position of its log. */
export class JobLife {
  #state: JobState = "running";
  #since = 0;
  #by = "";
  #outcome: OutcomeRecord | undefined;
  #lastFailure: OutcomeRecord | undefined;
  #isDraining = false;

  get state(): JobState {
    return this.#state;
  }

  /** Sequence of the record that has made the state; 0 while none has. */
  get since(): number {
    return this.#since;
  }

  /** Who has stopped or restarted it last; empty while nobody has. */
  get by(): string {
    return this.#by;
  }

  /** How it ended by itself; undefined while it goes on, or is stopped. */
  get outcome(): OutcomeRecord | undefined {
    return this.#outcome;
  }

  /** The newest failure, also when a restart has left it behind. */
  get lastFailure(): OutcomeRecord | undefined {
    return this.#lastFailure;
  }

  get isDraining(): boolean {
    return this.#isDraining;
  }

  /** Applies an outcome by the leader. */
  end(sequence: number, record: OutcomeRecord): void {
    if (this.#state !== "running") return;
    this.#turn(record.outcome, sequence, this.#by);
    this.#outcome = record;
    if (record.outcome === "failed") this.#lastFailure = record;
  }

  /** Applies a command; answers whether the job goes on from here (`restart`). */
  command(sequence: number, { command, by }: CommandRecord): boolean {
    const isRunning = this.#state === "running";
    if (command === "drain" && isRunning) this.#isDraining = true;
    if (command === "stop" && isRunning) this.#turn("stopped", sequence, by);
    if (command !== "restart" || isRunning || this.#state === "completed") return false;
    this.#turn("running", sequence, by);
    this.#outcome = undefined;
    return true;
  }

  #turn(state: JobState, sequence: number, by: string): void {
    this.#state = state;
    this.#since = sequence;
    this.#by = by;
  }
}
