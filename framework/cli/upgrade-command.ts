/**
 * `tidemark upgrade FILE`.
 *
 * Owns what it prints when the new program has taken the place of the old one; from then on this process is a worker, or a fleet, as with `tidemark run`.
 */
import { resolve } from "node:path";
import type { Command } from "commander";
import { runUpgrade } from "../run-upgrade.ts";
import { type Duration, parseDuration } from "../time/duration.ts";
import type { UpgradeResult } from "../upgrade.ts";
import { print } from "./administrate.ts";
import { loadJob } from "./program-file.ts";
import { withAllowances } from "./restore-command.ts";
import { homeToRun, runOptionsOf, withRunFlags, type RunFlags } from "./run-flags.ts";

interface UpgradeFlags extends RunFlags {
  readonly name?: string;
  readonly timeout: string;
  readonly allowMissing?: readonly string[];
  readonly allowUnknown?: readonly string[];
  readonly json?: boolean;
}

/** Adds the command. */
export function addUpgradeCommand(program: Command): void {
  const command = program
    .command("upgrade")
    .description(
      "let a new version of a running job's program take over, state and all; rolled back when it does not come up",
    )
    .argument("<file>", "program file of the new version")
    .argument("[args...]", "arguments of the program");
  withAllowances(withRunFlags(command))
    .option(
      "--name <savepoint>",
      "name of the savepoint between them, which stays: upgrade- and the number of the generation otherwise",
    )
    .option("--timeout <duration>", "after this long the old version goes on", "60s")
    .option("--json", "the result as JSON")
    .exitOverride()
    .action(upgrade);
}

async function upgrade(file: string, args: string[], flags: UpgradeFlags): Promise<void> {
  const path = resolve(file);
  const job = await loadJob(path, args);
  const { name, allowMissing, allowUnknown } = flags;
  const timeoutMs = parseDuration(flags.timeout as Duration, "--timeout", { minMs: 10_000 });
  const options = { ...runOptionsOf(path, args, flags), name, timeoutMs, allowMissing, allowUnknown };
  await runUpgrade(job, homeToRun(flags), options, (result) => print(flags, result, upgradeText));
}

function upgradeText({ job, from, generation, savepoint, changes, pauseMs }: UpgradeResult): string {
  const what = `job ${job} has been upgraded from generation ${from} to ${generation}: it stood still for ${Math.round(pauseMs)} ms; the way back is savepoint ${savepoint}`;
  return [what, ...changes].join("\n  ");
}
