/**
 * Runs jobs: joins a program's plan, a worker and a home.
 *
 * Owns what happens between `run(job)` and the exit code: checks before anything starts, the job's life in its register, signals, duration, and the
 * summary. What a worker does is `actor/`'s business.
 */
import { readFileSync } from "node:fs";
import { joinJob } from "./actor/job-register.ts";
import type { JobStatus } from "./actor/job-status.ts";
import { followSideStream } from "./actor/side-stream.ts";
import { Worker } from "./actor/worker.ts";
import type { Job } from "./api/job.ts";
import { StreamError, messageOf } from "./errors.ts";
import { embedded, type Home, type HomePlace } from "./home.ts";
import { nats } from "./home-nats.ts";
import { JobNames } from "./log/names.ts";
import { compile } from "./plan/compile.ts";
import { difference, planText } from "./plan/plan-text.ts";
import type { Plan } from "./plan/plan.ts";
import { sha256Hex } from "./platform/digest.ts";
import { stderrLogger } from "./platform/logger.ts";
import type { Cancel, Platform } from "./platform/platform.ts";
import { systemRandom } from "./platform/random.ts";
import { realClock } from "./platform/real-clock.ts";
import type { OutcomeRecord } from "./record/messages.ts";
import { parseDuration, type Duration } from "./time/duration.ts";

/** How a job ended here: `completed`, `failed`, or `stopped` because this worker was asked to go. */
export interface JobEnd {
  readonly state: "completed" | "failed" | "stopped";
  /** Of a failure. Empty otherwise. */
  readonly message: string;
  readonly totals: JobStatus["totals"];
}

/** A running job, as the process that started a worker of it sees it. */
export interface JobHandle {
  readonly plan: Plan;
  /** The job as its leader sees it. @throws NO_RESPONDERS, TIMEOUT */
  status(): Promise<JobStatus>;
  /** Suspends this worker: last snapshots, release. Fires nothing; the job goes on elsewhere, or when it is started again. */
  stop(): Promise<void>;
  /** Ends the input: the sources stop where they are, everything fires, the job completes. */
  drain(): Promise<void>;
  /** How it ended; never rejects. */
  readonly done: Promise<JobEnd>;
}

/** What `start` and `run` may be told. */
export interface RunOptions {
  /** After this long an embedded job is drained, and a worker of a fleet stopped. @default for ever, or until the input ends */
  readonly duration?: Duration | undefined;
  /** Begin the next generation of the job, with empty state. @default false */
  readonly startNew?: boolean | undefined;
  /** The program's own file: its sha256 is the version of a job that names none. @default the file that Node was started with */
  readonly program?: string | undefined;
  /** Called once, when the job has ended here. */
  readonly onEnd?: ((end: JobEnd) => void) | undefined;
  /** Called with each dead letter of an embedded job. @default one JSON line on stderr */
  readonly onDeadLetter?: ((letter: unknown) => void) | undefined;
  /** @default lines on stderr from level `warn` on */
  readonly platform?: Platform | undefined;
}

const noTotals: JobStatus["totals"] = {
  recordsIn: 0,
  recordsOut: 0,
  late: 0,
  deadLetters: 0,
  windowsOut: 0,
  restarts: 0,
};
const signals = ["SIGINT", "SIGTERM"] as const;
const totalsEveryMs = 1_000;

/** The home that the environment asks for: `TIDEMARK_NATS` a cluster, else this process. */
export function defaultHome(): Home {
  const servers = process.env["TIDEMARK_NATS"];
  return servers === undefined || servers === ""
    ? embedded()
    : nats({ servers, credentials: process.env["TIDEMARK_CREDS"] });
}

/**
 * Starts a worker of `job` in this process.
 *
 * Resolves when it has joined the job; nothing has been left behind when it throws instead.
 *
 * @throws PLAN_INVALID, PATH_UNUSABLE, JOB_MISMATCH, JOB_NOT_RUNNABLE, SERVER_UNREACHABLE, SERVER_UNSUITABLE, SERVER_REFUSED, SERVER_FULL
 */
export async function start(job: Job, home: Home = defaultHome(), options: RunOptions = {}): Promise<JobHandle> {
  const platform = options.platform ?? {
    clock: realClock(),
    random: systemRandom(),
    logger: stderrLogger({ level: "warn" }),
  };
  const plan = compile(job, { defaults: home.defaults, version: versionOf(options.program ?? process.argv[1]) });
  await checkEnds(plan);
  const place = await home.open(plan, platform);
  try {
    return await begin(plan, place, platform, options);
  } catch (error) {
    await place.close();
    throw error;
  }
}

/**
 * Runs `job` until it ends, is stopped by a signal, or its duration is over. Answers the exit code: 0 when it completed or was stopped, 1 when it
 * failed or could not start (one line on stderr says why). A second signal ends the process at once.
 */
export async function run(job: Job, home: Home = defaultHome(), options: RunOptions = {}): Promise<number> {
  let handle: JobHandle;
  try {
    handle = await start(job, home, options);
  } catch (error) {
    process.stderr.write(`${StreamError.is(error) ? `${error.code}: ` : ""}${messageOf(error)}\n`);
    process.exitCode = 1;
    return 1;
  }
  const unlisten = stopOnSignals(handle);
  const end = await handle.done;
  unlisten();
  if (end.state === "failed") process.stderr.write(`job ${handle.plan.job} has failed: ${end.message}\n`);
  const code = end.state === "failed" ? 1 : 0;
  process.exitCode = code;
  return code;
}

async function begin(plan: Plan, place: HomePlace, platform: Platform, options: RunOptions): Promise<JobHandle> {
  const { seams } = place;
  const text = planText(plan);
  const planHash = sha256Hex(text);
  const registers = await seams.registers(plan.job);
  const record = await joinJob(registers, {
    job: plan.job,
    plan: text,
    planHash,
    version: plan.version,
    startNew: options.startNew ?? false,
    difference,
  });
  const names = new JobNames(plan.job, record.generation);
  const { promise: done, resolve } = Promise.withResolvers<JobEnd>();
  const end = endOnce(place, resolve, options);
  if (record.state === "completed") {
    platform.logger.log(
      "warn",
      `job ${plan.job}, generation ${record.generation}, has completed; start the next one with --new`,
    );
    void end({ state: "completed", message: "", totals: noTotals });
    return {
      plan,
      done,
      status: () => Promise.reject(over(plan)),
      stop: () => Promise.resolve(),
      drain: () => Promise.resolve(),
    };
  }
  const blobs = await seams.blobs(plan.job, record.generation);
  let totals = noTotals;
  const look = async () => {
    totals = await worker.status().then(
      (status) => status.totals,
      () => totals,
    );
  };
  const onOutcome = ({ outcome, message }: OutcomeRecord, last: JobStatus["totals"] | undefined) =>
    void end({ state: outcome, message, totals: last ?? totals });
  const worker = new Worker(platform, { plan, names, seams, registers, blobs }, { onOutcome });
  const watch = setInterval(() => void look(), totalsEveryMs);
  void done.then(() => clearInterval(watch));
  await worker.start();
  if (place.isEmbedded) void followDeadLetters(plan, names, place, options);
  const handle = handleOf(plan, worker, place, done, end, look, () => totals);
  if (options.duration !== undefined) endAfter(parseDuration(options.duration, "duration"), handle, place, platform);
  return handle;
}

function handleOf(
  plan: Plan,
  worker: Worker,
  place: HomePlace,
  done: Promise<JobEnd>,
  end: (how: JobEnd) => Promise<void>,
  look: () => Promise<void>,
  totals: () => JobStatus["totals"],
): JobHandle {
  return {
    plan,
    done,
    status: () => worker.status(),
    drain: () => worker.drain(),
    async stop() {
      await look();
      await worker.stop();
      await end({ state: "stopped", message: "", totals: totals() });
    },
  };
}

function endOnce(
  place: HomePlace,
  resolve: (end: JobEnd) => void,
  options: RunOptions,
): (end: JobEnd) => Promise<void> {
  let hasEnded = false;
  return async (end) => {
    if (hasEnded) return;
    hasEnded = true;
    await place.close();
    options.onEnd?.(end);
    resolve(end);
  };
}

function endAfter(durationMs: number, handle: JobHandle, place: HomePlace, platform: Platform): Cancel {
  return platform.clock.schedule(durationMs, () => void (place.isEmbedded ? handle.drain() : handle.stop()));
}

/** Sinks that cannot be written and sources that cannot be read are refused before anything starts. */
async function checkEnds(plan: Plan): Promise<void> {
  for (const stage of plan.stages) {
    for (const sink of stage.sinks) await sink.spec.validate?.();
    await stage.source?.reader.splits();
  }
}

function stopOnSignals(handle: JobHandle): () => void {
  let count = 0;
  const onSignal = () => {
    count += 1;
    if (count > 1) process.exit(130);
    void handle.stop();
  };
  for (const signal of signals) process.on(signal, onSignal);
  return () => {
    for (const signal of signals) process.off(signal, onSignal);
  };
}

async function followDeadLetters(
  plan: Plan,
  names: JobNames,
  { seams, whenThere }: HomePlace,
  options: RunOptions,
): Promise<void> {
  const print =
    options.onDeadLetter ?? ((letter: unknown) => process.stderr.write(`${JSON.stringify({ deadLetter: letter })}\n`));
  const log = await whenThere(() => seams.logs.open(names.deadLetters));
  followSideStream(log, plan, 1, ({ value }) => print(value));
}

function versionOf(program: string | undefined): string {
  if (program === undefined) return "";
  try {
    return sha256Hex(readFileSync(program)).slice(0, 16);
  } catch {
    return "";
  }
}

function over(plan: Plan): StreamError {
  return new StreamError("JOB_NOT_RUNNABLE", `job ${plan.job} has completed`);
}
