/**
 * `tidemark run FILE`.
 */
import { resolve } from "node:path";
import type { Command } from "commander";
import { run } from "../run.ts";
import { loadJob } from "./program-file.ts";
import { homeToRun, runOptionsOf, withRunFlags, type RunFlags } from "./run-flags.ts";

/** Adds the command. */
export function addRunCommand(program: Command): void {
  const command = program
    .command("run")
    .description("run the job of a program file; what follows -- are its arguments")
    .argument("<file>", "program file: default-exports a job, or a function from arguments to a job")
    .argument("[args...]", "arguments of the program");
  withRunFlags(command)
    .option("--new", "begin the next generation of the job, with empty state")
    .exitOverride()
    .action(runFile);
}

async function runFile(file: string, args: string[], flags: RunFlags & { readonly new?: boolean }): Promise<void> {
  const path = resolve(file);
  const job = await loadJob(path, args);
  await run(job, homeToRun(flags), { ...runOptionsOf(path, args, flags), startNew: flags.new ?? false });
}
