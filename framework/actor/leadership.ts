/**
 * Whether this worker leads the job, and what it does while it leads.
 *
 * Owns its candidacy, and the job supervisor of its own epoch. Who leads is said by the job log alone: what is heard over the Bus makes a worker stand, never lead.
 */
import type { Heartbeat, ReportBatch } from "../record/messages.ts";
import type { Candidate } from "./candidate.ts";
import type { JobStatus } from "./job-status.ts";
import { JobSupervisor } from "./job-supervisor.ts";
import type { JobWorld } from "./job-world.ts";

/** One worker's share in leading its job; made when it has opened the job log. */
export class Leadership {
  readonly #world: JobWorld;
  readonly #candidate: Candidate;
  /** While this worker leads. */
  #supervisor: JobSupervisor | undefined;

  constructor(world: Omit<JobWorld, "abdicate">, candidate: Candidate) {
    this.#world = { ...world, abdicate: () => this.#abdicate() };
    this.#candidate = candidate;
  }

  get isLeading(): boolean {
    return this.#supervisor !== undefined;
  }

  /** The job as this worker sees it while it leads. */
  status(): JobStatus | undefined {
    return this.#supervisor?.status();
  }

  /** The worker has joined: it stands at once when nobody leads. */
  async begin(): Promise<void> {
    await this.#candidate.begin();
  }

  /** Called now and then; `hearsItself` as in {@link Candidate.consider}. */
  consider(hearsItself: boolean): void {
    this.#candidate.consider(hearsItself);
  }

  /** A leader has been heard. Answers false for one that has been superseded. */
  heard(heartbeat: Heartbeat): boolean {
    return this.#candidate.heard(heartbeat);
  }

  /** `worker` goes, or has gone: if it is the leader, this one may be the next. */
  succeed(worker: string): void {
    if (this.#world.tail.view.leader?.worker === worker) this.#candidate.stand();
  }

  /** The job log has been read further: whoever led before the leader that it names leads no more. */
  yield(): void {
    if (this.#world.tail.view.leader?.epoch !== this.#supervisor?.epoch) this.end();
  }

  /**
   * Leads, if the job log says so and the worker `mayLead`. Answers whether there is a leader that is to be told everything: one that has just begun here, or
   * another worker, and then each time.
   */
  follow(mayLead: boolean): boolean {
    const { leader } = this.#world.tail.view;
    if (leader === undefined || leader.epoch === this.#supervisor?.epoch) return false;
    this.end();
    this.#candidate.heard({ leader: leader.epoch });
    if (leader.worker === this.#world.worker && mayLead) this.#lead(leader.epoch);
    return true;
  }

  /** The job log has been read further. */
  refresh(): void {
    this.#supervisor?.refresh();
  }

  /** Workers have come, gone or fallen silent. */
  reconcile(): void {
    this.#supervisor?.reconcile();
  }

  /** Reports have come in over the Bus, which are for the leader alone: `read` decodes them. */
  onReports(read: () => ReportBatch): void {
    if (this.#supervisor === undefined) return;
    const batch = read();
    for (const report of batch.reports) this.#world.witness.reported(report);
    this.#supervisor.onReports(batch);
  }

  /** Leads no more, and says nothing more as leader. */
  end(): void {
    this.#supervisor?.depose();
    this.#supervisor = undefined;
  }

  #lead(epoch: number): void {
    this.#world.platform.logger.log("info", "leading", { epoch });
    this.#supervisor = new JobSupervisor(this.#world, epoch);
    this.#supervisor.start();
  }

  #abdicate(): void {
    this.#candidate.bar();
    this.end();
  }
}
