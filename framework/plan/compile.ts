/**
 * From a program to its plan (design, section 3).
 *
 * Owns the order of things: check the program, name everything, cut it into stages, check the result. Changes nothing and starts nothing.
 */
import { checkName } from "../log/names.ts";
import { checkOrder, checkProblems, checkUse } from "./check.ts";
import { cut } from "./cut.ts";
import { checkChannels, type SizedEdge } from "./limits.ts";
import { closeLoops } from "./loops.ts";
import { Naming } from "./naming.ts";
import { jobDefaults, type ResolvedJobOptions, resolveOptions } from "./options.ts";
import type { Edge, Plan, Stage } from "./plan.ts";
import type { Program } from "./program.ts";

/** What a plan takes from where the job will run. */
export interface PlanSurroundings {
  /**
   * Options where the job says nothing.
   * @default what a job on a cluster has
   */
  readonly defaults?: ResolvedJobOptions | undefined;
  /**
   * Version of the program where the job says none: the sha256 of its file.
   * @default ""
   */
  readonly version?: string | undefined;
}

/**
 * Makes the plan of a job: its stages, cut at every exchange, and the edges between them.
 *
 * The same program gives the same plan, whoever compiles it and however often.
 *
 * @example
 * const plan = compile(monitor);
 * console.log(describeText(plan));
 *
 * @throws PLAN_INVALID with the place in the program and what to do about it
 */
export function compile(job: Program, surroundings: PlanSurroundings = {}): Plan {
  checkName(job.name, "job");
  const options = resolveOptions(job.options, surroundings.defaults ?? jobDefaults, `job "${job.name}"`);
  checkOrder(job);
  checkProblems(job);
  const naming = new Naming(job);
  checkUse(job);
  const place = `job "${job.name}"`;
  const { stages, edges } = closeLoops(place, cut(job, naming, options));
  checkChannels(sizesOf(stages, edges), options.limits, place);
  return { job: job.name, version: job.options.version ?? surroundings.version ?? "", options, stages, edges };
}

function sizesOf(stages: readonly Stage[], edges: readonly Edge[]): readonly SizedEdge[] {
  const partitionsOf = (stage: number) => (stages[stage]?.source === undefined ? stages[stage]?.partitions : undefined);
  return edges.map(({ name, exchange, from, to }) => ({
    name,
    exchange,
    fromPartitions: partitionsOf(from),
    toPartitions: typeof to === "number" ? (partitionsOf(to) ?? 1) : 1,
  }));
}
