/**
 * A savepoint of a job, asked for by the process that has started it.
 *
 * Owns the options of the handle; taking it is the business of `administration/savepoint-request.ts`.
 */
import { takeSavepoint, type TakenSavepoint } from "./administration/savepoint-request.ts";
import { checkKnownOptions } from "./known-options.ts";
import type { Seams } from "./log/contracts.ts";
import type { Platform } from "./platform/platform.ts";
import { parseDuration, type Duration } from "./time/duration.ts";

/** How a savepoint is wanted. */
export interface SavepointOptions {
  /** Stop the job by it: nothing is read behind it. @default false */
  readonly stop?: boolean | undefined;
  /** After this long the job goes on without one. @default 60 s */
  readonly timeout?: Duration | undefined;
}

/** Takes a savepoint of `job` in the place of `seams`. @throws as {@link takeSavepoint}; OPTION_INVALID */
export async function savepointOf(
  platform: Platform,
  seams: Seams,
  job: string,
  name: string | undefined,
  options: SavepointOptions,
): Promise<TakenSavepoint> {
  checkKnownOptions(options, ["stop", "timeout"], "savepoint");
  const { stop = false, timeout } = options;
  const timeoutMs = timeout === undefined ? undefined : parseDuration(timeout, "timeout", { minMs: 1 });
  const wish = { name, mode: stop ? ("stop" as const) : undefined, timeoutMs };
  return takeSavepoint({ platform, seams, by: "the process that started it" }, job, wish);
}
