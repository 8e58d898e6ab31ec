/**
 * Program files: what `tidemark run FILE` and `tidemark plan FILE` take a job from.
 */
import { pathToFileURL } from "node:url";
import type { Job } from "../api/job.ts";
import { StreamError, messageOf } from "../errors.ts";

/** The job that a program file exports. @throws PATH_UNUSABLE, PLAN_INVALID */
export async function loadJob(path: string, args: string[]): Promise<Job> {
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
