/**
 * One version of the job's program, as the processes of a simulation run it.
 */
import type { JobClaim } from "../../actor/job-register.ts";
import { planText } from "../../plan/plan-text.ts";
import type { Plan } from "../../plan/plan.ts";
import { sha256Hex } from "../../platform/digest.ts";

/** A version of the program, and how its processes are started. */
export interface SimulatedProgram {
  /** Its `version` is no other program's. */
  readonly plan: Plan;
  /** The savepoint that its generation is to begin from, `JOB/NAME`. @default none: whoever starts it joins what is there */
  readonly from?: string | undefined;
  /** The generation that it is to be, beside the one that runs, and the only one that it joins (an upgrade). @default none */
  readonly successor?: number | undefined;
  /** Whether it finds nothing of the savepoint that it is to go on from: a program that does not come up. @default false */
  readonly isBlind?: boolean | undefined;
}

const texts = new WeakMap<Plan, Pick<JobClaim, "plan" | "planHash">>();

/** What its processes say of it when they join. */
export function claimOf({ plan }: SimulatedProgram): Pick<JobClaim, "job" | "plan" | "planHash" | "version"> {
  const known = texts.get(plan) ?? described(plan);
  texts.set(plan, known);
  return { ...known, job: plan.job, version: plan.version };
}

function described(plan: Plan): Pick<JobClaim, "plan" | "planHash"> {
  const text = planText(plan);
  return { plan: text, planHash: sha256Hex(text) };
}
