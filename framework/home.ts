/**
 * Homes: where a job runs.
 *
 * Owns the contract and the home in this process; the one on NATS is in `home-nats.ts`. A home opens one place per start.
 */
import type { Seams } from "./log/contracts.ts";
import type { ClusterAddress } from "./log/ends.ts";
import { MemorySeams } from "./log/memory-seams.ts";
import { embeddedDefaults, type ResolvedJobOptions } from "./plan/options.ts";
import type { Plan } from "./plan/plan.ts";
import type { Platform } from "./platform/platform.ts";

/** An open place. */
export interface HomePlace {
  readonly seams: Seams;
  /** Whether nothing survives the process. */
  readonly isEmbedded: boolean;
  /** Tries until it works: what is asked for is being created by somebody else. */
  readonly whenThere: <T>(open: () => Promise<T>) => Promise<T>;
  /** Whether the connection to it is up, as far as this side knows. */
  isConnected(): boolean;
  close(): Promise<void>;
}

/** What is to happen in the place that is opened. */
export interface OpenIntent {
  /** A new life of the job is to begin, whatever is there of an older one. */
  readonly startNew: boolean;
}

/** Where a job runs: given to `run` and `start`. */
export interface Home {
  /** What the plan prints. */
  readonly description: string;
  /** Options of the job where the program says nothing. */
  readonly defaults: ResolvedJobOptions;
  /** The cluster that the job lives on: for its sources and sinks on NATS. @default the one that the environment names, if any */
  readonly cluster?: ClusterAddress | undefined;
  /** @throws SERVER_UNREACHABLE, SERVER_UNSUITABLE, SERVER_REFUSED, SERVER_FULL: within 5 s, with nothing half-created */
  open(plan: Plan, platform: Platform, intent: OpenIntent): Promise<HomePlace>;
}

const retryMs = 50;

/** Repeats `open` on the platform's clock until it works. */
export async function tryUntilThere<T>(platform: Platform, open: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await open();
    } catch {
      await new Promise<void>((resolve) => platform.clock.schedule(retryMs, resolve, { background: true }));
    }
  }
}

/**
 * Everything in this process, on memory: the same worker, leader, job log, claims and frames as on a cluster; nothing survives the process.
 *
 * @example
 * await run(job, embedded());
 */
export function embedded(): Home {
  return {
    description: "embedded",
    defaults: embeddedDefaults,
    open: (_plan, platform) =>
      Promise.resolve({
        seams: new MemorySeams(platform.clock),
        isEmbedded: true,
        whenThere: (open) => tryUntilThere(platform, open),
        isConnected: () => true,
        close: () => Promise.resolve(),
      }),
  };
}
