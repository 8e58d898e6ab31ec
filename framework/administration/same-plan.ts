/**
 * Whether a program that is given beside a job is the job's own.
 */
import { StreamError } from "../errors.ts";
import { difference, planText } from "../plan/plan-text.ts";
import type { Plan } from "../plan/plan.ts";
import type { JobRecord } from "../record/snapshot-record.ts";

/** Checks that the job was started with this plan; the program's version may be another one. @throws JOB_MISMATCH with what differs */
export function checkSamePlan(record: Pick<JobRecord, "plan">, plan: Plan): void {
  const text = planText(plan);
  if (text === record.plan) return;
  throw new StreamError(
    "JOB_MISMATCH",
    `the program is not the one that job ${plan.job} runs (- the job, + the program):\n${difference(record.plan, text)}`,
  );
}
