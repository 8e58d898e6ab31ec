/**
 * `tidemark delete JOB`.
 *
 * Owns the question before it: nothing is deleted that was not confirmed on a terminal, or with `--yes`.
 */
import { createInterface } from "node:readline/promises";
import type { Command } from "commander";
import { deleteJob, type Deletion } from "../administration/job-deletion.ts";
import { StreamError } from "../errors.ts";
import { administrate, administrationCommand, print, type AdministrationFlags } from "./administrate.ts";
import { bytesText, counted } from "./table.ts";

interface DeleteFlags extends AdministrationFlags {
  readonly generation: string;
  readonly force?: boolean;
  readonly yes?: boolean;
}

/** Adds the command. */
export function addDeleteCommand(program: Command): void {
  administrationCommand(program, "delete", "delete all streams and registers of a job that does not run")
    .argument("<job>", "name of the job")
    .option("--generation <n>", "only this generation, or all: the job itself, too", "all")
    .option("--force", "stop it first if it runs, and delete it whoever is still there")
    .option("--yes", "do not ask")
    .action(async (job: string, flags: DeleteFlags) => {
      const generation = generationOf(flags);
      await confirm(job, flags);
      const options = { generation, force: flags.force };
      print(flags, await administrate(flags, (administrator) => deleteJob(administrator, job, options)), deletionText);
    });
}

function generationOf({ generation }: DeleteFlags): number | undefined {
  if (generation === "all") return undefined;
  if (/^(0|[1-9]\d{0,14})$/.test(generation)) return Number(generation);
  throw new StreamError("OPTION_INVALID", `--generation is ${JSON.stringify(generation)}: a number, or all`);
}

async function confirm(job: string, { yes, generation }: DeleteFlags): Promise<void> {
  if (yes === true) return;
  const what = `delete ${generation === "all" ? "everything" : `generation ${generation}`} of job ${job}`;
  if (!process.stdin.isTTY || !process.stderr.isTTY)
    throw new StreamError("OPTION_INVALID", `to ${what} without being asked on a terminal, add --yes`);
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  const answer = await terminal.question(`${what}? Its name again: `);
  terminal.close();
  if (answer.trim() !== job) throw new StreamError("OPTION_INVALID", "nothing has been deleted");
}

function deletionText({ job, generations, isWhole, streams, bytes }: Deletion): string {
  const which = `${counted(generations.length, "generation")} (${generations.join(", ")})`;
  const what = isWhole ? `job ${job} is deleted` : `of job ${job} a generation is deleted`;
  return `${what}: ${which}, ${counted(streams, "stream")}, ${bytesText(bytes)}`;
}
