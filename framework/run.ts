/**
 * Runs jobs: joins a program's plan, a worker and a home.
 *
 * Owns what happens between `run(job)` and the exit code: checks before anything starts, the job's life in its register, signals, and the duration. The
 * handle is in `running-job.ts`; what a worker does is `actor/`'s business.
 */
import { FaultInjector } from "./actor/fault-injector.ts";
import type { Probe } from "./actor/host.ts";
import { checkMayInject, checkPlaces, parseInjections, type Injection } from "./actor/injection.ts";
import { discardGeneration } from "./administration/job-deletion.ts";
import { hasBegunFrom, joinJob } from "./actor/job-register.ts";
import { patientOrigin } from "./actor/origin.ts";
import { awaitSuccession, successorInPlace, upgradedTo } from "./actor/succession.ts";
import type { Job } from "./api/job.ts";
import { natsConnection } from "./environment.ts";
import { isCaptured } from "./captured-job.ts";
import { StreamError, messageOf } from "./errors.ts";
import { fleet, workersAskedFor } from "./fleet.ts";
import { embedded, type Home, type HomePlace } from "./home.ts";
import { nats } from "./home-nats.ts";
import { endedJob, noTotals, type JobEnd, type JobEvents, type JobHandle, type StartedJob } from "./job-handle.ts";
import type { EndHome } from "./log/ends.ts";
import type { Registers } from "./log/contracts.ts";
import { JobNames } from "./log/names.ts";
import type { JobRecord } from "./record/snapshot-record.ts";
import { compile } from "./plan/compile.ts";
import { difference, planText } from "./plan/plan-text.ts";
import type { Plan } from "./plan/plan.ts";
import { sha256Hex } from "./platform/digest.ts";
import { parseLogLevel, stderrLogger } from "./platform/logger.ts";
import type { LogLevel, Platform } from "./platform/platform.ts";
import { systemRandom } from "./platform/random.ts";
import { scopedClock } from "./platform/scoped-clock.ts";
import { realClock } from "./platform/real-clock.ts";
import { versionOf } from "./program-version.ts";
import { whenReaderGone } from "./reader-gone.ts";
import { RunningJob } from "./running-job.ts";
import { checkedOrigin, previewRestore, type RestoreFrom, type RestorePreview } from "./restoring.ts";
import { guardsOf, type GuardedBy } from "./threads/guards.ts";
import type { ProgramPlace } from "./threads/cell-messages.ts";
import { resolveTelemetry, type TelemetryOptions } from "./telemetry/options.ts";
import { openTelemetry, type Telemetry } from "./telemetry/telemetry.ts";
import { parseDuration, type Duration } from "./time/duration.ts";

export type { JobEnd, JobHandle } from "./job-handle.ts";
export type { RestoreFrom, RestorePreview } from "./restoring.ts";

/** What `start` and `run` may be told. */
export interface RunOptions {
  /** After this long an embedded job is drained, and a worker of a fleet stopped. @default for ever, or until the input ends */
  readonly duration?: Duration | undefined;
  /** Begin the next generation of the job, with empty state. @default false */
  readonly startNew?: boolean | undefined;
  /**
   * Begin the next generation of the job, which goes on from a savepoint: `JOB/NAME` or the path of a file, or that and what may be left out. Refused before anything starts when the
   * program does not fit, and while the job is running. A generation that has begun so is joined.
   * @default none
   */
  readonly from?: string | RestoreFrom | undefined;
  /** The program's own file: its sha256 is the version of a job that names none. @default the file that Node was started with */
  readonly program?: string | undefined;
  /** The arguments that the program's file is given when it is loaded again, for records on probation. @default those of this process */
  readonly programArguments?: readonly string[] | undefined;
  /** Called once, when the job has ended here. */
  readonly onEnd?: ((end: JobEnd) => void) | undefined;
  /** Called with each dead letter of an embedded job. @default one JSON line on stderr */
  readonly onDeadLetter?: ((letter: unknown) => void) | undefined;
  /**
   * Faults on purpose, for tests and demonstrations, each once in the life of the job: `crash:STAGE/PARTITION@SEQ` crashes the instance as soon as it has read
   * position SEQ of its inbox (or split), `crash-process:…@SEQ` kills the process, `pause:…@SEQ:2s` holds the instance's turns. Refused where
   * NODE_ENV is production. @default none
   */
  readonly inject?: readonly string[] | undefined;
  /** Injects faults in production, too. @default false */
  readonly injectInProduction?: boolean | undefined;
  /** Hooks at the borders of turns, for tests and tools; instead of `inject`. @default none */
  readonly probe?: Probe | undefined;
  /** Metrics and health: an endpoint for Prometheus, sending by OTLP. @default what `TIDEMARK_METRICS_PORT` says, else none */
  readonly telemetry?: TelemetryOptions | undefined;
  /** The least urgent lines that are written on stderr, when `platform` does not say where lines go. @default what `TIDEMARK_LOG` says, else `warn` */
  readonly logLevel?: LogLevel | undefined;
  /** @default the system's clock and chance, lines on stderr */
  readonly platform?: Platform | undefined;
}

const signals = ["SIGINT", "SIGTERM"] as const;
const workerIdLength = 8;
/** Exit codes: the job failed or could not start; the program or an option makes no sense; ended by a second signal. */
const failedCode = 1;
const usageCode = 2;
/** Time for what is still under way when everything has been released, ms. */
const lastCallsMsMax = 1_000;
const interruptedCode = 130;

/**
 * The home that the environment asks for: `TIDEMARK_WORKERS` worker processes; a cluster (`TIDEMARK_NATS` or `TIDEMARK_CONTEXT`, and how to get in);
 * else this process.
 *
 * @throws OPTION_INVALID
 */
export function defaultHome(): Home {
  const workers = workersAskedFor();
  if (workers !== undefined) return fleet({ workers });
  const connection = natsConnection();
  return connection === undefined ? embedded() : nats(connection);
}

/**
 * Starts a worker of `job` in this process, or a fleet of worker processes.
 *
 * Resolves when it has joined the job, a fleet when its first worker has; nothing has been left behind when it throws instead. In the processes that
 * `fleet` starts it does not return.
 *
 * @example
 * const handle = await start(job);
 * console.log(await handle.status());
 * await handle.drain();
 *
 * @throws PLAN_INVALID, OPTION_INVALID, PATH_UNUSABLE, JOB_MISMATCH, JOB_NOT_RUNNABLE, SERVER_UNREACHABLE, SERVER_UNSUITABLE, SERVER_REFUSED, SERVER_FULL
 */
export function start(job: Job, home?: Home, options: RunOptions = {}): Promise<JobHandle> {
  return startAt(job, home, options, () => undefined);
}

/** What `run` and fleets know besides. */
export interface StartOptions extends RunOptions {
  /** The process is there for the job: its program may be loaded again, and it is ended when it stands still. @default false */
  readonly ownsProcess?: boolean | undefined;
  /** The generation that is to take the place of the running one, and waits for its savepoint. @default none */
  readonly successor?: number | undefined;
}

/** As {@link start}; `onMade` is told as soon as there is something to stop. */
export async function startAt(
  job: Job,
  home: Home | undefined,
  options: StartOptions,
  onMade: (started: StartedJob) => void,
): Promise<StartedJob> {
  if (isCaptured(job)) return new Promise<never>(() => undefined);
  const where = home ?? defaultHome();
  const platform = options.platform ?? systemPlatform(options.logLevel);
  if (where.serve === undefined) return startHere(job, where, platform, options, eventsOf(options), onMade);
  // The starter has begun the life, and ends it when its time is over.
  const asWorker = { ...options, startNew: false, from: undefined, duration: undefined, ownsProcess: true };
  return where.serve(platform.clock, (events, made) => startHere(job, where, platform, asWorker, events, made));
}

async function startHere(
  job: Job,
  home: Home,
  platform: Platform,
  options: StartOptions,
  events: JobEvents,
  onMade: (started: StartedJob) => void,
): Promise<StartedJob> {
  const durationMs = options.duration === undefined ? undefined : parseDuration(options.duration, "duration");
  const injections = parseInjections(options.inject ?? []);
  checkMayInject(injections, process.env["NODE_ENV"], options.injectInProduction ?? false);
  const asked = resolveTelemetry(options.telemetry ?? {}, process.env);
  const wanted = home.telemetryHere?.(asked) ?? asked;
  const plan = compile(job, { defaults: home.defaults, version: versionOf(options.program ?? process.argv[1]) });
  const ends: EndHome = { cluster: home.cluster ?? natsConnection(), logger: platform.logger };
  checkPlaces(injections, await checkEnds(plan, ends));
  const telemetry = await openTelemetry(wanted, plan.job, platform);
  const intent = { startNew: options.startNew ?? false };
  const place = await shownPlace(() => home.open(plan, platform, intent), telemetry);
  try {
    const started = await begin(plan, { ...place, cluster: ends.cluster }, platform, {
      ...options,
      events,
      injections,
      guard: { home, program: programOf(options) },
    });
    if (started instanceof RunningJob) started.shownBy(telemetry);
    onMade(started);
    await started.start();
    if (durationMs !== undefined) platform.clock.schedule(durationMs, () => started.expire());
    return started;
  } catch (error) {
    await place.close();
    throw error;
  }
}

/**
 * Runs `job` until it ends, is stopped by a signal or by nobody reading standard output any more, or its duration is over. Answers the exit code, and sets the process's: 0 when it completed or was
 * stopped, 1 when it failed or could not start (one line on stderr says why), 2 when the program or an option makes no sense. A second signal ends the process at once.
 *
 * @example
 * if (import.meta.main) await run(job);
 */
export async function run(job: Job, home?: Home, options: RunOptions = {}): Promise<number> {
  const code = await runToTheEnd(home, (where, onMade) =>
    startAt(job, where, { ...options, ownsProcess: true }, onMade),
  );
  process.exitCode = code;
  return code;
}

/** What starts, and tells as soon as there is something to stop. */
export type StartIn = (home: Home, onMade: (started: StartedJob) => void) => Promise<StartedJob>;

/** Runs what `startIn` starts until it ends, is stopped by a signal, or its duration is over; answers the exit code. */
export async function runToTheEnd(home: Home | undefined, startIn: StartIn): Promise<number> {
  let handle: StartedJob | undefined;
  let unlisten = () => {};
  try {
    const where = home ?? defaultHome();
    if (where.serve === undefined) unlisten = stopWhenAsked(() => handle);
    handle = await startIn(where, (made) => {
      handle = made;
    });
  } catch (error) {
    unlisten();
    process.stderr.write(`${StreamError.is(error) ? `${error.code}: ` : ""}${messageOf(error)}\n`);
    return StreamError.is(error, "PLAN_INVALID") || StreamError.is(error, "OPTION_INVALID") ? usageCode : failedCode;
  }
  if (handle.metricsUrl !== undefined) process.stderr.write(`metrics and health: ${handle.metricsUrl}\n`);
  const end = await handle.done;
  unlisten();
  if (end.state !== "failed") return 0;
  process.stderr.write(`job ${handle.plan.job} has failed: ${end.message}\n`);
  return failedCode;
}

/**
 * What `start` with `from` would do: checks everything, migrations included, and writes nothing.
 *
 * @throws what `start` would be refused with
 */
export async function dryRun(
  job: Job,
  home: Home,
  options: RunOptions & { readonly from: RestoreFrom },
): Promise<RestorePreview> {
  const platform = options.platform ?? systemPlatform(options.logLevel);
  const plan = compile(job, { defaults: home.defaults, version: versionOf(options.program ?? process.argv[1]) });
  const ends: EndHome = { cluster: home.cluster ?? natsConnection(), logger: platform.logger };
  await checkEnds(plan, ends);
  const place = await home.open(plan, platform, { startNew: false });
  try {
    return await previewRestore(place, plan, ends, options.from);
  } finally {
    await place.close();
  }
}

/** Opens the place; whatever closes it closes `telemetry` afterwards, when the last values are known. */
async function shownPlace(open: () => Promise<HomePlace>, telemetry: Telemetry): Promise<HomePlace> {
  try {
    const place = await open();
    const close = async () => {
      await place.close();
      await telemetry.close();
    };
    return { ...place, close };
  } catch (error) {
    await telemetry.close();
    throw error;
  }
}

/** The program, where it may be loaded again. */
function programOf({ program, programArguments, ownsProcess }: StartOptions): ProgramPlace | undefined {
  const path = program ?? (ownsProcess === true ? process.argv[1] : undefined);
  return path === undefined ? undefined : { path, arguments: programArguments ?? process.argv.slice(2) };
}

/** What a job is begun with. */
interface Beginning extends StartOptions {
  readonly guard: Pick<GuardedBy, "home" | "program">;
  readonly events: JobEvents;
  readonly injections: readonly Injection[];
}

/** Joins the job, or begins a life of it; what works here has been made, and not started. */
async function begin(
  plan: Plan,
  place: HomePlace & Pick<EndHome, "cluster">,
  platform: Platform,
  options: Beginning,
): Promise<StartedJob> {
  const { seams, cluster } = place;
  const { events, injections } = options;
  const text = planText(plan);
  const { job, version } = plan;
  const startNew = options.startNew ?? false;
  const ends: EndHome = { cluster, logger: platform.logger };
  const origin = options.from === undefined ? undefined : await checkedOrigin(place, plan, ends, options.from);
  const registers = await seams.registers(plan.job);
  // One more worker of what has begun from there takes no more room.
  if (origin !== undefined && !(await hasBegunFrom(registers, origin))) await place.checkRoom?.();
  const program = { plan: text, planHash: sha256Hex(text), version };
  const { successor } = options;
  const inPlace = place.generation === undefined ? undefined : await successorInPlace(registers, place.generation);
  if (inPlace !== undefined) {
    await place.close();
    return endedJob(plan, events, { state: "stopped", message: upgradedTo(inPlace), totals: noTotals });
  }
  if (place.fleetOf !== undefined && successor !== undefined)
    return place.fleetOf({ plan, names: new JobNames(job, successor) }, events);
  const wanted = place.generation ?? successor;
  const held =
    wanted === undefined
      ? undefined
      : await succession(platform, seams, { job, generation: wanted, registers, program });
  const record =
    held ??
    (await joinJob(registers, {
      job,
      ...program,
      startNew,
      origin,
      generation: wanted,
      difference,
    }));
  if (record.state === "completed") {
    const what = `job ${job}, generation ${record.generation}, has completed; start the next one with --new`;
    // In a fleet it has completed before this worker had joined: its starter knows.
    if (place.generation === undefined) platform.logger.log("warn", what);
    // Its last leader may not have come to it.
    if (plan.options.retain === "none" && !place.isEmbedded)
      await discardGeneration({ platform, seams, by: job }, new JobNames(job, record.generation), registers);
    await place.close();
    return endedJob(plan, events, { state: "completed", message: "", totals: noTotals });
  }
  const names = new JobNames(job, record.generation);
  if (place.fleetOf !== undefined) return place.fleetOf({ plan, names }, events);
  const blobs = await seams.blobs(job, record.generation);
  // What works here asks again and again while it gets no answer, and ends with the job (T4).
  const scope = scopedClock(platform.clock);
  const inside = { ...platform, clock: scope.clock };
  const killProcess = () => void process.kill(process.pid, "SIGKILL");
  const injector = new FaultInjector({ platform: inside, registers, names, killProcess }, injections);
  const probe = injections.length > 0 ? injector : options.probe;
  const goesOnFrom = record.origin === undefined ? undefined : patientOrigin(inside, seams, plan, record.origin);
  const isSuccessor = held !== undefined;
  const work = { plan, names, seams, registers, blobs, cluster, origin: goesOnFrom, isSuccessor };
  const guards = guardsOf({ ...options.guard, platform, place, work, ownsProcess: options.ownsProcess ?? false });
  return new RunningJob(platform, work, place, events, { scope, probe, guards, hints: options.guard.home.hints });
}

/** The record of a generation that is prepared beside another one, when its savepoint is there; while it is not, the worker says that it waits. */
function succession(
  platform: Platform,
  seams: HomePlace["seams"],
  of: {
    readonly job: string;
    readonly generation: number;
    readonly registers: Registers;
    readonly program: Pick<JobRecord, "plan" | "planHash" | "version">;
  },
): Promise<JobRecord | undefined> {
  const me = Buffer.from(platform.random.id(workerIdLength));
  const { waitingSubject } = new JobNames(of.job, of.generation);
  return awaitSuccession(platform, of.registers, of.generation, of.program, () =>
    seams.bus.publish(waitingSubject, me),
  );
}

function eventsOf({ onEnd, onDeadLetter }: RunOptions): JobEvents {
  return {
    onEnd: (end) => onEnd?.(end),
    onDeadLetter:
      onDeadLetter ?? ((letter) => void process.stderr.write(`${JSON.stringify({ deadLetter: letter })}\n`)),
  };
}

/** The system's clock and chance, lines on stderr. */
export function systemPlatform(given: LogLevel | undefined): Platform {
  const level = parseLogLevel(given ?? (process.env["TIDEMARK_LOG"] || "warn"), "the log level");
  return { clock: realClock(), random: systemRandom(), logger: stderrLogger({ level }) };
}

/** Sinks that cannot be written and sources that cannot be read are refused before anything starts. Answers how many instances each stage has. */
export async function checkEnds(plan: Plan, home: EndHome): Promise<ReadonlyMap<string, number>> {
  const instances = new Map<string, number>();
  for (const stage of plan.stages) {
    for (const sink of stage.sinks) await sink.spec.validate?.(home);
    const splits = await stage.source?.reader.splits(home);
    instances.set(stage.name, splits?.length ?? stage.partitions);
  }
  return instances;
}

/** By a signal, or by nobody reading the results any more. Answers how to listen no longer. */
function stopWhenAsked(jobToStop: () => StartedJob | undefined): () => void {
  const stopListening = stopOnSignals(jobToStop);
  const stopWatching = whenReaderGone(() => {
    // What waits for the output would hold its instance: it is the next worker's.
    setTimeout(() => process.exit(0), lastCallsMsMax).unref();
    void jobToStop()?.stop().then(endWithoutWaiting);
  });
  return () => {
    stopListening();
    stopWatching();
  };
}

/** Until there is a job to stop, a signal ends the process; then the first one stops the job. */
function stopOnSignals(jobToStop: () => StartedJob | undefined): () => void {
  let count = 0;
  const onSignal = () => {
    const started = jobToStop();
    count += 1;
    if (started === undefined) process.exit(interruptedCode);
    if (count === 1) return void started.stop().then(endWithoutWaiting);
    started.abandon();
    process.exit(interruptedCode);
  };
  for (const signal of signals) process.on(signal, onSignal);
  return () => {
    for (const signal of signals) process.off(signal, onSignal);
  };
}

/** Calls to a server that does not answer are repeated for ever: they hold no process that a signal asked to go. */
function endWithoutWaiting(): void {
  setTimeout(() => process.exit(), lastCallsMsMax).unref();
}
