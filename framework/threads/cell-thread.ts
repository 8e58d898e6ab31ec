/**
 * A thread that hosts instances: loads the program again, connects, and hosts what it is told to.
 *
 * Owns the order of its start; the instances are hosted by `actor/cell.ts`, and its worker ends it.
 */
import { parentPort, workerData } from "node:worker_threads";
import { Cell, type CellIncarnation } from "../actor/cell.ts";
import { patientOrigin } from "../actor/origin.ts";
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
import type { FromThread, ThreadOrder, ToThread } from "./cell-messages.ts";
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

async function serve(): Promise<void> {
  const { generation, origin: from, cluster, worker } = given;
  // What comes while this begins waits.
  const waiting: ToThread[] = [];
  let obey = (message: ToThread): void => void waiting.push(message);
  parentPort?.on("message", (message: ToThread) => obey(message));
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
  const origin = from && patientOrigin(platform, seams, plan, from);
  const cell = new Cell(platform, { plan, names, seams, registers, blobs, cluster, origin }, worker, {
    marks: board,
    onStep: (site, mustKnow) => step(site, mustKnow),
    onRest: () => tell({ kind: "rest" }),
    onEnded: (which) => tell({ kind: "ended", which: named(which) }),
    onFailed: (which, reason) => tell({ kind: "failed", which: named(which), reason }),
    onBroken: (reason) => tell({ kind: "broken", reason }),
  });
  obey = (message) => {
    if (message.kind === "host") cell.host(message.order);
    else if (message.kind === "release") cell.release(message.which);
    else cell.drop(message.which);
  };
  for (const message of waiting) obey(message);
  await cell.start();
}

function named({ instance, epoch }: CellIncarnation): CellIncarnation {
  return { instance, epoch };
}

function step(site: CrashSite, mustKnow: boolean): void {
  board.step(site);
  if (!mustKnow) return;
  board.ask(Infinity, () => tell({ kind: "step", site }));
}

serve().catch((error: unknown) => {
  const code = StreamError.is(error) ? `${error.code}: ` : "";
  tell({ kind: "broken", reason: `${code}${messageOf(error)}` });
});
