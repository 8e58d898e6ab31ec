/**
 * The command line: `tidemark run FILE`, `tidemark plan FILE` and what follows a running job.
 *
 * Owns exit codes: 0 done, 1 the job failed or could not start, 2 the command line or the program makes no sense. Each command has a file. One whose
 * output nobody reads any more ends without a word.
 */
import { Command, CommanderError } from "commander";
import { StreamError, messageOf } from "../errors.ts";
import { whenReaderGone } from "../reader-gone.ts";
import { addDeadLettersCommand } from "./dead-letters-command.ts";
import { addDeleteCommand } from "./delete-command.ts";
import { addFleetCommands } from "./fleet-commands.ts";
import { addJobsCommand } from "./jobs-command.ts";
import { addLifeCommands } from "./life-commands.ts";
import { addPlanCommand } from "./plan-command.ts";
import { addReplayCommand } from "./replay-command.ts";
import { addRestoreCommand } from "./restore-command.ts";
import { addRunCommand } from "./run-command.ts";
import { addSavepointCommands } from "./savepoint-commands.ts";
import { addStatusCommand } from "./status-command.ts";
import { addTapCommand } from "./tap-command.ts";
import { addUpgradeCommand } from "./upgrade-command.ts";

/** Runs the command line of `argv` (as `process.argv`); sets the exit code. */
export async function main(argv: readonly string[]): Promise<void> {
  whenReaderGone(() => process.exit());
  try {
    await program().parseAsync([...argv]);
  } catch (error) {
    if (error instanceof CommanderError) {
      process.exitCode = error.exitCode === 0 ? 0 : 2;
      return;
    }
    process.stderr.write(`${StreamError.is(error) ? `${error.code}: ` : ""}${messageOf(error)}\n`);
    const isUsage = StreamError.is(error, "OPTION_INVALID") || StreamError.is(error, "PLAN_INVALID");
    process.exitCode = isUsage || !StreamError.is(error) ? 2 : 1;
  }
}

function program(): Command {
  const command = new Command("tidemark")
    .description("Stream processing by supervised actors over NATS JetStream")
    .exitOverride();
  addRunCommand(command);
  addRestoreCommand(command);
  addUpgradeCommand(command);
  addPlanCommand(command);
  addJobsCommand(command);
  addStatusCommand(command);
  addLifeCommands(command);
  addFleetCommands(command);
  addSavepointCommands(command);
  addDeadLettersCommand(command);
  addDeleteCommand(command);
  addTapCommand(command);
  addReplayCommand(command);
  return command;
}
