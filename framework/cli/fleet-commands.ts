/**
 * `tidemark drain JOB WORKER`, `tidemark scale JOB --workers N`, `tidemark quarantine JOB [--release SUBJECT]`.
 *
 * Owns what they print and their exit codes: 0 when it is done, 1 when it is refused or has not come to an end within `--timeout`.
 */
import type { Command } from "commander";
import { scaleFleet, type ScaleResult } from "../administration/fleet-scale.ts";
import { listQuarantines, releaseQuarantine } from "../administration/quarantine-orders.ts";
import { drainWorker, undrainWorker, type WorkerDrainResult } from "../administration/worker-drain.ts";
import { StreamError } from "../errors.ts";
import { type Duration, parseDuration } from "../time/duration.ts";
import { administrate, administrationCommand, print, type AdministrationFlags } from "./administrate.ts";
import { quarantinesText } from "./status-text.ts";
import { counted } from "./table.ts";

interface WorkerDrainFlags extends AdministrationFlags {
  readonly timeout: string;
  readonly undo?: boolean;
}

interface ScaleFlags extends AdministrationFlags {
  readonly workers?: string;
  readonly starter?: string;
  readonly timeout: string;
}

interface QuarantineFlags extends AdministrationFlags {
  readonly release?: string;
}

/** Adds `scale` and `quarantine`. */
export function addFleetCommands(program: Command): void {
  administrationCommand(program, "scale", "change how many workers a fleet has that tidemark run --workers has started")
    .argument("<job>", "name of the job")
    .option("--workers <n>", "worker processes, 1 to 256")
    .option("--starter <id>", "which process that started workers, where there are several")
    .option("--timeout <duration>", "how long to wait until they have joined, or gone", "60s")
    .action(async (job: string, flags: ScaleFlags) => {
      if (flags.workers === undefined)
        throw new StreamError("OPTION_INVALID", "say how many workers there are to be: --workers N");
      const workers = /^\d+$/.test(flags.workers) ? Number(flags.workers) : Number.NaN;
      if (Number.isNaN(workers))
        throw new StreamError("OPTION_INVALID", `--workers is ${JSON.stringify(flags.workers)}; it takes 1 to 256`);
      const timeoutMs = parseDuration(flags.timeout as Duration, "--timeout", { minMs: 1 });
      const onProgress = (now: number) => tellOnTheWay(flags, `${counted(now, "worker")} of ${workers}`);
      const order = { workers, starter: flags.starter, timeoutMs, onProgress };
      const result = await administrate(flags, (administrator) => scaleFleet(administrator, job, order));
      print(flags, result, () => scaleText(result, flags.timeout));
      if (result.workers !== workers) process.exitCode = 1;
    });
  administrationCommand(program, "quarantine", "workers and hosts that are given nothing for a while, and why")
    .argument("<job>", "name of the job")
    .option("--release <subject>", "end the quarantine of this worker or host")
    .action(async (job: string, flags: QuarantineFlags) => {
      const { release } = flags;
      const listing = await administrate(flags, (administrator) =>
        release === undefined ? listQuarantines(administrator, job) : releaseQuarantine(administrator, job, release),
      );
      print(flags, listing, () => {
        const rest = quarantinesText(listing) || "nothing is in quarantine";
        return release === undefined ? rest : `${release} is in quarantine no more\n${rest}`;
      });
    });
}

/** `tidemark drain JOB WORKER`; a `timeoutMs` of 0 does not wait. */
export async function drainOne(job: string, worker: string, timeoutMs: number, flags: WorkerDrainFlags): Promise<void> {
  if (flags.undo === true) {
    const result = await administrate(flags, (administrator) => undrainWorker(administrator, job, worker));
    return print(flags, result, () => `worker ${worker} of job ${job} takes part again`);
  }
  const onProgress = (left: number) => tellOnTheWay(flags, `worker ${worker} has ${counted(left, "instance")}`);
  const result = await administrate(flags, (administrator) =>
    drainWorker(administrator, job, worker, { timeoutMs, onProgress }),
  );
  print(flags, result, () => drainText(result, flags.timeout, timeoutMs));
  if (result.left > 0 && timeoutMs > 0) process.exitCode = 1;
}

function drainText({ job, worker, left }: WorkerDrainResult, timeout: string, timeoutMs: number): string {
  const back = `tidemark drain ${job} ${worker} --undo lets it in again`;
  if (left === 0) return `worker ${worker} of job ${job} has given everything away, and takes nothing; ${back}`;
  const so = timeoutMs === 0 ? "" : `after ${timeout} `;
  return `worker ${worker} of job ${job} is being drained; ${so}it still has ${counted(left, "instance")}; ${back}`;
}

function scaleText({ job, wanted, workers, starter, host, processId }: ScaleResult, timeout: string): string {
  const who = `the fleet of job ${job} (starter ${starter}, ${host}, process ${processId})`;
  if (workers === wanted) return `${who} has ${counted(workers, "worker")}`;
  return `${who} is to have ${counted(wanted, "worker")}; after ${timeout} it has ${workers}`;
}

/** For people alone, and not where the result goes. */
function tellOnTheWay({ json }: AdministrationFlags, what: string): void {
  if (json !== true) process.stderr.write(`${what}\n`);
}
