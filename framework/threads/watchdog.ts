/**
 * The watchdog of a worker, from within its process: starts the thread, and gives it something to look at.
 *
 * Owns the thread and the process's `exit` listener; what becomes of a process that stands still is the thread's business.
 */
import { url as inspectorUrl } from "node:inspector";
import { Worker as Thread } from "node:worker_threads";
import type { Plan } from "../plan/plan.ts";
import type { Clock } from "../platform/platform.ts";
import type { SuspectPlace } from "./suspect-writer.ts";
import type { TurnBoard } from "./turn-board.ts";
import { lookEveryMs } from "./turn-watch.ts";
import type { WatchdogOrder } from "./watchdog-thread.ts";

/** What is watched. */
export interface Watched {
  readonly clock: Clock;
  readonly plan: Plan;
  readonly board: TurnBoard;
  /** As in {@link WatchdogOrder}. */
  readonly endsStalled: boolean;
  readonly place: SuspectPlace | undefined;
}

/** Time in which the thread writes down in whose turn the process ends, ms. */
const exitMsMax = 6_000;
const failedCode = 1;

/** Watches this process; answers how to end that. Where no limit is set, or somebody is debugging, nothing is watched. */
export function startWatchdog({ clock, plan, board, endsStalled, place }: Watched): () => void {
  const { turnMsMax } = plan.options.poison;
  if (turnMsMax === Infinity || inspectorUrl() !== undefined) return () => undefined;
  const stages = plan.stages.map(({ name }) => name);
  const order: WatchdogOrder = { buffer: board.buffer, turnMsMax, endsStalled, job: plan.job, stages, place };
  const thread = new Thread(new URL("./watchdog-thread.ts", import.meta.url), { workerData: order, argv: [] });
  thread.unref();
  // A process without a watchdog is what it was before.
  thread.on("error", () => undefined);
  const onExit = () => {
    if (board.look().turn === undefined) return;
    process.exitCode ||= failedCode;
    board.ask(exitMsMax);
  };
  process.on("exit", onExit);
  let cancel = () => {};
  const beat = () => {
    board.beat();
    cancel = clock.schedule(lookEveryMs(turnMsMax), beat, { background: true });
  };
  beat();
  return () => {
    cancel();
    process.off("exit", onExit);
    void thread.terminate();
  };
}
