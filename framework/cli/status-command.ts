/**
 * `tidemark status [JOB]`.
 */
import type { Command } from "commander";
import { listHoldings, type Administrator } from "../administration/administrator.ts";
import { lookAtJob } from "../administration/job-look.ts";
import { StreamError } from "../errors.ts";
import { administrate, administrationCommand, print, type AdministrationFlags } from "./administrate.ts";
import { statusText } from "./status-text.ts";

/** Adds the command. */
export function addStatusCommand(program: Command): void {
  administrationCommand(program, "status", "show workers, instances and recent restarts of a job")
    .argument("[job]", "name of the job; may be left out when there is just one")
    .action(async (job: string | undefined, flags: AdministrationFlags) => {
      const look = async (administrator: Administrator) =>
        lookAtJob(administrator, job ?? (await onlyJob(administrator)));
      print(flags, await administrate(flags, look), (status) => statusText(status, Date.now()));
    });
}

async function onlyJob(administrator: Administrator): Promise<string> {
  const { owned } = await listHoldings(administrator);
  const jobs = [...new Set(owned.map(({ owner }) => owner.job))].toSorted();
  const [job] = jobs;
  if (job !== undefined && jobs.length === 1) return job;
  const found = job === undefined ? "there is no job here" : `there are several jobs: ${jobs.join(", ")}; name one`;
  throw new StreamError("NOT_FOUND", `${found}; an embedded job is seen by its own process alone (handle.status())`);
}
