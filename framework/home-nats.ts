/**
 * The home on NATS: a worker of a job whose logs, snapshots and registers are streams of a JetStream account.
 */
import type { Home } from "./home.ts";
import { tryUntilThere } from "./home.ts";
import { connectNats, type NatsOptions } from "./nats/connect.ts";
import { jobDefaults } from "./plan/options.ts";
import { reservation } from "./plan/reserve.ts";

/** Where the cluster is, and who asks: see `nats`. */
export type NatsHomeOptions = Omit<NatsOptions, "logger" | "replicas">;

/**
 * One worker of a job on a NATS cluster. The same program started again, anywhere, joins the job.
 *
 * @example
 * await run(job, nats({ servers: "nats://127.0.0.1:4222" }));
 */
export function nats(options: NatsHomeOptions): Home {
  return {
    description: `nats ${String(options.servers)}`,
    defaults: jobDefaults,
    async open(plan, platform) {
      const { replicas } = plan.options;
      const seams = await connectNats({ ...options, replicas, logger: platform.logger });
      try {
        const existing = await seams.logs.list(`TM_${plan.job}_`);
        if (existing.length === 0) await seams.checkRoom(reservation(plan).totalBytes / replicas);
      } catch (error) {
        await seams.close();
        throw error;
      }
      return {
        seams,
        isEmbedded: false,
        whenThere: (open) => tryUntilThere(platform, open),
        close: () => seams.close(),
      };
    },
  };
}
