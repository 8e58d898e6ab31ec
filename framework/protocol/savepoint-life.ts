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

  /** The savepoint that is being taken, or held: sources do not read. */
  get open(): SavepointView | undefined {
    return this.#open === undefined ? undefined : this.#all.get(this.#open);
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
    return outcome === "complete" && open.mode === "stop";
  }

  /** Applies a resume of what is held. */
  resume({ savepoint }: Resume): void {
    if (this.open?.id === savepoint && this.open.state === "held") this.#close("complete", "");
  }

  /** The job goes on no more, or ends its input: `reason` (SP3, SP4). */
  interrupt(reason: string): void {
    if (this.open !== undefined) this.#close(this.open.state === "held" ? "complete" : "cancelled", reason);
  }

  #close(state: "complete" | "cancelled", reason: string): void {
    const { open } = this;
    if (open !== undefined) this.#all.set(open.id, { ...open, state, reason: state === "complete" ? "" : reason });
    this.#open = undefined;
  }
}
