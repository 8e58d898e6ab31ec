/**
 * The program beside a running job: what commands need that decode its records, or run its functions.
 */
import { resolve } from "node:path";
import { compile } from "../plan/compile.ts";
import { jobDefaults } from "../plan/options.ts";
import type { Plan } from "../plan/plan.ts";
import { versionOf } from "../program-version.ts";
import { loadJob } from "./program-file.ts";

/** The plan of a program file, as it is on a cluster that keeps so many copies where the program does not say. @throws PATH_UNUSABLE, PLAN_INVALID */
export async function planOf(file: string, args: readonly string[], replicas?: number): Promise<Plan> {
  const path = resolve(file);
  const defaults = replicas === undefined ? jobDefaults : { ...jobDefaults, replicas };
  return compile(await loadJob(path, [...args]), { defaults, version: versionOf(path) });
}
