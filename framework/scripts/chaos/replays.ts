/**
 * Actors of a job that has been through the fire, run again by the command that a user has: what they say and are must be what the job has said and is.
 */
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { ReplayReport } from "../../replay/replay.ts";
import type { WorkerOrder } from "../recovery/messages.ts";

const tidemark = fileURLToPath(new URL("../../cli/tidemark.mjs", import.meta.url));
const program = fileURLToPath(new URL("../recovery/measured-job.ts", import.meta.url));

/** What a replay has come to. */
export type Replayed = Pick<ReplayReport, "instance" | "from" | "to" | "records" | "isEqual">;

interface Failed extends Error {
  readonly stdout?: string;
}

/** `tidemark replay` of each of `instances` (STAGE/PARTITION), one after the other. @throws what the command says, when it says something else than a report */
export async function replayActors(
  servers: readonly string[],
  order: WorkerOrder,
  instances: readonly string[],
): Promise<readonly Replayed[]> {
  const all: Replayed[] = [];
  for (const name of instances) {
    const place = ["--nats", servers.join(","), "--replicas", String(order.replicas ?? 1)];
    const flags = ["--program", program, ...place, "--json"];
    const printed = await run(["replay", order.job, name, ...flags, "--", JSON.stringify(order)]);
    const { instance, from, to, records, isEqual } = JSON.parse(printed) as ReplayReport;
    all.push({ instance, from, to, records, isEqual });
  }
  return all;
}

/** What it prints, also when it finds a difference (exit code 1). */
async function run(args: readonly string[]): Promise<string> {
  try {
    return (await promisify(execFile)(process.execPath, [tidemark, ...args])).stdout;
  } catch (error) {
    const { stdout = "" } = error as Failed;
    if (stdout.trim() !== "") return stdout;
    throw error;
  }
}
