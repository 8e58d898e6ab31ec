/**
 * Shoots at the worker processes of a fleet that runs `examples/sensor-history.ts`: whom, it finds out from the job's status, as anybody could.
 *
 * Owns the connection it looks through, and that a process it has stopped goes on.
 */
import { JobBus } from "../actor/job-bus.ts";
import { JobNames } from "../log/names.ts";
import { connectNats } from "../nats/connect.ts";
import { type HistoryResult, type HistoryRun, runHistoryOver, type Shots } from "./history-under-fire.ts";

/** A run on a server that is known. */
export interface FleetRun extends HistoryRun {
  readonly servers: string;
  readonly workers: number;
}

/** Whom to shoot at: anybody, or whoever leads at that moment. */
export type Target = "worker" | "leader";

/** Kills one worker process at a time (SIGKILL). */
export function runFleetKilled(run: FleetRun, target: Target, shots: Shots): Promise<HistoryResult> {
  return underSight(run, (sight) =>
    runHistoryOver(run, shots, async () => {
      const victim = await sight.find(target);
      return victim !== undefined && signal(victim, "SIGKILL");
    }),
  );
}

/** Stops one worker process at a time (SIGSTOP) and lets it go on `stoppedMs` later; the next shot comes no earlier. */
export function runFleetStopped(run: FleetRun, stoppedMs: number, shots: Shots): Promise<HistoryResult> {
  return underSight(run, async (sight) => {
    let stopped: { readonly processId: number; readonly sinceMs: number } | undefined;
    const shoot = async () => {
      if (stopped === undefined) {
        const processId = await sight.find("worker");
        if (processId !== undefined && signal(processId, "SIGSTOP"))
          stopped = { processId, sinceMs: performance.now() };
        return false;
      }
      if (performance.now() - stopped.sinceMs < stoppedMs) return false;
      signal(stopped.processId, "SIGCONT");
      stopped = undefined;
      return true;
    };
    try {
      return await runHistoryOver(run, shots, shoot);
    } finally {
      if (stopped !== undefined) signal(stopped.processId, "SIGCONT");
    }
  });
}

/** What the job's leader says of its workers. */
class Sight {
  readonly #bus: JobBus;

  constructor(bus: JobBus) {
    this.#bus = bus;
  }

  /** The process of the next victim; undefined while nobody leads, or nobody has anything to lose. */
  async find(target: Target): Promise<number | undefined> {
    const status = await this.#bus.status().catch(() => undefined);
    if (status?.state !== "running") return undefined;
    const atWork = status.workers.filter(({ instances }) => instances > 0);
    const victims = target === "leader" ? atWork.filter(({ isLeader }) => isLeader) : atWork;
    return victims[Math.floor(Math.random() * victims.length)]?.processId;
  }
}

async function underSight(run: FleetRun, shoot: (sight: Sight) => Promise<HistoryResult>): Promise<HistoryResult> {
  const seams = await connectNats({ servers: run.servers });
  try {
    return await shoot(new Sight(new JobBus(seams.bus, new JobNames("sensor-history", 1))));
  } finally {
    await seams.close();
  }
}

/** Whether there was a process to take it. */
function signal(processId: number, name: NodeJS.Signals): boolean {
  try {
    return process.kill(processId, name);
  } catch {
    return false;
  }
}
