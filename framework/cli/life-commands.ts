/**
 * `tidemark stop | drain | restart JOB`.
 *
 * Owns what they print and their exit codes: 0 when it is done, 1 when it is refused or has not come to an end within `--timeout`.
 */
import type { Command } from "commander";
import { type CommandResult, drainJob, restartJob, stopJob } from "../administration/job-commands.ts";
import { type Duration, parseDuration } from "../time/duration.ts";
import { administrate, administrationCommand, print, type AdministrationFlags } from "./administrate.ts";
import { StreamError } from "../errors.ts";
import { drainOne } from "./fleet-commands.ts";
import { counted } from "./table.ts";

interface WaitingFlags extends AdministrationFlags {
  readonly timeout: string;
  readonly wait?: boolean;
}

const timeoutFlag = "--timeout <duration>";

interface DrainFlags extends WaitingFlags {
  readonly undo?: boolean;
}

/** Adds the commands. */
export function addLifeCommands(program: Command): void {
  administrationCommand(program, "stop", "suspend a job: all workers take last snapshots and end; nothing fires")
    .argument("<job>", "name of the job")
    .option(timeoutFlag, "how long to wait until all workers have gone", "30s")
    .action(async (job: string, flags: WaitingFlags) => {
      const timeoutMs = timeoutOf(flags);
      const result = await administrate(flags, (administrator) => stopJob(administrator, job, timeoutMs));
      end(flags, result, stopText(result, flags.timeout), result.left.length === 0);
    });
  administrationCommand(program, "drain", "end a job's input, so that it completes; or take one worker out of the job")
    .argument("<job>", "name of the job")
    .argument("[worker]", "id of a worker: it gives everything away and takes nothing, until --undo or its end")
    .option("--undo", "let the worker in again")
    .option(timeoutFlag, "how long to wait until the job has completed, or the worker has nothing left", "30s")
    .option("--no-wait", "only say so, and do not wait")
    .action(async (job: string, worker: string | undefined, flags: DrainFlags) => {
      const timeoutMs = flags.wait === false ? 0 : timeoutOf(flags);
      if (worker !== undefined) return drainOne(job, worker, timeoutMs, flags);
      if (flags.undo === true)
        throw new StreamError(
          "OPTION_INVALID",
          "--undo lets a worker in again: name it; the drain of a job is for good",
        );
      const result = await administrate(flags, (administrator) => drainJob(administrator, job, timeoutMs));
      end(flags, result, drainText(result, flags), flags.wait === false || result.state === "completed");
    });
  administrationCommand(program, "restart", "let a job that has failed or was stopped go on, from its last snapshots")
    .argument("<job>", "name of the job")
    .action(async (job: string, flags: AdministrationFlags) => {
      const result = await administrate(flags, (administrator) => restartJob(administrator, job));
      const what = `${nameOf(result)} may go on from its last snapshots: start its workers (tidemark run FILE)`;
      end(flags, result, what, true);
    });
}

function timeoutOf({ timeout }: WaitingFlags): number {
  return parseDuration(timeout as Duration, "--timeout", { minMs: 1 });
}

function end(flags: AdministrationFlags, result: CommandResult, text: string, isDone: boolean): void {
  print(flags, result, () => text);
  if (!isDone) process.exitCode = 1;
}

function nameOf({ job, generation }: CommandResult): string {
  return `job ${job}, generation ${generation},`;
}

function stopText(result: CommandResult, timeout: string): string {
  const { workers, left } = result;
  const onwards = `tidemark restart ${result.job} lets it go on`;
  if (left.length > 0) return `${nameOf(result)} is stopped; after ${timeout} there are still ${leftText(result)}`;
  const gone = workers === 0 ? "no worker was alive" : `${counted(workers, "worker")} took last snapshots and went`;
  return `${nameOf(result)} is stopped: ${gone}; ${onwards}`;
}

function drainText(result: CommandResult, { wait, timeout }: WaitingFlags): string {
  if (result.state === "completed") return `${nameOf(result)} has completed`;
  if (result.state !== "running") return `${nameOf(result)} has ${result.state} while it was drained`;
  if (wait === false) return `${nameOf(result)} is being drained`;
  return `${nameOf(result)} is being drained; after ${timeout} it has not completed, with ${counted(result.workers, "worker")}`;
}

function leftText({ workers, left }: CommandResult): string {
  const who = left.map(({ worker, instances }) => `${worker} (${counted(instances, "instance")})`).join(", ");
  return `${left.length} of ${counted(workers, "worker")}: ${who}`;
}
