/**
 * The command line: `tidemark run FILE` and `tidemark plan FILE`.
 *
 * Owns flags and exit codes: 0 done, 1 the job failed or could not start, 2 the command line or the program makes no sense.
 */
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { Command, CommanderError } from "commander";
import type { Job } from "../api/job.ts";
import { StreamError, messageOf } from "../errors.ts";
import { embedded, type Home } from "../home.ts";
import { nats } from "../home-nats.ts";
import { compile } from "../plan/compile.ts";
import { describe, describeText } from "../plan/describe.ts";
import { describeMermaid } from "../plan/mermaid.ts";
import { defaultHome, run } from "../run.ts";

interface RunFlags {
  readonly nats?: string;
  readonly creds?: string;
  readonly embedded?: boolean;
  readonly duration?: string;
  readonly new?: boolean;
}

interface PlanFlags {
  readonly json?: boolean;
  readonly mermaid?: boolean;
  readonly nats?: string;
}

/** Runs the command line of `argv` (as `process.argv`); sets the exit code. */
export async function main(argv: readonly string[]): Promise<void> {
  try {
    await program().parseAsync([...argv]);
  } catch (error) {
    if (error instanceof CommanderError) {
      process.exitCode = error.exitCode === 0 ? 0 : 2;
      return;
    }
    process.stderr.write(`${StreamError.is(error) ? `${error.code}: ` : ""}${messageOf(error)}\n`);
    process.exitCode = StreamError.is(error) && error.policy !== "user" ? 1 : 2;
  }
}

function program(): Command {
  const command = new Command("tidemark")
    .description("Stream processing by supervised actors over NATS JetStream")
    .exitOverride();
  command
    .command("run")
    .description("run the job of a program file; what follows -- are its arguments")
    .argument("<file>", "program file: default-exports a job, or a function from arguments to a job")
    .argument("[args...]", "arguments of the program")
    .option("--nats <url>", "be one worker of the job on this NATS cluster (or TIDEMARK_NATS)")
    .option("--creds <file>", "credentials file (or TIDEMARK_CREDS)")
    .option("--embedded", "run in this process even when TIDEMARK_NATS is set")
    .option("--duration <duration>", "drain an embedded job, stop a worker of a cluster, after this long")
    .option("--new", "begin the next generation of the job, with empty state")
    .exitOverride()
    .action(runFile);
  command
    .command("plan")
    .description("print stages, edges, partitions, bytes reserved and the guarantee of each sink")
    .argument("<file>", "program file")
    .argument("[args...]", "arguments of the program")
    .option("--json", "as JSON")
    .option("--mermaid", "as a Mermaid flowchart")
    .option("--nats <url>", "with the sizes of a cluster instead of an embedded job")
    .exitOverride()
    .action(planFile);
  return command;
}

async function runFile(file: string, args: string[], flags: RunFlags): Promise<void> {
  const path = resolve(file);
  const job = await loadJob(path, args);
  await run(job, homeOf(flags), {
    program: path,
    startNew: flags.new ?? false,
    ...(flags.duration === undefined ? {} : { duration: flags.duration as `${number}s` }),
  });
}

async function planFile(file: string, args: string[], flags: PlanFlags): Promise<void> {
  const job = await loadJob(resolve(file), args);
  const home = flags.nats === undefined ? defaultHome() : nats({ servers: flags.nats });
  const plan = compile(job, { defaults: home.defaults });
  if (flags.json === true) process.stdout.write(`${JSON.stringify(describe(plan), null, 2)}\n`);
  else process.stdout.write(`${flags.mermaid === true ? describeMermaid(plan) : describeText(plan)}\n`);
}

function homeOf(flags: RunFlags): Home {
  if (flags.embedded === true) return embedded();
  return flags.nats === undefined ? defaultHome() : nats({ servers: flags.nats, credentials: flags.creds });
}

/** The job that a program file exports. @throws PATH_UNUSABLE, PLAN_INVALID */
async function loadJob(path: string, args: string[]): Promise<Job> {
  const module = (await load(path)) as { readonly default?: unknown };
  const exported =
    typeof module.default === "function" ? (module.default as (args: string[]) => unknown)(args) : module.default;
  const job = await exported;
  if (isJob(job)) return job;
  throw new StreamError(
    "PLAN_INVALID",
    `${path} default-exports neither a job nor a function that answers one: export default job("name") …`,
  );
}

async function load(path: string): Promise<unknown> {
  try {
    return await import(pathToFileURL(path).href);
  } catch (error) {
    if (StreamError.is(error)) throw error;
    throw new StreamError("PATH_UNUSABLE", `program file ${path} cannot be loaded: ${messageOf(error)}`, {
      cause: error,
    });
  }
}

function isJob(value: unknown): value is Job {
  return typeof value === "object" && value !== null && "name" in value && "nodes" in value && "source" in value;
}
