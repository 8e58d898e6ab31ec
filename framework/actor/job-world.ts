/**
 * The surroundings of the job supervisor: handed on by the worker that leads.
 */
import type { Blobs, Logs, Registers } from "../log/contracts.ts";
import type { EndHome } from "../log/ends.ts";
import type { JobNames } from "../log/names.ts";
import type { Plan } from "../plan/plan.ts";
import type { Platform } from "../platform/platform.ts";
import type { ControlSender } from "./control-sender.ts";
import type { JobBus } from "./job-bus.ts";
import type { GenerationOrigin } from "./origin.ts";
import type { JobLogTail } from "./job-log-tail.ts";
import type { Witness } from "./witness.ts";
import type { WorkerRegistry } from "./worker-registry.ts";

/** What the job supervisor, and the preparation before it, work with. */
export interface JobWorld {
  readonly platform: Platform;
  readonly plan: Plan;
  readonly names: JobNames;
  readonly logs: Logs;
  readonly registers: Registers;
  /** Where savepoints are kept. @throws SERVER_REFUSED, SERVER_FULL, UNAVAILABLE, TIMEOUT */
  readonly openSavepoints: () => Promise<Blobs>;
  /** What sources are told of the place. */
  readonly ends: EndHome;
  /** The savepoint that the generation goes on from, if any. */
  readonly origin: GenerationOrigin | undefined;
  readonly bus: JobBus;
  readonly tail: JobLogTail;
  readonly registry: WorkerRegistry;
  readonly witness: Witness;
  readonly controls: ControlSender;
  /** Id of the worker it runs on. */
  readonly worker: string;
  /** How long the first placement waits for workers that are just starting, ms; 0: it does not. */
  readonly gatherMs: number;
  /** This worker may not do what leading takes: it leads no more, and another one stands. */
  readonly abdicate: () => void;
}
