/**
 * The home on NATS: a worker of a job whose logs, snapshots and registers are streams of a JetStream account.
 */
import { messageOf, StreamError } from "./errors.ts";
import { type Home, type OpenIntent, tryUntilThere } from "./home.ts";
import { printableServers } from "./nats/address.ts";
import { checkReplicas, connectNats, type NatsOptions } from "./nats/connect.ts";
import type { NatsSeams } from "./nats/nats-seams.ts";
import { jobDefaults } from "./plan/options.ts";
import type { Plan } from "./plan/plan.ts";
import { reservation } from "./plan/reserve.ts";
import { resolveHints, type WorkerHints } from "./worker-hints.ts";

/** Where the cluster is, who asks, how many copies it keeps, and what the worker can carry: see `nats`. */
export interface NatsHomeOptions extends Omit<NatsOptions, "logger">, WorkerHints {}

/**
 * One worker of a job on a NATS cluster. The same program started again, anywhere, joins the job.
 *
 * @example
 * await run(job, nats({ servers: "nats://127.0.0.1:4222" }));
 * await run(job, nats({ servers: ["nats://a:4222", "nats://b:4222", "nats://c:4222"], replicas: 3 }));
 *
 * @throws OPTION_INVALID
 */
export function nats(options: NatsHomeOptions): Home {
  const { replicas: asked, capacity, zone, ...cluster } = options;
  checkReplicas(asked);
  return {
    description: `nats ${options.servers === undefined ? `context ${options.context}` : printableServers(options.servers)}`,
    defaults: asked === undefined ? jobDefaults : { ...jobDefaults, replicas: asked },
    cluster,
    hints: resolveHints({ capacity, zone }),
    async open(plan, platform, intent) {
      const { replicas } = plan.options;
      if (asked !== undefined && asked !== replicas) throw contradiction(plan, asked);
      const seams = await connectNats({ ...cluster, replicas, logger: platform.logger });
      try {
        if (await beginsLife(seams, plan, intent)) await checkRoom(seams, plan);
      } catch (error) {
        await seams.close();
        throw error;
      }
      return {
        seams,
        isEmbedded: false,
        whenThere: (open) => tryUntilThere(platform, open),
        isConnected: () => seams.isUp,
        hasRegisters: (job) => seams.hasRegisters(job),
        checkRoom: () => checkRoom(seams, plan),
        close: () => seams.close(),
      };
    },
  };
}

function contradiction({ job, options }: Plan, asked: number): StreamError {
  return new StreamError(
    "OPTION_INVALID",
    `replicas is ${asked} where the job is run, and ${options.replicas} in the program of job ${job}: say it in one place`,
  );
}

/** Whether streams are about to be created: of a job that has no register here, or by command. What older lives left behind takes room, too. */
async function beginsLife(seams: NatsSeams, { job }: Plan, { startNew }: OpenIntent): Promise<boolean> {
  return startNew || !(await seams.hasRegisters(job));
}

/**
 * Checks, before the first stream of a new life is created, that all of them have room. An account without a limit of its own does not say what the
 * server has left: that is found out by reserving the sum and giving it back. In a cluster nobody may answer while others who start the same job do that:
 * then it is left to them, and to the creation of the streams themselves.
 *
 * @throws SERVER_FULL
 */
async function checkRoom(seams: NatsSeams, plan: Plan): Promise<void> {
  const { job } = plan;
  const probe = `TM_${job}_0_ROOM`;
  const { inboxes, totalBytes } = reservation(plan);
  const maxBytes = totalBytes / plan.options.replicas;
  await seams.checkRoom({ bytes: maxBytes, streams: inboxes + streamsBesides, consumers: inboxes + readersBesides });
  try {
    await seams.logs.create(probe, { maxBytes, full: "refuse" });
  } catch (error) {
    if (!StreamError.is(error, "SERVER_FULL")) {
      if (!isContended(plan, error)) throw error;
      return giveBack(seams, plan, probe);
    }
    throw new StreamError(
      "SERVER_FULL",
      `the job reserves ${maxBytes} bytes, for which the server has no room (${messageOf(error)}): raise its max_file_store, delete old jobs, or lower ` +
        "the size of the inboxes",
      { cause: error },
    );
  }
  await giveBack(seams, plan, probe);
}

/** Nobody's answer may mean that somebody else has removed it. */
async function giveBack(seams: NatsSeams, plan: Plan, probe: string): Promise<void> {
  try {
    await seams.logs.delete(probe);
  } catch (error) {
    if (!isContended(plan, error)) throw error;
  }
}

/** Job log, dead letters, late records, chunks, registers. */
const streamsBesides = 5;
/** The first worker reads the job log; each further one does. */
const readersBesides = 1;

function isContended({ options }: Plan, error: unknown): boolean {
  return options.replicas > 1 && StreamError.is(error) && error.isRetryable;
}
