/**
 * Homes: where a job runs.
 *
 * Owns the contract and the home in this process; the one on NATS is in `home-nats.ts`, the one of worker processes in `fleet.ts`. A home opens one place per start.
 */
import type { WorkerJob } from "./actor/worker-job.ts";
import type { JobEvents, StartedJob, StartWorker } from "./job-handle.ts";
import type { Seams } from "./log/contracts.ts";
import type { ClusterAddress } from "./log/ends.ts";
import { MemorySeams } from "./log/memory-seams.ts";
import { embeddedDefaults, type ResolvedJobOptions } from "./plan/options.ts";
import type { Plan } from "./plan/plan.ts";
import type { Clock, Platform } from "./platform/platform.ts";
import type { ResolvedHints } from "./worker-hints.ts";
import type { ResolvedTelemetry } from "./telemetry/options.ts";

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
  /** Whether a job has registers here, without creating them. @default what the list of all holdings says, which a busy cluster may not give in time */
  readonly hasRegisters?: ((job: string) => Promise<boolean>) | undefined;
  /** Whether there is room for one more generation of the plan; asked before one begins from a savepoint. @throws SERVER_FULL @default there is */
  readonly checkRoom?: (() => Promise<void>) | undefined;
  /** The only generation that may be joined: in a worker process of a fleet. @default whichever the job's register names */
  readonly generation?: number | undefined;
  /** Makes the fleet of worker processes that the job runs on. @default one worker in this process */
  readonly fleetOf?: ((job: Pick<WorkerJob, "plan" | "names">, events: JobEvents) => StartedJob) | undefined;
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
  /** What its worker says of itself for placement. @default nothing in particular */
  readonly hints?: ResolvedHints | undefined;
  /** @throws SERVER_UNREACHABLE, SERVER_UNSUITABLE, SERVER_REFUSED, SERVER_FULL: within 5 s, with nothing half-created */
  open(plan: Plan, platform: Platform, intent: OpenIntent): Promise<HomePlace>;
  /** What of the telemetry that is asked for this process has. @default all */
  readonly telemetryHere?: ((asked: ResolvedTelemetry) => ResolvedTelemetry) | undefined;
  /** Only in a worker process of a fleet: is the worker that `startWorker` starts, until the process ends. */
  readonly serve?: ((clock: Clock, startWorker: StartWorker) => Promise<never>) | undefined;
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
