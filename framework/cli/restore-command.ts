/**
 * `tidemark restore FILE --from JOB/NAME | FILE`.
 *
 * Owns what `--dry-run` prints. What is run is run as `tidemark run` does.
 */
import { resolve } from "node:path";
import type { Command } from "commander";
import type { RestoreFrom, RestorePreview } from "../restoring.ts";
import { dryRun, run } from "../run.ts";
import { print } from "./administrate.ts";
import { loadJob } from "./program-file.ts";
import { collect, homeToRun, runOptionsOf, withRunFlags, type RunFlags } from "./run-flags.ts";
import { counted } from "./table.ts";

interface RestoreFlags extends RunFlags {
  readonly from: string;
  readonly allowMissing?: readonly string[];
  readonly allowUnknown?: readonly string[];
  readonly dryRun?: boolean;
  readonly json?: boolean;
}

/** Adds the command. */
export function addRestoreCommand(program: Command): void {
  const command = program
    .command("restore")
    .description(
      "begin the next generation of a job from a savepoint: with the same program, a changed one, or another number of partitions",
    )
    .argument("<file>", "program file: default-exports a job, or a function from arguments to a job")
    .argument("[args...]", "arguments of the program")
    .requiredOption("--from <savepoint>", "JOB/NAME, or a file of tidemark savepoint --out (./NAME)");
  withAllowances(withRunFlags(command))
    .option("--dry-run", "check everything, migrations included, and say what would happen; write nothing")
    .option("--json", "what --dry-run says, as JSON")
    .exitOverride()
    .action(restore);
}

/** Adds what may be missing or unknown. */
export function withAllowances(command: Command): Command {
  return command
    .option(
      "--allow-missing <what>",
      "STAGE or STAGE/STATE that the savepoint has not: begins empty; repeatable",
      collect,
    )
    .option(
      "--allow-unknown <what>",
      "STAGE, STAGE/STATE or SOURCE/SPLIT that the program has not: is dropped; repeatable",
      collect,
    );
}

async function restore(file: string, args: string[], flags: RestoreFlags): Promise<void> {
  const path = resolve(file);
  const job = await loadJob(path, args);
  const from: RestoreFrom = {
    savepoint: flags.from,
    allowMissing: flags.allowMissing,
    allowUnknown: flags.allowUnknown,
  };
  const options = { ...runOptionsOf(path, args, flags), from };
  if (flags.dryRun !== true) return void (await run(job, homeToRun(flags), options));
  print(flags, await dryRun(job, homeToRun(flags), options), previewText);
}

function previewText({ job, savepoint, generation, atMs, changes, instances, keys }: RestorePreview): string {
  const of = `savepoint ${savepoint} of generation ${generation}, taken ${new Date(atMs).toISOString()}`;
  const lines = [
    `job ${job} can go on from ${of}: ${counted(instances, "instance")} with ${counted(keys, "key")}`,
    ...changes,
  ];
  return lines.join("\n  ");
}
