/**
 * Runs an upgrade, and then the new generation.
 *
 * Owns the place of whoever upgrades; what is done there is in `upgrade.ts`, and what is run in `run.ts`.
 */
import { hostname, userInfo } from "node:os";
import type { Job } from "./api/job.ts";
import { natsConnection } from "./environment.ts";
import { StreamError } from "./errors.ts";
import type { Home } from "./home.ts";
import type { StartedJob } from "./job-handle.ts";
import type { EndHome } from "./log/ends.ts";
import { compile } from "./plan/compile.ts";
import { scopedClock } from "./platform/scoped-clock.ts";
import { versionOf } from "./program-version.ts";
import { checkEnds, type RunOptions, runToTheEnd, startAt, systemPlatform } from "./run.ts";
import { upgradeJob, type UpgradeOptions, type UpgradeResult } from "./upgrade.ts";

/** As {@link run}, of a program that takes the place of the one that runs: `onUpgraded` is told when it has. */
export async function runUpgrade(
  job: Job,
  home: Home,
  options: RunOptions & UpgradeOptions,
  onUpgraded: (result: UpgradeResult) => void,
): Promise<number> {
  const code = await runToTheEnd(home, async (where, onMade) => {
    if (where.serve !== undefined) return startAt(job, where, { ...options, ownsProcess: true }, onMade);
    const { result, started } = await upgradeAt(job, where, options, onMade);
    onUpgraded(result);
    return started;
  });
  process.exitCode = code;
  return code;
}

async function upgradeAt(
  job: Job,
  home: Home,
  options: RunOptions & UpgradeOptions,
  onMade: (started: StartedJob) => void,
): Promise<{ readonly result: UpgradeResult; readonly started: StartedJob }> {
  const platform = options.platform ?? systemPlatform(options.logLevel);
  const plan = compile(job, { defaults: home.defaults, version: versionOf(options.program ?? process.argv[1]) });
  const ends: EndHome = { cluster: home.cluster ?? natsConnection(), logger: platform.logger };
  if (ends.cluster === undefined)
    throw new StreamError(
      "OPTION_INVALID",
      "an upgrade takes place where the job runs: name its servers with --nats or --context (a fleet with a nats-server of its own has said where that is; an embedded job ends with its process)",
    );
  await checkEnds(plan, ends);
  const place = await home.open(plan, platform, { startNew: true });
  const scope = scopedClock(platform.clock);
  try {
    const administrator = {
      platform: { ...platform, clock: scope.clock },
      seams: place.seams,
      by: `${userInfo().username}@${hostname()}`,
    };
    const start = (successor: number, made: (started: StartedJob) => void) =>
      startAt(job, home, { ...options, successor, ownsProcess: true }, (started) => {
        made(started);
        onMade(started);
      });
    return await upgradeJob({ administrator, plan, ends, start }, options);
  } finally {
    await place.close();
    scope.close();
  }
}
