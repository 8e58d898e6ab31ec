/**
 * The life of a job's savepoints, as its job log tells it.
 *
 * Owns which savepoint is open and what has become of the others. What freezes, what is copied and when a savepoint ends is decided in `savepoint.ts`.
 *
 * R17. A request is a record of the job log: every leader continues or cancels what it finds open.
 * SP1. One savepoint at a time: a request counts while the job runs, is not being drained, and no other savepoint is open; else it is refused, with the reason.
 * SP2. The first end of the open savepoint counts; the end of another one is void.
 * SP3. A savepoint that has come about in mode `hold` stays open until a resume, or until the job ends: it is complete all the same. A drain waits for the
 *      resume, which its leader says when no other generation can take the place any more.
 * SP4. What ends the job (a stop, an outcome), and a drain, cancel the savepoint that is being taken.
 * SP5. Instances stand still at the open savepoint, and at the one with which the job has ended (it was held, or in mode stop): another generation goes on from there,
 *      and what they said behind it would be said twice. Until they have let go, that is; a restart is of other incarnations.
 */
import type { Resume, SavepointEnd, SavepointMode, SavepointRequest } from "../record/savepoint-record.ts";

/** What has become of a request: `freezing` and `held` are open. */
export type SavepointState = "freezing" | "held" | "complete" | "cancelled" | "refused";

/** One savepoint, or a request for one. */
export interface SavepointView extends Pick<SavepointRequest, "name" | "by" | "timeoutMs"> {
  /** Sequence of its request. */
  readonly id: number;
  readonly mode: SavepointMode;
  /** When the log stored the request, and what made the state. */
  readonly atMs: number;
  readonly sinceMs: number;
  readonly state: SavepointState;
  /** Why it was cancelled or refused. Empty otherwise. */
  readonly reason: string;
}

/** Savepoints that the view remembers. */
const savepointsKept = 20;

/** One job's savepoints, up to a position of its log. */
export class SavepointLife {
  readonly #all = new Map<number, SavepointView>();
  #open: number | undefined;
  /** SP5: the complete one with which the job has ended. */
  #last: number | undefined;

  /** The savepoint that is being taken, or held: sources do not read. */
  get open(): SavepointView | undefined {
    return this.#open === undefined ? undefined : this.#all.get(this.#open);
  }

  /** Id of the savepoint at which instances stand still (SP5); 0: they go on. */
  get standing(): number {
    return this.#open ?? this.#last ?? 0;
  }

  /** What has become of the request at sequence `id`; undefined when there was none, or it is long ago. */
  of(id: number): SavepointView | undefined {
    return this.#all.get(id);
  }

  /** The newest savepoints and requests, oldest first. */
  get all(): readonly SavepointView[] {
    return [...this.#all.values()];
  }

  /** Applies a request; `hindrance`: why the job takes no savepoint at the moment, empty when it does. */
  request(id: number, atMs: number, { name, by, mode, timeoutMs }: SavepointRequest, hindrance: string): void {
    const other = this.open;
    const reason = other === undefined ? hindrance : `savepoint ${other.name} is being taken`;
    const state = reason === "" ? "freezing" : "refused";
    this.#all.set(id, { id, name, by, mode, timeoutMs, atMs, sinceMs: atMs, state, reason });
    if (state === "freezing") this.#open = id;
    const oldest = [...this.#all.keys()].find((each) => each !== this.#open);
    if (this.#all.size > savepointsKept && oldest !== undefined) this.#all.delete(oldest);
  }

  /** Applies an end; answers whether the job is stopped by it. */
  end({ savepoint, outcome, reason }: SavepointEnd, atMs: number): boolean {
    const open = this.open;
    if (open?.id !== savepoint || open.state !== "freezing") return false;
    if (outcome === "complete" && open.mode === "hold") {
      this.#all.set(open.id, { ...open, state: "held", sinceMs: atMs });
      return false;
    }
    this.#close(outcome, reason);
    if (outcome !== "complete" || open.mode !== "stop") return false;
    this.#last = open.id;
    return true;
  }

  /** Applies a resume of what is held. */
  resume({ savepoint }: Resume): void {
    if (this.open?.id === savepoint && this.open.state === "held") this.#close("complete", "");
  }

  /** The job goes on no more, or ends its input: `reason` (SP3, SP4). */
  interrupt(reason: string): void {
    const { open } = this;
    if (open === undefined) return;
    if (open.state === "held") this.#last = open.id;
    this.#close(open.state === "held" ? "complete" : "cancelled", reason);
  }

  /** The job goes on again (SP5). */
  restarted(): void {
    this.#last = undefined;
  }

  #close(state: "complete" | "cancelled", reason: string): void {
    const { open } = this;
    if (open !== undefined) this.#all.set(open.id, { ...open, state, reason: state === "complete" ? "" : reason });
    this.#open = undefined;
  }
}
