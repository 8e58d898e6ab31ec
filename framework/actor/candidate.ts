/**
 * A worker's candidacy for leader.
 *
 * Owns when the leader was last heard, and whether a leader-start of this worker is on its way. Who leads is decided by the job log alone: the newest
 * leader-start wins; safety comes from epochs, never from a timeout.
 */
import { StreamError } from "../errors.ts";
import type { Clock } from "../platform/platform.ts";
import { decideElection } from "../protocol/election.ts";
import type { Heartbeat } from "../record/messages.ts";
import { Absence } from "./absence.ts";
import type { JobBus } from "./job-bus.ts";
import type { JobLogTail } from "./job-log-tail.ts";

/** One after the other: of several leader-starts at once only the last one would lead, and each of the others in vain for a moment. */
const turnMs = 150;

/** One worker's candidacy. */
export class Candidate {
  readonly #clock: Clock;
  readonly #worker: string;
  readonly #bus: JobBus;
  readonly #tail: JobLogTail;
  readonly #turnOf: () => number;
  readonly #absence: Absence;
  #heardAtMs: number;
  #isStanding = false;
  #isBarred = false;

  /** `turnOf`: how many living workers come before this one. */
  constructor(clock: Clock, worker: string, bus: JobBus, tail: JobLogTail, turnOf: () => number = () => 0) {
    this.#clock = clock;
    this.#worker = worker;
    this.#bus = bus;
    this.#tail = tail;
    this.#turnOf = turnOf;
    this.#heardAtMs = clock.monotonicMs();
    this.#absence = new Absence(
      clock,
      () => bus.whoLeads(),
      () => this.#decide(false),
    );
  }

  /** The leader has been heard, or a new one has been read of. Answers false for a leader that has been superseded. */
  heard({ leader }: Pick<Heartbeat, "leader">): boolean {
    if (leader < (this.#tail.view.leader?.epoch ?? 0)) return false;
    this.#heardAtMs = this.#clock.monotonicMs();
    return true;
  }

  /** Called when the worker has joined: stands at once when the log has no leader, or nobody answers for it. */
  async begin(): Promise<void> {
    const logHasLeader = this.#tail.view.leader !== undefined;
    const hasAnswered = logHasLeader ? await this.#ask() : undefined;
    this.#decide(hasAnswered);
  }

  /**
   * Called now and then: stands when the leader has been silent for too long, or is silent and gone. `hearsItself`: the worker's own words come back to it, so that
   * silence is the leader's.
   */
  consider(hearsItself = false): void {
    this.#decide(undefined);
    const { leader } = this.#tail.view;
    if (!hearsItself || leader === undefined || leader.worker === this.#worker) return;
    this.#absence.look(this.#clock.monotonicMs() - this.#heardAtMs);
  }

  /** For good: this worker may not do what leading takes. */
  bar(): void {
    this.#isBarred = true;
  }

  /** Appends a leader-start: at once, or when those who come first have let their turns pass. */
  stand(): void {
    if (this.#isStanding || this.#isBarred) return;
    this.#isStanding = true;
    const { leader } = this.#tail.view;
    const waitMs = this.#turnOf() * turnMs;
    if (waitMs === 0) return this.#append(leader?.epoch);
    this.#clock.schedule(waitMs, () => this.#append(leader?.epoch), { background: true });
  }

  /** Unless another one leads since `epoch`. */
  #append(epoch: number | undefined): void {
    const { leader, outcome } = this.#tail.view;
    if (leader?.epoch !== epoch || outcome !== undefined) {
      this.#isStanding = false;
      return;
    }
    this.#heardAtMs = this.#clock.monotonicMs();
    this.#tail.append({ kind: "leaderStart", worker: this.#worker }, () => {
      this.#isStanding = false;
    });
  }

  #decide(hasAnswered: boolean | undefined): void {
    if (this.#tail.view.isOver || this.#tail.view.leader?.worker === this.#worker) return;
    const silentMs = this.#clock.monotonicMs() - this.#heardAtMs;
    const logHasLeader = this.#tail.view.leader !== undefined;
    if (decideElection({ logHasLeader, silentMs, hasAnswered }).kind === "stand") this.stand();
  }

  async #ask(): Promise<boolean | undefined> {
    try {
      this.heard(await this.#bus.whoLeads());
      return true;
    } catch (error) {
      return StreamError.is(error, "NO_RESPONDERS") ? false : undefined;
    }
  }
}
