/**
 * Commands to a whole job: stop, restart, drain.
 *
 * Owns what is refused, and what is waited for. The command itself is a record of the job log, carried out by whoever works on the job; nobody needs to lead,
 * or to live.
 *
 * C1. First the job log, then the register: a command that dies in between is in force, and the next one, or the next worker, writes the register.
 * C2. Each may be given again, whatever became of the last time.
 * C3. A job that was stopped with a savepoint that was held goes on only when no other generation can take its place by that one any more (U1).
 */
import { giveUpSwitch, recordState } from "../actor/job-register.ts";
import type { JobState } from "../protocol/job-life.ts";
import type { JobCommand } from "../record/messages.ts";
import type { Administrator } from "./administrator.ts";
import { refusal, withJob, type CommandedJob } from "./commanded-job.ts";
import type { RollCall } from "./roll-call.ts";

/** What a command has come to. */
export interface CommandResult {
  readonly job: string;
  readonly generation: number;
  readonly state: JobState;
  /** Workers that were heard since the command was given. */
  readonly workers: number;
  /** Those of them that are still there. */
  readonly left: readonly { readonly worker: string; readonly instances: number }[];
}

/**
 * Stops a job: every worker takes last snapshots, lets go of what it hosts and ends; nothing fires. Waits until nobody is heard any more, `timeoutMs` at most.
 *
 * @throws NOT_FOUND; JOB_NOT_RUNNABLE when it has completed or failed
 */
export function stopJob(administrator: Administrator, job: string, timeoutMs: number): Promise<CommandResult> {
  return withJob(administrator, job, async (target) => {
    const { life } = target.reading.view;
    if (life.state === "completed" || life.state === "failed")
      throw refusal(target, `has ${life.state}: there is nothing to stop`);
    await give(target, "stop");
    return resultOf(target, await target.roll.silence(timeoutMs));
  });
}

/**
 * Lets a job that has failed or was stopped go on: the same generation, from the last snapshots, with new restart budgets. Workers are started by whoever starts them.
 *
 * @throws NOT_FOUND; JOB_NOT_RUNNABLE when it runs, has completed, or another generation has taken its place
 */
export function restartJob(administrator: Administrator, job: string): Promise<CommandResult> {
  return withJob(administrator, job, async (target) => {
    const { registers, names, reading } = target;
    const { life, savepoints } = reading.view;
    const { state } = life;
    if (state === "completed")
      throw refusal(
        target,
        "has completed, and does not go on: start the next generation with tidemark run FILE --new",
      );
    if (state === "running" && target.record.state === "running") throw refusal(target, "is running already");
    const isHeld = state !== "running" && savepoints.standing > 0;
    if (isHeld && !(await giveUpSwitch(registers, names.generation, savepoints.standing)))
      throw refusal(target, "does not go on: another generation has taken its place");
    await give(target, "restart");
    return resultOf(target, []);
  });
}

/**
 * Ends a job's input: the sources stop where they are, everything fires, the job completes. Waits for that, `timeoutMs` at most; 0: not at all.
 *
 * @throws NOT_FOUND; JOB_NOT_RUNNABLE when it has failed or was stopped, or when nobody lives who could do it: it is done when a worker starts
 */
export function drainJob(administrator: Administrator, job: string, timeoutMs: number): Promise<CommandResult> {
  return withJob(administrator, job, async (target) => {
    const { reading, roll } = target;
    const { state } = reading.view.life;
    if (state === "failed" || state === "stopped")
      throw refusal(target, `is ${state}: let it go on with tidemark restart ${job}, then drain it`);
    if (state === "completed") return resultOf(target, []);
    await give(target, "drain");
    if (timeoutMs === 0) return resultOf(target, []);
    const called = roll.called();
    const isOver = await Promise.race([reading.until(({ isOver: over }) => over, timeoutMs), called.then(() => false)]);
    if (!isOver && (await called).length === 0 && !reading.view.isOver)
      throw refusal(target, "is to be drained, and no worker is alive to do it: it happens when one is started");
    await reading.until(({ isOver: over }) => over, timeoutMs);
    return resultOf(target, roll.alive);
  });
}

async function give({ registers, names, reading }: CommandedJob, command: JobCommand): Promise<void> {
  await reading.command(command);
  const { life, position } = reading.view;
  const message = life.lastFailure?.message ?? "";
  await recordState(registers, { generation: names.generation, state: life.state, message, position });
}

function resultOf({ names, reading, roll }: CommandedJob, left: RollCall["alive"]): CommandResult {
  return {
    job: names.job,
    generation: names.generation,
    state: reading.view.life.state,
    workers: roll.all.length,
    left: left.map(({ worker, load }) => ({ worker, instances: load })),
  };
}
