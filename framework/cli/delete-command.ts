/**
 * `tidemark delete JOB`.
 *
 * Owns the question before it: nothing is deleted that was not confirmed on a terminal, or with `--yes`.
 */
import { createInterface } from "node:readline/promises";
import type { Command } from "commander";
import { deleteJob, type Deletion } from "../administration/job-deletion.ts";
import { deleteSavepoint } from "../administration/savepoints.ts";
import { StreamError } from "../errors.ts";
import { administrate, administrationCommand, print, type AdministrationFlags } from "./administrate.ts";
import { bytesText, counted } from "./table.ts";

interface DeleteFlags extends AdministrationFlags {
  readonly generation: string;
  readonly force?: boolean;
  readonly savepoint?: string;
  readonly savepoints?: boolean;
  readonly yes?: boolean;
}

/** Adds the command. */
export function addDeleteCommand(program: Command): void {
  administrationCommand(program, "delete", "delete all streams and registers of a job that does not run")
    .argument("<job>", "name of the job")
    .option("--generation <n>", "only this generation, or all: the job itself, too", "all")
    .option(
      "--force",
      "stop it first if it runs, and delete it whoever is still there; a savepoint, also one that the job began from",
    )
    .option("--savepoint <name>", "this savepoint, and nothing else; of a job that runs, too")
    .option("--savepoints", "the savepoints of the job, too: they are kept otherwise")
    .option("--yes", "do not ask")
    .action(async (job: string, flags: DeleteFlags) => {
      const { savepoint, savepoints, force } = flags;
      const generation = generationOf(flags);
      await confirm(job, flags);
      if (savepoint !== undefined) {
        const deleted = await administrate(flags, (administrator) =>
          deleteSavepoint(administrator, job, savepoint, force),
        );
        return print(flags, deleted, savepointText);
      }
      const options = { generation, force, withSavepoints: savepoints };
      print(flags, await administrate(flags, (administrator) => deleteJob(administrator, job, options)), deletionText);
    });
}

function generationOf({ generation }: DeleteFlags): number | undefined {
  if (generation === "all") return undefined;
  if (/^(0|[1-9]\d{0,14})$/.test(generation)) return Number(generation);
  throw new StreamError("OPTION_INVALID", `--generation is ${JSON.stringify(generation)}: a number, or all`);
}

async function confirm(job: string, { yes, generation, savepoint, savepoints }: DeleteFlags): Promise<void> {
  if (yes === true) return;
  const all = savepoints === true ? "everything" : "everything but the savepoints";
  const part = generation === "all" ? all : `generation ${generation}`;
  const what = `delete ${savepoint === undefined ? part : `savepoint ${savepoint}`} of job ${job}`;
  if (!process.stdin.isTTY || !process.stderr.isTTY)
    throw new StreamError("OPTION_INVALID", `to ${what} without being asked on a terminal, add --yes`);
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  const answer = await terminal.question(`${what}? Its name again: `);
  terminal.close();
  if (answer.trim() !== job) throw new StreamError("OPTION_INVALID", "nothing has been deleted");
}

function savepointText({ job, name, chunks, bytes }: Awaited<ReturnType<typeof deleteSavepoint>>): string {
  return `savepoint ${name} of job ${job} is deleted: ${counted(chunks, "chunk")}, ${bytesText(bytes)}`;
}

function deletionText({ job, generations, isWhole, streams, bytes, savepoints }: Deletion): string {
  const which = `${counted(generations.length, "generation")} (${generations.join(", ")})`;
  const what = isWhole ? `job ${job} is deleted` : `of job ${job} a generation is deleted`;
  const kept =
    savepoints.length === 0
      ? ""
      : `; ${counted(savepoints.length, "savepoint")} kept (${savepoints.join(", ")}): --savepoints removes them, too`;
  return `${what}: ${which}, ${counted(streams, "stream")}, ${bytesText(bytes)}${kept}`;
}
