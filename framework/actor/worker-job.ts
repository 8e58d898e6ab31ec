/**
 * What a worker is made of and told: the contract between `worker.ts` and whoever starts one.
 */
import type { Blobs, Registers, Seams } from "../log/contracts.ts";
import type { ClusterAddress } from "../log/ends.ts";
import type { JobNames } from "../log/names.ts";
import type { Plan } from "../plan/plan.ts";
import type { OutcomeRecord } from "../record/messages.ts";
import type { Probe, TurnMarks } from "./host.ts";
import type { JobStatus } from "./job-status.ts";
import type { StartCell } from "./cell-contract.ts";
import type { GenerationOrigin } from "./origin.ts";
import type { WorkerPlace } from "./worker-registry.ts";

/** What a worker works on. */
export interface WorkerJob {
  readonly plan: Plan;
  readonly names: JobNames;
  readonly seams: Seams;
  readonly registers: Registers;
  readonly blobs: Blobs;
  /** The savepoint that this generation goes on from. @default it began empty */
  readonly origin?: GenerationOrigin | undefined;
  /** It is prepared beside the running generation (an upgrade): nothing moves before it has taken the place of that. @default false */
  readonly isSuccessor?: boolean | undefined;
  /** What sources and sinks on NATS take when the program names no cluster. @default none */
  readonly cluster?: ClusterAddress | undefined;
}

/** What a caller may hook into. */
export interface WorkerOptions {
  readonly probe?: Probe | undefined;
  /** Where turns are said to be under way. @default nowhere */
  readonly marks?: TurnMarks | undefined;
  /** Hosts an instance alone, in a thread of its own (R15). @default it is hosted like any other */
  readonly startCell?: StartCell | undefined;
  /** Instances of stages that ask for threads are hosted in threads, too. @default false: like any other */
  readonly usesThreads?: boolean | undefined;
  /** Where the worker runs, for people. @default nowhere in particular */
  readonly place?: WorkerPlace | undefined;
  /** Share of its time that the event loop was busy since the last call. @default nothing is said of it */
  readonly loopShare?: (() => number) | undefined;
  /** For how long nobody new was heard of before a generation is placed that has never been, ms (`gathering.ts`). @default 0: it is placed at once */
  readonly gatherMs?: number | undefined;
  /** What a lane holds before those who speak into it take no turn, bytes. @default 1 MiB */
  readonly laneBytesMax?: number | undefined;
  /** @default false */
  readonly hasManualWatermarks?: boolean | undefined;
  /** Called once when the job log says that the job was stopped by a command, with what to say of it; the worker is to be stopped. @default it stops itself */
  readonly onStopped?: ((reason: string) => void) | undefined;
  /** Called when the job log says that the job is over; with the job's totals where this worker led. */
  readonly onOutcome?: ((outcome: OutcomeRecord, totals: JobStatus["totals"] | undefined) => void) | undefined;
}
