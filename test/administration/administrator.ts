/** Somebody who administrates the place of a test's job, on its virtual clock. */
import type { Administrator } from "../../framework/administration/administrator.ts";
import type { Holdings, Seams } from "../../framework/log/contracts.ts";
import { silentLogger } from "../../framework/platform/logger.ts";
import { seededRandom } from "../../framework/platform/random.ts";
import type { TestJob } from "../../framework/testing/test-job.ts";

/** Who administrates the place of `t`; `holdings` may be spoilt. */
export function administrator(t: TestJob, holdings: Holdings = t.seams.holdings): Administrator {
  const { logs, bus } = t.seams;
  const seams: Seams = {
    logs,
    bus,
    holdings,
    registers: (name) => t.seams.registers(name),
    blobs: (name, generation) => t.seams.blobs(name, generation),
    savepoints: (name) => t.seams.savepoints(name),
  };
  return { platform: { clock: t.virtualClock, random: seededRandom(7), logger: silentLogger }, seams, by: "ada" };
}

/** Lets time pass until the promise is settled. */
export async function settled<T>(t: TestJob, promise: Promise<T>): Promise<T> {
  let isSettled = false;
  const end = () => (isSettled = true);
  promise.then(end, end);
  await t.virtualClock.until(() => isSettled, 60_000);
  return promise;
}
