/**
 * `tidemark plan FILE`.
 */
import { resolve } from "node:path";
import type { Command } from "commander";
import { parseReplicas } from "../environment.ts";
import type { Home } from "../home.ts";
import { nats } from "../home-nats.ts";
import { compile } from "../plan/compile.ts";
import { describe, describeText } from "../plan/describe.ts";
import { describeMermaid } from "../plan/mermaid.ts";
import { versionOf } from "../program-version.ts";
import { defaultHome } from "../run.ts";
import { loadJob } from "./program-file.ts";

interface PlanFlags {
  readonly json?: boolean;
  readonly mermaid?: boolean;
  readonly nats?: string;
  readonly replicas?: string;
}

/** Adds the command. */
export function addPlanCommand(program: Command): void {
  program
    .command("plan")
    .description("print stages, edges, partitions, bytes reserved and the guarantee of each sink")
    .argument("<file>", "program file")
    .argument("[args...]", "arguments of the program")
    .option("--json", "as JSON")
    .option("--mermaid", "as a Mermaid flowchart")
    .option("--nats <url>", "with the sizes of a cluster instead of an embedded job")
    .option("--replicas <n>", "with so many copies on that cluster")
    .exitOverride()
    .action(planFile);
}

async function planFile(file: string, args: string[], flags: PlanFlags): Promise<void> {
  const path = resolve(file);
  const job = await loadJob(path, args);
  const home = flags.nats === undefined ? defaultHome() : clusterIn(flags, flags.nats);
  const plan = compile(job, { defaults: home.defaults, version: versionOf(path) });
  if (flags.json === true) process.stdout.write(`${JSON.stringify(describe(plan), null, 2)}\n`);
  else process.stdout.write(`${flags.mermaid === true ? describeMermaid(plan) : describeText(plan)}\n`);
}

function clusterIn({ replicas }: PlanFlags, servers: string): Home {
  return nats({ servers, replicas: parseReplicas(replicas, "--replicas") });
}
