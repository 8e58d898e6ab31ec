/**
 * The faults that recovery is measured with: who is hurt, how, and how the job is made whole again.
 *
 * Owns the choice of the victim. A worker that hosts an instance of the source, and the leader, are victims only where the fault says so: without a source
 * no event time comes, and without a leader none is told, so they hold up every key (see `recovery.ts`).
 */
import type { JobStatus } from "../../actor/job-status.ts";
import type { Cluster } from "./cluster.ts";
import type { WorkerProcess } from "./worker-process.ts";

/** Who is hurt. */
export interface Victim {
  /** Worker id; empty for one that has not joined yet. */
  readonly worker: string;
  readonly process: WorkerProcess;
  /** Instance, where it is one alone. */
  readonly instance: string;
}

/** One kind of fault. */
export interface Fault {
  readonly name: string;
  readonly what: string;
  /** Workers more or fewer while it lasts. */
  readonly workers: -1 | 0 | 1;
  /** The victim of round `round`; undefined when nobody fits. */
  choose(cluster: Cluster, status: JobStatus, round: number): Promise<Victim | undefined> | Victim | undefined;
  inflict(cluster: Cluster, victim: Victim): void;
  /** Makes the job whole again after the measurement. */
  heal(cluster: Cluster, victim: Victim): Promise<void>;
}

const source = "hits/";

function crash(name: string, what: string, stage: string): Fault {
  return {
    name,
    what,
    workers: 0,
    choose(cluster, status, round) {
      const instances = status.instances.filter((instance) => instance.name.startsWith(stage));
      const instance = instances[round % instances.length];
      const process = instance === undefined ? undefined : cluster.processOf(status, instance.worker);
      return instance && process && { worker: instance.worker, process, instance: instance.name };
    },
    inflict: (_cluster, { process, instance }) => process.tell({ kind: "crash", instance }),
    heal: () => Promise.resolve(),
  };
}

/** Which worker a fault takes. */
type Role = "keyed" | "source" | "leader";

function workerOf(cluster: Cluster, status: JobStatus, role: Role, round: number): Victim | undefined {
  const sources = new Set(status.instances.filter(({ name }) => name.startsWith(source)).map(({ worker }) => worker));
  const fits = status.workers.filter(({ worker, isLeader }) =>
    role === "leader" ? isLeader : !isLeader && sources.has(worker) === (role === "source"),
  );
  const worker = fits[round % Math.max(1, fits.length)]?.worker;
  const process = worker === undefined ? undefined : cluster.processOf(status, worker);
  return worker === undefined || process === undefined ? undefined : { worker, process, instance: "" };
}

async function replace(cluster: Cluster): Promise<void> {
  const worker = await cluster.spawn();
  worker.tell({ kind: "join" });
}

/** Lets the leader go for a new worker, so that others host and lead: for when nobody fits. */
export async function reshape(cluster: Cluster, status: JobStatus): Promise<void> {
  const leader = workerOf(cluster, status, "leader", 0);
  leader?.process.signal("SIGTERM");
  await leader?.process.ended;
  await replace(cluster);
}

function kill(name: string, what: string, role: Role, isReported: boolean): Fault {
  return {
    name,
    what,
    workers: -1,
    choose: (cluster, status, round) => workerOf(cluster, status, role, round),
    inflict(cluster, { worker, process }) {
      process.signal("SIGKILL");
      // Its starter hears of the end of the process from the system, not before.
      if (isReported) void process.ended.then(() => cluster.reportDead(worker));
    },
    heal: replace,
  };
}

const stop: Fault = {
  name: "stopped-worker",
  what: "SIGSTOP; continued when its work is done elsewhere",
  workers: -1,
  choose: (cluster, status, round) => workerOf(cluster, status, "keyed", round),
  inflict: (_cluster, { process }) => process.signal("SIGSTOP"),
  heal: (_cluster, { process }) => Promise.resolve(process.signal("SIGCONT")),
};

function leave(name: string, what: string, role: Role): Fault {
  return {
    name,
    what,
    workers: -1,
    choose: (cluster, status, round) => workerOf(cluster, status, role, round),
    inflict: (_cluster, { process }) => process.signal("SIGTERM"),
    heal: replace,
  };
}

const join: Fault = {
  name: "joining-worker",
  what: "one more worker: others give it their instances",
  workers: 1,
  choose: async (cluster) => ({ worker: "", process: await cluster.spawn(), instance: "" }),
  inflict: (_cluster, { process }) => process.tell({ kind: "join" }),
  heal: (_cluster, { process }) => Promise.resolve(process.signal("SIGTERM")),
};

/** All of them, in the order in which they are measured. */
export const faults: readonly Fault[] = [
  crash("crashed-actor", "an actor of the keyed stage throws", "windows/"),
  crash("crashed-source-actor", "an actor of the source stage throws", source),
  kill("killed-worker-reported", "SIGKILL, its starter says so", "keyed", true),
  kill("killed-worker", "SIGKILL, nobody says so", "keyed", false),
  kill("killed-source-worker-reported", "SIGKILL of one that hosts a source, its starter says so", "source", true),
  kill("killed-source-worker", "SIGKILL of one that hosts a source, nobody says so", "source", false),
  stop,
  kill("killed-leader-reported", "SIGKILL of the leader, its starter says so", "leader", true),
  kill("killed-leader", "SIGKILL of the leader, nobody says so", "leader", false),
  leave("leaving-worker", "SIGTERM: last snapshots, release", "keyed"),
  leave("leaving-source-worker", "SIGTERM of one that hosts a source", "source"),
  leave("leaving-leader", "SIGTERM of the leader", "leader"),
  join,
];
