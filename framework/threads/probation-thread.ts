/**
 * The thread of an instance on probation: loads the program again, connects, and hosts that one instance (R15).
 *
 * Owns the order of its start and its end; the instance is hosted by `actor/probation-cell.ts`.
 */
import { parentPort, workerData } from "node:worker_threads";
import { Cell } from "../actor/probation-cell.ts";
import type { Job } from "../api/job.ts";
import { captureJobs } from "../captured-job.ts";
import { loadJob } from "../cli/program-file.ts";
import { StreamError, messageOf } from "../errors.ts";
import { JobNames } from "../log/names.ts";
import { connectNats } from "../nats/connect.ts";
import { compile } from "../plan/compile.ts";
import { planText } from "../plan/plan-text.ts";
import type { Plan } from "../plan/plan.ts";
import { stderrLogger } from "../platform/logger.ts";
import { systemRandom } from "../platform/random.ts";
import { realClock } from "../platform/real-clock.ts";
import type { CrashSite } from "../record/poison.ts";
import type { FromThread, ThreadOrder, ToThread } from "./probation-messages.ts";
import { TurnBoard } from "./turn-board.ts";

const given = workerData as ThreadOrder;
const board = new TurnBoard(given.buffer);
const platform = { clock: realClock(), random: systemRandom(), logger: stderrLogger({ level: "warn" }) };

function tell(message: FromThread): void {
  parentPort?.postMessage(message);
}

/** The job of the program: what it runs, or else what it exports. */
async function jobOf({ path, arguments: args }: ThreadOrder["program"]): Promise<Job> {
  const ran = new Promise<Job>((resolve) => captureJobs(resolve));
  return Promise.race([ran, loadJob(path, [...args])]);
}

/** The plan of the program, loaded again. @throws PATH_UNUSABLE, PLAN_INVALID, JOB_MISMATCH: it cannot be run in a thread */
async function planHere(): Promise<Plan> {
  const { program, defaults, version } = given;
  const plan = compile(await jobOf(program), { defaults, version });
  if (planText(plan) === given.plan) return plan;
  throw new StreamError("JOB_MISMATCH", `${program.path}, loaded again, describes another plan of job ${plan.job}`);
}

async function host(): Promise<void> {
  const { generation, cluster, order } = given;
  let plan: Plan;
  try {
    plan = await planHere();
  } catch (error) {
    return tell({ kind: "unusable", reason: messageOf(error) });
  }
  const seams = await connectNats({ ...cluster, replicas: plan.options.replicas, logger: platform.logger });
  const names = new JobNames(plan.job, generation);
  const registers = await seams.registers(plan.job);
  const blobs = await seams.blobs(plan.job, generation);
  const end = async () => {
    cell.kill();
    await seams.close();
    tell({ kind: "ended" });
  };
  const cell: Cell = new Cell(platform, { plan, names, seams, registers, blobs, cluster }, order, {
    marks: board,
    onStep: (site, mustKnow) => step(site, mustKnow),
    onRest: () => tell({ kind: "rest" }),
    onEnded: () => void end(),
    onFailed: (reason) => tell({ kind: "failed", reason }),
  });
  parentPort?.on("message", (message: ToThread) => {
    if (message.kind === "release") cell.release();
  });
  await cell.start();
}

function step(site: CrashSite, mustKnow: boolean): void {
  board.step(site);
  if (!mustKnow) return;
  board.ask(Infinity, () => tell({ kind: "step", site }));
}

host().catch((error: unknown) => {
  const code = StreamError.is(error) ? `${error.code}: ` : "";
  tell({ kind: "failed", reason: `${code}${messageOf(error)}` });
});
