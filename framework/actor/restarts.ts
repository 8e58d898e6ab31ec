/**
 * The restarts of crashed instances, for one leader epoch.
 *
 * Owns who waits for its restart (such an instance is parked) and what of its crashes counts; whether and when is decided by `protocol/restart.ts`.
 */
import type { Cancel, Platform } from "../platform/platform.ts";
import { instanceKey } from "../protocol/job-log.ts";
import { decideRestart, type CrashFacts, type RestartBudgetFacts } from "../protocol/restart.ts";
import type { InstanceId } from "../record/messages.ts";

/** A crash of an instance. */
export interface Crash {
  readonly instance: InstanceId;
  /** Sequence of the snapshot that its pointer names: progress since the last crash. */
  readonly snapshot: number;
  /** The restarts that crashes have caused so far, from the job log; those on a worker in quarantine are excused. */
  readonly before: readonly { readonly storedAtMs: number; readonly isExcused?: boolean | undefined }[];
  /** Now, in the job log's own time. */
  readonly nowMs: number;
}

/** How far an instance's pointer had come when it crashed last, and how many of its crashes lie before that. */
interface CrashProgress {
  readonly snapshot: number;
  readonly crashes: number;
}

/** The restarts of one leader epoch. */
export class Restarts {
  readonly #platform: Platform;
  readonly #budget: RestartBudgetFacts;
  readonly #waiting = new Map<string, Cancel>();
  readonly #progress = new Map<string, CrashProgress>();

  constructor(platform: Platform, budget: RestartBudgetFacts) {
    this.#platform = platform;
    this.#budget = budget;
  }

  /** Whether the instance has crashed and waits for its restart. */
  isParked(instance: InstanceId): boolean {
    return this.#waiting.has(instanceKey(instance));
  }

  /** Calls `restart` when the instance may be started again. Answers why it may not, ever: its budget is used up. */
  crashed(crash: Crash, restart: () => void): string | undefined {
    const key = instanceKey(crash.instance);
    const { clock, random } = this.#platform;
    const crashes = this.#withoutProgress(key, crash);
    const decision = decideRestart({ crashes, nowMs: crash.nowMs, budget: this.#budget, chance: random.next() });
    if (decision.kind === "exhausted") return decision.message;
    const begin = () => {
      this.#waiting.delete(key);
      restart();
    };
    this.#waiting.set(key, clock.schedule(decision.delayMs, begin));
    return undefined;
  }

  close(): void {
    for (const cancel of this.#waiting.values()) cancel();
    this.#waiting.clear();
  }

  /** The crashes since the pointer has moved last. */
  #withoutProgress(key: string, { snapshot, before }: Crash): CrashFacts[] {
    const known = this.#progress.get(key);
    if (known === undefined || snapshot > known.snapshot) {
      const crashes = known === undefined ? 0 : before.length;
      this.#progress.set(key, { snapshot, crashes });
    }
    return before
      .slice(this.#progress.get(key)?.crashes ?? 0)
      .filter(({ isExcused }) => isExcused !== true)
      .map(({ storedAtMs }) => ({ storedAtMs, hasProgressed: false }));
  }
}
