/**
 * The worker processes of a fleet: starts them, replaces those that end, and ends them all.
 *
 * Owns how many there are and how they come to their end; what a worker does is its own business, and who leads is decided in the job log.
 *
 * C1. As long as the fleet works, every worker that ends is replaced (F1 to F3 of `replacement.ts`); once it is ending, none is.
 * C2. A worker process that is gone is told at once, by its worker's id, so that nobody waits for its silence.
 * C4. A worker that is too many leaves in good order, and is not replaced; those that have been drained are the first to go, then the last to come.
 * C3. The end is told once, when no process is left: those that do not go by themselves are killed.
 */
import { StreamError, errorPolicy, type ErrorCode } from "../errors.ts";
import { noTotals, type JobEnd } from "../job-handle.ts";
import type { Cancel, Platform } from "../platform/platform.ts";
import type { FromWorker, ToWorker } from "./membership.ts";
import { decideReplacement, noRecord, type Life, type Record } from "./replacement.ts";
import type { ProcessEars, WorkerProcess } from "./worker-process.ts";

/** How a crew came to its end. */
export interface CrewEnd extends JobEnd {
  /** What no worker can start with. */
  readonly refusal?: StreamError | undefined;
}

/** What a crew does not do itself. */
export interface CrewEvents {
  /** Starts the process of worker `index`. */
  startProcess(index: number, ears: ProcessEars): WorkerProcess;
  /** The process of this worker is gone. */
  onGone(worker: string): void;
}

/** Time for workers to leave, before those that have not are killed, ms: with what a worker takes itself, less than 10 s. */
const leaveMsMax = 9_000;
/** When the job is over workers end by themselves; after this long they are told to, ms. */
const lingerMsMax = 1_000;

/** One worker's place in the crew, and the process in it. */
interface Post {
  readonly index: number;
  process: WorkerProcess | undefined;
  worker: string | undefined;
  lastWord: Life["lastWord"];
  hasJoined: boolean;
  /** C4 */
  isTooMany: boolean;
  startedMs: number;
  record: Record;
  cancelStart: Cancel | undefined;
  cancelDismissal: Cancel | undefined;
}

/** The worker processes of one fleet. */
export class Crew {
  /** Resolves when the first worker has joined, or with the end of the crew when that comes first. */
  readonly ready: Promise<CrewEnd | undefined>;
  /** How it ended; never rejects. */
  readonly ended: Promise<CrewEnd>;
  readonly #platform: Platform;
  readonly #events: CrewEvents;
  #posts: readonly Post[];
  readonly #isReady: () => void;
  readonly #hasEnded: (end: CrewEnd) => void;
  #end: CrewEnd | undefined;

  constructor(platform: Platform, workers: number, events: CrewEvents) {
    this.#platform = platform;
    this.#events = events;
    this.#posts = Array.from({ length: workers }, (_, index) => vacant(index));
    const ready = Promise.withResolvers<undefined>();
    const ended = Promise.withResolvers<CrewEnd>();
    this.ready = Promise.race([ready.promise, ended.promise]);
    this.ended = ended.promise;
    this.#isReady = () => ready.resolve(undefined);
    this.#hasEnded = ended.resolve;
  }

  /** Starts every worker. */
  start(): void {
    for (const post of this.#posts) this.#fill(post);
  }

  /** Workers that have joined and live. */
  get joined(): number {
    return this.#posts.filter(({ hasJoined, process }) => hasJoined && process !== undefined).length;
  }

  /** Workers that are to be kept. */
  get size(): number {
    return this.#posts.filter(({ isTooMany }) => !isTooMany).length;
  }

  /** Keeps so many workers from here on. `drained`: ids of those that take nothing. C4 */
  resize(workers: number, drained: ReadonlySet<string> = new Set()): void {
    if (this.#end !== undefined || workers === this.size) return;
    const isDrained = ({ worker }: Post) => worker !== undefined && drained.has(worker);
    const ranked = this.#posts.toSorted((a, b) => Number(isDrained(a)) - Number(isDrained(b)) || a.index - b.index);
    const kept = new Set(ranked.slice(0, workers));
    const known = new Set(this.#posts.map(({ index }) => index));
    const free = Array.from({ length: workers + known.size }, (_, index) => index).filter((index) => !known.has(index));
    const posts = free.slice(0, workers - kept.size).map((index) => vacant(index));
    for (const post of this.#posts) {
      const wasTooMany = post.isTooMany;
      post.isTooMany = !kept.has(post);
      if (post.isTooMany && !wasTooMany) this.#dismiss(post);
    }
    this.#posts = [...this.#posts, ...posts].toSorted((a, b) => a.index - b.index);
    for (const post of posts) this.#fill(post);
  }

  /** Tells every worker to leave; those that have not within 9 s are killed. */
  stop(): void {
    this.#endAs({ state: "stopped", message: "", totals: noTotals });
    this.#tellToLeave();
  }

  /** Kills what is left, at once. */
  kill(): void {
    this.#endAs({ state: "stopped", message: "", totals: noTotals });
    for (const { process } of this.#posts) process?.kill("SIGKILL");
  }

  /** Tells every worker that listens. */
  tell(message: ToWorker): void {
    for (const { process } of this.#posts) process?.tell(message);
  }

  #fill(post: Post): void {
    Object.assign(post, { worker: undefined, lastWord: undefined, hasJoined: false, cancelStart: undefined });
    post.startedMs = this.#platform.clock.monotonicMs();
    post.process = this.#events.startProcess(post.index, {
      onSaid: (message) => this.#hear(post, message),
      onExit: () => {
        if (post.worker !== undefined && this.#end === undefined) this.#events.onGone(post.worker);
      },
      onClosed: ({ exitCode, signal }, error) => this.#closed(post, exitCode, signal, error),
    });
  }

  #hear(post: Post, message: FromWorker): void {
    switch (message.kind) {
      case "started":
        post.worker = message.worker;
        return;
      case "joined":
        post.hasJoined = true;
        return this.#isReady();
      case "ended":
      case "refused":
        post.lastWord = message;
    }
  }

  #closed(post: Post, exitCode: number | null, signal: NodeJS.Signals | null, error: Error | undefined): void {
    const { lastWord, hasJoined, worker } = post;
    post.process = undefined;
    post.cancelDismissal?.();
    if (lastWord?.kind === "ended") this.#learn(lastWord.end.totals);
    if (this.#end === undefined) {
      const livedMs = this.#platform.clock.monotonicMs() - post.startedMs;
      this.#replace(post, { exitCode, signal, lastWord, hasJoined, livedMs }, { worker, reason: error?.message });
    }
    if (this.#end !== undefined && this.#posts.every(({ process }) => process === undefined)) this.#hasEnded(this.#end);
  }

  #replace(post: Post, life: Life, told: { readonly worker: string | undefined; readonly reason: string | undefined }) {
    const next = decideReplacement(life, post.record, this.#platform.random.next());
    if (post.isTooMany && next.kind !== "end") return this.#abolish(post);
    if (next.kind === "end") return this.#over({ ...next, totals: totalsOf(life) });
    if (next.kind === "refuse")
      return this.#over({ state: "failed", message: next.message, totals: noTotals, refusal: errorOf(next) });
    post.record = next.record;
    post.cancelStart = this.#platform.clock.schedule(next.delayMs, () => this.#fill(post));
    const { exitCode, signal, lastWord } = life;
    const refusal = lastWord?.kind === "refused" ? `${lastWord.code}: ${lastWord.message}` : undefined;
    this.#platform.logger.log("warn", "a worker process has ended and is replaced", {
      index: post.index,
      worker: told.worker,
      ...(signal === null ? { exitCode } : { signal }),
      reason: told.reason ?? refusal,
      afterMs: next.delayMs,
    });
  }

  /** C4 */
  #dismiss(post: Post): void {
    if (post.process === undefined) {
      post.cancelStart?.();
      return this.#abolish(post);
    }
    this.#askToLeave(post);
    post.cancelDismissal = this.#platform.clock.schedule(leaveMsMax, () => post.process?.kill("SIGKILL"), {
      background: true,
    });
  }

  #abolish(post: Post): void {
    this.#posts = this.#posts.filter((each) => each !== post);
  }

  /** The job is over, or cannot go on: the others have read the same, and end by themselves. */
  #over(end: CrewEnd): void {
    this.#endAs(end);
    this.#platform.clock.schedule(lingerMsMax, () => this.#tellToLeave(), { background: true });
  }

  #endAs(end: CrewEnd): void {
    if (this.#end !== undefined) return;
    this.#end = end;
    for (const { cancelStart } of this.#posts) cancelStart?.();
    if (this.#posts.every(({ process }) => process === undefined)) this.#hasEnded(end);
  }

  #tellToLeave(): void {
    for (const post of this.#posts) this.#askToLeave(post);
    this.#platform.clock.schedule(leaveMsMax, () => this.#killTheRest(), { background: true });
  }

  /** One that has not joined has nothing to release, and may not listen yet. */
  #askToLeave({ process, hasJoined }: Post): void {
    if (hasJoined) process?.tell({ kind: "stop" });
    else process?.kill("SIGTERM");
  }

  #killTheRest(): void {
    for (const { process, index, worker } of this.#posts) {
      if (process === undefined) continue;
      this.#platform.logger.log("warn", "a worker process did not leave in time and is killed", { index, worker });
      process.kill("SIGKILL");
    }
  }

  /** Counters only grow: the newest totals are the largest. */
  #learn(totals: JobEnd["totals"]): void {
    const end = this.#end;
    if (end !== undefined && totals.recordsIn + totals.recordsOut > end.totals.recordsIn + end.totals.recordsOut)
      this.#end = { ...end, totals };
  }
}

function vacant(index: number): Post {
  return {
    index,
    process: undefined,
    worker: undefined,
    lastWord: undefined,
    hasJoined: false,
    startedMs: 0,
    record: noRecord,
    cancelStart: undefined,
    cancelDismissal: undefined,
    isTooMany: false,
  };
}

function totalsOf({ lastWord }: Life): JobEnd["totals"] {
  return lastWord?.kind === "ended" ? lastWord.end.totals : noTotals;
}

function errorOf({ code, message }: { readonly code: string; readonly message: string }): StreamError {
  return new StreamError(code in errorPolicy ? (code as ErrorCode) : "UNAVAILABLE", message);
}
