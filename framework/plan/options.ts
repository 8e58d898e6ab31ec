/**
 * Options of a job: what the user may say, and what the runtime reads (design, section 13: Sizes).
 *
 * Resolved once, when the plan is made; nothing is optional after that. Users give durations, inside they are ms.
 */
import { messageOf, StreamError } from "../errors.ts";
import { type Duration, parseDuration } from "../time/duration.ts";
import { checkKnownOptions } from "../known-options.ts";
import { limitDefaults, type LimitOptions, type Limits, resolveLimits } from "./limits.ts";

/** What happens after a record has become a dead letter. */
export type OnError =
  /** Go on; the record is in the dead-letter output with its reason. */
  | "deadLetter"
  /** The job fails with the first one. */
  | "fail"
  /** Go on and keep only the count. */
  | "drop";

/** What becomes of the streams of a generation that has completed. */
export type Retain =
  /** They stay until `tidemark delete`: everything can be read again, dead letters and late records included. */
  | "forever"
  /** They are deleted when it completes; what is left is that it has. */
  | "none";

/** How often an instance may crash without progress before the job fails, as the user says it. */
export interface RestartOptions {
  /**
   * Crashes of one instance without a new snapshot in between.
   * @default 5
   */
  readonly max?: number | undefined;
  /**
   * The span in which they count.
   * @default "60s"
   */
  readonly within?: Duration | undefined;
}

/** What counts as a record that ends its process or never ends, as the user says it. */
export interface PoisonOptions {
  /**
   * How long a turn may take, and the event loop stand still, before the process is ended: what takes longer never ends. `Infinity`: for ever.
   * @default "10s"
   */
  readonly turnTimeout?: Duration | undefined;
  /**
   * Deaths at one step, on probation, after which it is skipped and becomes a dead letter.
   * @default 2
   */
  readonly crashes?: number | undefined;
}

/**
 * Options of a job: the second argument of `job`.
 *
 * @example
 * job("plant", { partitions: 16, onError: "fail", restart: { max: 3, within: "1m" } })
 */
export interface JobOptions {
  /**
   * Fixed slices of the keys of every stage that does not say otherwise: the most workers that can share a stage.
   * @default 8
   */
  readonly partitions?: number | undefined;
  /**
   * What happens to a record that a function of the program, a codec or a sink refuses.
   * @default "deadLetter"
   */
  readonly onError?: OnError | undefined;
  /**
   * How long an instance that reads something goes without a snapshot.
   * @default "10s"
   */
  readonly snapshotInterval?: Duration | undefined;
  /**
   * Bytes read since the last snapshot after which the next one is taken; at most a quarter of `inboxBytes`.
   * @default 32 MiB, or a quarter of `inboxBytes` when that is less; embedded 1 MiB
   */
  readonly snapshotBytes?: number | undefined;
  /**
   * Bytes of records that wait before one instance until its senders pause.
   * @default 128 MiB; embedded 8 MiB
   */
  readonly inboxBytes?: number | undefined;
  /**
   * Bytes that a sender collects into one frame while earlier ones are under way.
   * @default 32 KiB
   */
  readonly frameBytes?: number | undefined;
  /**
   * How long a record waits for others to share a frame with, when earlier frames are under way.
   * @default "5ms"
   */
  readonly linger?: Duration | undefined;
  /**
   * Copies that the cluster keeps of every log and register: 1, 3 or 5.
   * @default what the home says (`nats({ replicas })`, `--replicas`), else 1
   */
  readonly replicas?: number | undefined;
  /**
   * Names this code: workers with another version may not join the job.
   * @default the sha256 of the program's own file
   */
  readonly version?: string | undefined;
  /** When crashes make the job fail. */
  readonly restart?: RestartOptions | undefined;
  /** When a record that ends its process, or never ends, is skipped. */
  readonly poison?: PoisonOptions | undefined;
  /**
   * What becomes of the streams of a generation that has completed.
   * @default "forever"
   */
  readonly retain?: Retain | undefined;
  /**
   * A timestamp further than this ahead of the time its message was stored (in files and arrays: of the job's beginning) is refused, so that one broken
   * device clock does not make every other record late. `Infinity`: no bound.
   * @default "1d"
   */
  readonly farFuture?: Duration | undefined;
  /** What one key, and one edge, may come to. */
  readonly limits?: LimitOptions | undefined;
  /**
   * Whether `Date.now`, `Math.random` and their like answer from the message while a function of the program runs, so that a replay repeats
   * itself.
   * @default true
   */
  readonly deterministicGlobals?: boolean | undefined;
}

/** How often an instance may crash without progress before the job fails. */
export interface RestartBudget {
  readonly restartsMax: number;
  readonly withinMs: number;
}

/** When a record is skipped that ends its process or never ends. */
export interface PoisonBounds {
  readonly turnMsMax: number;
  readonly crashesMax: number;
}

/** Every option of a job, resolved. */
export interface ResolvedJobOptions {
  /** Partitions of a stage that does not say otherwise. */
  readonly partitions: number;
  readonly onError: OnError;
  readonly snapshotIntervalMs: number;
  readonly snapshotBytes: number;
  /** Data limit of an inbox; its `max_bytes` is larger by the reserves of R13. */
  readonly inboxBytes: number;
  readonly frameBytesTarget: number;
  readonly frameBytesMax: number;
  readonly lingerMs: number;
  readonly replicas: number;
  readonly restart: RestartBudget;
  readonly poison: PoisonBounds;
  readonly retain: Retain;
  /** A timestamp further than this ahead of the stored time of its message is refused. */
  readonly farFutureMs: number;
  readonly limits: Limits;
  /** Whether globals such as `Date.now` answer from the message during a turn. */
  readonly deterministicGlobals: boolean;
}

const kibibyte = 1024;
const mebibyte = 1024 * kibibyte;

/** More partitions than this are refused: each is a stream of its own. */
export const partitionsMax = 32_768;

/** A turn is given this long at least, ms: less would take the pauses of a busy machine for poison. */
const turnMsMin = 200;

/** What a job on a cluster has where it says nothing. */
export const jobDefaults: ResolvedJobOptions = {
  partitions: 8,
  onError: "deadLetter",
  snapshotIntervalMs: 10_000,
  snapshotBytes: 32 * mebibyte,
  inboxBytes: 128 * mebibyte,
  frameBytesTarget: 32 * kibibyte,
  frameBytesMax: 256 * kibibyte,
  lingerMs: 5,
  replicas: 1,
  restart: { restartsMax: 5, withinMs: 60_000 },
  poison: { turnMsMax: 10_000, crashesMax: 2 },
  retain: "forever",
  farFutureMs: 86_400_000,
  limits: limitDefaults,
  deterministicGlobals: true,
};

/** What a job in one process has where it says nothing: everything in memory, so everything smaller. */
export const embeddedDefaults: ResolvedJobOptions = {
  ...jobDefaults,
  snapshotBytes: mebibyte,
  inboxBytes: 8 * mebibyte,
};

const known: readonly (keyof JobOptions)[] = [
  "partitions",
  "onError",
  "snapshotInterval",
  "snapshotBytes",
  "inboxBytes",
  "frameBytes",
  "linger",
  "replicas",
  "version",
  "restart",
  "poison",
  "retain",
  "farFuture",
  "limits",
  "deterministicGlobals",
];

/**
 * Checks what the user said and fills in the rest. `place` begins every message: `job "plant"`.
 *
 * @throws PLAN_INVALID with the place, the option and its value
 */
export function resolveOptions(
  input: JobOptions,
  defaults: ResolvedJobOptions = jobDefaults,
  place = "options of the job",
): ResolvedJobOptions {
  checkKnownOptions(input, known, place);
  checkVersion(input.version, place);
  const inboxBytes = integer(input.inboxBytes ?? defaults.inboxBytes, [defaults.frameBytesMax], `${place}: inboxBytes`);
  // R13: an inbox is relieved above three quarters of its limit, so what is left always takes a frame.
  const frameBytesMax = Math.min(defaults.frameBytesMax, Math.floor(inboxBytes / 4));
  const snapshotBytes = input.snapshotBytes ?? Math.min(defaults.snapshotBytes, Math.floor(inboxBytes / 4));
  return {
    partitions: integer(input.partitions ?? defaults.partitions, [1, partitionsMax], `${place}: partitions`),
    onError: oneOf(input.onError ?? defaults.onError, ["deadLetter", "fail", "drop"], `${place}: onError`),
    snapshotIntervalMs: checkSpan(
      input.snapshotInterval ?? defaults.snapshotIntervalMs,
      1,
      `${place}: snapshotInterval`,
    ),
    snapshotBytes: quarterOf(inboxBytes, integer(snapshotBytes, [1], `${place}: snapshotBytes`), place),
    inboxBytes,
    frameBytesTarget: Math.min(
      integer(input.frameBytes ?? defaults.frameBytesTarget, [1, defaults.frameBytesMax], `${place}: frameBytes`),
      frameBytesMax,
    ),
    frameBytesMax,
    lingerMs: checkSpan(input.linger ?? defaults.lingerMs, 0, `${place}: linger`),
    replicas: oneOf(input.replicas ?? defaults.replicas, [1, 3, 5], `${place}: replicas`),
    restart: restartBudget(input.restart ?? {}, defaults.restart, place),
    poison: poisonBounds(input.poison ?? {}, defaults.poison, place),
    retain: oneOf(input.retain ?? defaults.retain, ["forever", "none"], `${place}: retain`),
    farFutureMs: checkBound(input.farFuture ?? defaults.farFutureMs, `${place}: farFuture`),
    limits: resolveLimits(input.limits ?? {}, defaults.limits, place),
    deterministicGlobals: oneOf(
      input.deterministicGlobals ?? defaults.deterministicGlobals,
      [true, false],
      `${place}: deterministicGlobals`,
    ),
  };
}

/** More threads than this are refused: each holds a connection, and the program once more. */
const threadsMax = 64;

/** Checks a number of threads of a stage. @throws PLAN_INVALID */
export function checkThreads(threads: number, place: string): number {
  return integer(threads, [1, threadsMax], `${place}: threads`);
}

/** Checks a number of partitions, of the job or of one stage. @throws PLAN_INVALID */
export function checkPartitions(partitions: number, place: string): number {
  return integer(partitions, [1, partitionsMax], `${place}: partitions`);
}

/** Checks an integer within bounds. @throws PLAN_INVALID with the place and the value */
export function checkCount(value: number, range: readonly [from: number, to: number], what: string): number {
  return integer(value, range, what);
}

/** Checks one of a closed set of words. @throws PLAN_INVALID with the place and the value */
export function checkWord<V extends string>(value: V, allowed: readonly V[], what: string): V {
  return oneOf(value, allowed, what);
}

function checkVersion(version: unknown, place: string): void {
  if (version === undefined || (typeof version === "string" && version !== "")) return;
  throw new StreamError("PLAN_INVALID", `${place}: version is ${show(version)}; it takes a text that is not empty`);
}

function restartBudget(input: RestartOptions, defaults: RestartBudget, place: string): RestartBudget {
  checkKnownOptions(input, ["max", "within"], `${place}: restart`);
  return {
    restartsMax: integer(input.max ?? defaults.restartsMax, [0], `${place}: restart.max`),
    withinMs: checkSpan(input.within ?? defaults.withinMs, 1, `${place}: restart.within`),
  };
}

function poisonBounds(input: PoisonOptions, defaults: PoisonBounds, place: string): PoisonBounds {
  checkKnownOptions(input, ["turnTimeout", "crashes"], `${place}: poison`);
  const { turnTimeout = defaults.turnMsMax, crashes = defaults.crashesMax } = input;
  const what = `${place}: poison.turnTimeout`;
  return {
    turnMsMax: turnTimeout === Infinity ? Infinity : checkSpan(turnTimeout, turnMsMin, what),
    crashesMax: integer(crashes, [1], `${place}: poison.crashes`),
  };
}

function quarterOf(inboxBytes: number, snapshotBytes: number, place: string): number {
  if (snapshotBytes * 4 <= inboxBytes) return snapshotBytes;
  throw new StreamError(
    "PLAN_INVALID",
    `${place}: snapshotBytes is ${snapshotBytes}, more than a quarter of inboxBytes (${inboxBytes}): an inbox could fill before its ` +
      `snapshot makes room. Raise inboxBytes to ${snapshotBytes * 4}, or lower snapshotBytes to ${Math.floor(inboxBytes / 4)}`,
  );
}

function integer(value: number, [from, to]: readonly [from: number, to?: number], what: string): number {
  if (Number.isSafeInteger(value) && value >= from && (to === undefined || value <= to)) return value;
  const range = to === undefined ? `from ${from} on` : `from ${from} to ${to}`;
  throw new StreamError("PLAN_INVALID", `${what} is ${show(value)}; it takes an integer ${range}`);
}

function oneOf<V extends string | number | boolean>(value: V, allowed: readonly V[], what: string): V {
  if (allowed.includes(value)) return value;
  const list = allowed.map((each) => show(each)).join(", ");
  throw new StreamError("PLAN_INVALID", `${what} is ${show(value)}; it takes one of ${list}`);
}

/** A duration in the program, in ms. @throws PLAN_INVALID with the place and the value */
export function checkSpan(value: Duration, minMs: number, what: string): number {
  try {
    return parseDuration(value, what, { minMs });
  } catch (error) {
    throw new StreamError("PLAN_INVALID", messageOf(error), { cause: error });
  }
}

/** The same where `Infinity` means: no bound. @throws PLAN_INVALID with the place and the value */
export function checkBound(value: Duration, what: string): number {
  return value === Infinity ? Infinity : checkSpan(value, 0, what);
}

function show(value: unknown): string {
  return typeof value === "string" ? JSON.stringify(value) : String(value);
}
