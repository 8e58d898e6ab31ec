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

/** What a replay has come to; what differs only where something does. */
export interface Replayed extends Pick<ReplayReport, "instance" | "from" | "to" | "records" | "isEqual"> {
  readonly difference?: Pick<ReplayReport, "outputs" | "state">;
}

interface Failed extends Error {
  readonly stdout?: string;
  readonly stderr?: string;
}

/**
 * `tidemark replay` of one actor of each of `stages`, given as the actors (STAGE/PARTITION) that may be taken: of a job that has completed, the last two
 * snapshots of an actor may be of the same place, and nothing lies between them. A stage of which that is true of all has no replay.
 *
 * @throws what the command says, when it says something else than a report
 */
export async function replayActors(
  servers: readonly string[],
  order: WorkerOrder,
  stages: readonly (readonly string[])[],
): Promise<readonly Replayed[]> {
  const all: Replayed[] = [];
  for (const actors of stages) {
    const found = await firstReplay(servers, order, actors);
    if (found !== undefined) all.push(found);
  }
  return all;
}

async function firstReplay(
  servers: readonly string[],
  order: WorkerOrder,
  actors: readonly string[],
): Promise<Replayed | undefined> {
  for (const name of actors) {
    const place = ["--nats", servers.join(","), "--replicas", String(order.replicas ?? 1)];
    const flags = ["--program", program, ...place, "--json"];
    const printed = await run(["replay", order.job, name, ...flags, "--", JSON.stringify(order)]);
    if (printed === undefined) continue;
    const { instance, from, to, records, isEqual, outputs, state } = JSON.parse(printed) as ReplayReport;
    return { instance, from, to, records, isEqual, ...(isEqual ? {} : { difference: { outputs, state } }) };
  }
  return undefined;
}

/** What it prints, also when it finds a difference (exit code 1); undefined when there is nothing to replay. */
async function run(args: readonly string[]): Promise<string | undefined> {
  try {
    return (await promisify(execFile)(process.execPath, [tidemark, ...args])).stdout;
  } catch (error) {
    const { stdout = "", stderr = "" } = error as Failed;
    if (stdout.trim() !== "") return stdout;
    if (stderr.includes("there is nothing to replay up to")) return undefined;
    throw error;
  }
}
