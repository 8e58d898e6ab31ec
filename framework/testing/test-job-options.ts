/**
 * How a test wants its job.
 */
import type { WorkerPlace } from "../actor/worker-registry.ts";
import type { Seams } from "../log/contracts.ts";
import type { JobOptions } from "../plan/options.ts";
import type { Logger } from "../platform/platform.ts";
import type { VirtualClock } from "../platform/virtual-clock.ts";
import type { TestOrigin } from "./test-joining.ts";

/** How a test wants its job. */
export interface TestJobOptions extends JobOptions {
  /**
   * Wall-clock time at the beginning, ms since the epoch. A clock that begins at 0 is none that says what lies too far in the future: then records may have any
   * timestamp, unless the job or the test says `farFuture`.
   * @default 0
   */
  readonly now?: number | undefined;
  /**
   * Workers, as processes of their own that share the place.
   * @default 1
   */
  readonly workers?: number | undefined;
  /**
   * Splits of the sources, by source name.
   * @default 1 each
   */
  readonly splits?: Readonly<Record<string, number>> | undefined;
  /**
   * Seed of everything that is drawn, and of the order of tasks that are due at the same time.
   * @default tasks run in the order in which they were scheduled
   */
  readonly seed?: number | undefined;
  /** Asked before each turn: what crashes there, if anything. */
  readonly crashAt?: ((turn: TestTurn) => CrashKind | undefined) | undefined;
  /** @default silent */
  readonly logger?: Logger | undefined;
  /**
   * The place to run on.
   * @default a new one in memory
   */
  readonly seams?: ((clock: VirtualClock) => Seams) | undefined;
  /**
   * The savepoint of another test's job that this one goes on from: the same program, or another version of it. Sources go on behind what had been read then.
   * @default it begins empty
   */
  readonly from?: TestOrigin | undefined;
  /** Instances of stages that ask for threads live in threads: simulated ones, which die alone. @default false: like any other */
  readonly threads?: boolean | undefined;
  /** Where workers run, in the order in which they are started: for tests of placement and quarantine. @default nowhere in particular */
  readonly places?: readonly Partial<WorkerPlace>[] | undefined;
}

/** A turn that is about to begin. */
export interface TestTurn {
  readonly stage: string;
  readonly partition: number;
  /** Last position that has been processed. */
  readonly position: number;
  /** How many workers were started before the one that hosts it. */
  readonly worker: number;
}

/** What can crash: the actor whose turn it is, the worker that hosts it, or the leader's worker. */
export type CrashKind = "actor" | "worker" | "leader";
