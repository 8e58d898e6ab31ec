/**
 * How far an incarnation has come, as its supervisor may know it.
 *
 * Owns the marks (event time reached, and the ordinal of the last output it caused), the idle handshake, and the numbering of reports.
 *
 * R10. A watermark is reported when everything that it caused, and everything before it, is acknowledged.
 * R16. Idle only when caught up, empty and fully acknowledged; what follows an idle report waits for the supervisor's answer.
 */
import { IdleGate } from "../protocol/idle.ts";
import type { Activity, InstanceId, Report } from "../record/messages.ts";

/** Messages after which a position is reported though nothing else has changed (R13: supervisors count on it). */
const positionsPerReport = 16;

interface Mark {
  readonly ordinal: number;
  readonly watermark: number;
}

/** What a report says besides event time and activity. */
export type ReportFacts = Omit<Report, "instance" | "epoch" | "n" | "watermark" | "activity">;

/** What idleness is decided on. */
export interface QuietFacts {
  readonly isQuiet: boolean;
  readonly isFullyAcknowledged: boolean;
  readonly isBlocked: boolean;
  readonly nowMs: number;
}

/** The progress of one incarnation. */
export class Progress {
  readonly #instance: InstanceId;
  readonly #epoch: number;
  readonly #gate: IdleGate;
  readonly #marks: Mark[] = [];
  #latest = -Infinity;
  #watermark = -Infinity;
  #isFinished = false;
  #n = 0;
  #said: Pick<Report, "watermark" | "activity" | "state" | "position" | "due" | "freeze"> | undefined;

  constructor(instance: InstanceId, epoch: number, idleTimeoutMs: number) {
    this.#instance = instance;
    this.#epoch = epoch;
    this.#gate = new IdleGate(idleTimeoutMs);
  }

  /** Event time has come to `watermark`, having caused outputs up to `ordinal`. */
  reach(watermark: number, ordinal: number): void {
    if (watermark <= this.#latest) return;
    this.#latest = watermark;
    const last = this.#marks.at(-1);
    if (last !== undefined && last.ordinal === ordinal) this.#marks.pop();
    this.#marks.push({ ordinal, watermark });
  }

  /** Outputs up to `ordinal` are acknowledged. Answers whether the reported watermark has grown. */
  acknowledge(ordinal: number): boolean {
    let hasGrown = false;
    for (let mark = this.#marks[0]; mark !== undefined && mark.ordinal <= ordinal; mark = this.#marks[0]) {
      this.#watermark = mark.watermark;
      this.#marks.shift();
      hasGrown = true;
    }
    return hasGrown;
  }

  /** Event time that may be reported. */
  get watermark(): number {
    return this.#watermark;
  }

  /** Everything has been read, applied and acknowledged. */
  get isEnded(): boolean {
    return this.#watermark === Infinity;
  }

  /** The last snapshot has been taken and the sinks have committed. */
  finish(): void {
    this.#isFinished = true;
  }

  get isFinished(): boolean {
    return this.#isFinished;
  }

  /** Looks at idleness. Answers whether a report is due because of it. */
  observe(facts: QuietFacts): boolean {
    return this.#gate.observe(facts);
  }

  /** Whether the next message may be processed, or must wait for the supervisor's answer. */
  get mayLeaveIdle(): boolean {
    return this.#gate.mayProceed;
  }

  /** There is something to process: asks to leave idleness. Answers whether a report is due. */
  wantsToProceed(): boolean {
    return this.#gate.wantsToProceed();
  }

  /** The supervisor has taken report `n`. Answers whether turns may go on that could not before. */
  answered(n: number): boolean {
    return this.#gate.answered(n);
  }

  /** Ms after which `observe` should be called again though nothing has happened; undefined: never. */
  lookAgainAfterMs(nowMs: number): number | undefined {
    return this.#gate.lookAgainAfterMs(nowMs);
  }

  /** Whether the next report would say something that the last one did not; a position alone is news after a while. */
  hasNews({ state, position, due, freeze }: Pick<Report, "state" | "position" | "due" | "freeze">): boolean {
    const said = this.#said;
    if (said?.due !== due || said.freeze !== freeze) return true;
    if (said.state !== state || said.watermark !== this.#watermark) return true;
    return said.activity !== this.#activity() || position - said.position >= positionsPerReport;
  }

  report(facts: ReportFacts): Report {
    this.#n += 1;
    const activity = this.#activity();
    const { state, position, due, freeze } = facts;
    this.#said = { watermark: this.#watermark, activity, state, position, due, freeze };
    this.#gate.reported(this.#n, activity === "idle");
    return { instance: this.#instance, epoch: this.#epoch, n: this.#n, watermark: this.#watermark, activity, ...facts };
  }

  #activity(): Activity {
    if (this.#isFinished) return "finished";
    if (this.isEnded) return "ended";
    return this.#gate.isIdle ? "idle" : "active";
  }
}
