/**
 * Quarantines of a job, for somebody who is no worker of it: shown, and ended before their time.
 *
 * Owns what is refused. A release is a record of the job log; what was held against the worker or host is forgotten with it.
 */
import { StreamError } from "../errors.ts";
import type { QuarantineView } from "../protocol/fleet-view.ts";
import type { Administrator } from "./administrator.ts";
import { withJob } from "./commanded-job.ts";

/** What is in quarantine at the moment. */
export interface QuarantineListing {
  readonly job: string;
  readonly generation: number;
  readonly quarantines: readonly QuarantineView[];
}

/** The quarantines of `job` that last. @throws NOT_FOUND */
export function listQuarantines(administrator: Administrator, job: string): Promise<QuarantineListing> {
  return withJob(administrator, job, ({ names, reading }) => {
    const quarantines = reading.view.fleet.quarantinesAt(administrator.platform.clock.now());
    return Promise.resolve({ job, generation: names.generation, quarantines });
  });
}

/** Ends the quarantine of the worker or host called `subject`; answers those that last. @throws NOT_FOUND when it is in none */
export function releaseQuarantine(
  administrator: Administrator,
  job: string,
  subject: string,
): Promise<QuarantineListing> {
  return withJob(administrator, job, async ({ names, reading }) => {
    const lasting = () => reading.view.fleet.quarantinesAt(administrator.platform.clock.now());
    if (!lasting().some((each) => each.subject === subject)) throw notHeld(job, subject, lasting());
    await reading.append({ kind: "fleetOrder", order: "release", subject, workers: 0, by: administrator.by });
    return { job, generation: names.generation, quarantines: lasting() };
  });
}

function notHeld(job: string, subject: string, lasting: readonly QuarantineView[]): StreamError {
  const held = lasting.map((each) => `${each.scope} ${each.subject}`).join(", ");
  const there = held === "" ? "nothing is" : `there are ${held}`;
  return new StreamError("NOT_FOUND", `${JSON.stringify(subject)} is not in quarantine in job ${job}: ${there}`);
}
