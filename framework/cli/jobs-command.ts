/**
 * `tidemark jobs`.
 */
import type { Command } from "commander";
import { type GenerationSummary, type JobListing, listJobs } from "../administration/job-listing.ts";
import { administrate, administrationCommand, print, type AdministrationFlags } from "./administrate.ts";
import { bytesText, counted, table } from "./table.ts";

/** Adds the command. */
export function addJobsCommand(program: Command): void {
  administrationCommand(program, "jobs", "list all jobs of the account, with their generations").action(
    async (flags: AdministrationFlags) => {
      print(flags, await administrate(flags, listJobs), listingText);
    },
  );
}

const head = ["JOB", "GENERATION", "STATE", "WORKERS", "LEADER", "STREAMS", "BYTES"];

function listingText({ jobs, strange }: JobListing): string {
  const jobsText = jobs.length === 0 ? "no jobs" : table(head, jobs.map(rowOf));
  if (strange.length === 0) return jobsText;
  const bytes = strange.reduce((sum, each) => sum + each.bytes, 0);
  const names = strange.map(({ name }) => name).join(", ");
  return `${jobsText}\n\n${counted(strange.length, "stream")} of no job, ${bytesText(bytes)}: ${names}`;
}

function rowOf({ job, generation, isCurrent, state, workers, leader, streams, bytes }: GenerationSummary): string[] {
  const which = isCurrent ? String(generation) : `${generation} (old)`;
  return [job, which, state, String(workers), leader, String(streams), bytesText(bytes)];
}
