/**
 * The life of a job in its register (design, section 13: Life of a job).
 *
 * Owns who may begin a life, join one, or is refused; a job's record changes by compare-and-set only.
 */
import { StreamError } from "../errors.ts";
import type { Log, Registered, Registers } from "../log/contracts.ts";
import { jobRegister } from "../log/names.ts";
import type { JobRecord, Origin } from "../record/snapshot-record.ts";
import { decodeJobRecord, encodeJobRecord } from "../record/wire/job-record.ts";
import { highestGeneration } from "./succession.ts";

/** What a program says of itself when it joins. */
export interface JobClaim {
  readonly job: string;
  readonly plan: string;
  readonly planHash: string;
  readonly version: string;
  /** Begin the next generation, with empty state, whatever the record says. */
  readonly startNew: boolean;
  /** Begin the next generation, which goes on from there. @default none is begun so */
  readonly origin?: Origin | undefined;
  /** The only life that may be joined; none is begun. Said by the process that started this one as a worker. @default whichever is there */
  readonly generation?: number | undefined;
  /** Compares two plan texts, for the refusal. */
  difference(found: string, wanted: string): string;
}

/** Joins the job, or begins its first (or next) life. @throws JOB_MISMATCH, JOB_NOT_RUNNABLE */
export async function joinJob(registers: Registers, claim: JobClaim): Promise<JobRecord> {
  for (;;) {
    const found = await registers.get(jobRegister);
    if (claim.generation !== undefined) return acceptOnly(claim.generation, found, claim);
    if (found === undefined) {
      const record = newLife(claim, 1 + (claim.origin?.generation ?? 0));
      const result = await registers.create(jobRegister, encodeJobRecord(record));
      if (result.kind === "written") return record;
      continue;
    }
    const record = decodeJobRecord(found.value);
    if (record.state === "deleting") throw halfDeleted(claim.job);
    // Whoever is told again to begin what has begun so is one more worker of it.
    if (claim.origin !== undefined && isSameOrigin(record.origin, claim.origin)) return accept(record, claim);
    if (claim.origin !== undefined && record.state === "running") throw stillRunning(claim.job, record);
    if (!claim.startNew && claim.origin === undefined) return accept(record, claim);
    // Also of those that were to be (U2 of successions).
    const highest = await highestGeneration(registers, Math.max(record.generation, claim.origin?.generation ?? 0));
    const next = newLife(claim, 1 + highest);
    const result = await registers.update(jobRegister, encodeJobRecord(next), found.revision);
    if (result.kind === "written") return next;
  }
}

/** Whether the job's generation is one that began from that savepoint. */
export async function hasBegunFrom(registers: Registers, origin: Origin): Promise<boolean> {
  const found = await registers.get(jobRegister);
  return found !== undefined && isSameOrigin(decodeJobRecord(found.value).origin, origin);
}

/** How a job stands by its job log, for its register. */
export interface RecordedState extends Pick<JobRecord, "generation" | "state" | "message" | "position"> {}

/**
 * Writes how the job of a generation stands. A later generation's record is left alone, and so is one that follows a later record of the job log: whoever
 * writes, and however late, the register never goes back.
 */
export async function recordState(registers: Registers, stands: RecordedState): Promise<void> {
  for (;;) {
    const found = await registers.get(jobRegister);
    if (found === undefined) return;
    const record = decodeJobRecord(found.value);
    if (record.generation !== stands.generation || record.position >= stands.position) return;
    if (record.state === "deleting") return;
    const result = await registers.update(jobRegister, encodeJobRecord({ ...record, ...stands }), found.revision);
    if (result.kind === "written") return;
  }
}

/**
 * Before the hold of a savepoint is given up (R17): from here on no other generation takes the place of this one by that savepoint. Answers false when another
 * one has taken it already.
 *
 * @throws UNAVAILABLE, TIMEOUT: then it is unknown
 */
export async function giveUpSwitch(registers: Registers, generation: number, savepoint: number): Promise<boolean> {
  for (;;) {
    const found = await registers.get(jobRegister);
    const record = found === undefined ? undefined : decodeJobRecord(found.value);
    if (found === undefined || record?.generation !== generation) return false;
    if (record.resumed === savepoint) return true;
    const bytes = encodeJobRecord({ ...record, resumed: savepoint });
    const result = await registers.update(jobRegister, bytes, found.revision);
    if (result.kind === "written") return true;
  }
}

/**
 * R8 for the job log: it is the one that this generation began with, which is the one that its first worker opened. Called by every worker that joins,
 * before it reads the log.
 *
 * @throws DATA_LOST when another one is in its place: then the job has failed, for all of them
 */
export async function claimJobLog(
  registers: Registers,
  generation: number,
  { name, createdMs }: Pick<Log, "name" | "createdMs">,
): Promise<void> {
  for (;;) {
    const found = await registers.get(jobRegister);
    const record = found === undefined ? undefined : decodeJobRecord(found.value);
    if (found === undefined || record?.generation !== generation || record.logCreatedMs === createdMs) return;
    const message = `the job log ${name} was created at ${createdMs}, and that of generation ${generation} at ${record.logCreatedMs}: what it said is gone`;
    const isFirst = record.logCreatedMs === 0;
    const next = isFirst ? { ...record, logCreatedMs: createdMs } : { ...record, state: "failed" as const, message };
    const isKnown = record.state === "failed" || record.state === "deleting";
    const result = isKnown ? undefined : await registers.update(jobRegister, encodeJobRecord(next), found.revision);
    if (result?.kind === "conflict") continue;
    if (isFirst) return;
    throw new StreamError("DATA_LOST", `${message}; start a new generation with --new`);
  }
}

function halfDeleted(job: string): StreamError {
  return new StreamError("JOB_NOT_RUNNABLE", `job ${job} is being deleted; finish it with tidemark delete ${job}`);
}

function newLife(claim: JobClaim, generation: number): JobRecord {
  return {
    generation,
    plan: claim.plan,
    planHash: claim.planHash,
    version: claim.version,
    state: "running",
    message: "",
    position: 0,
    logCreatedMs: 0,
    origin: claim.origin,
  };
}

function isSameOrigin(before: Origin | undefined, { name, generation, savepoint }: Origin): boolean {
  return before?.name === name && before.generation === generation && before.savepoint === savepoint;
}

/** Two generations would read the same sources, and write to the same sinks. */
function stillRunning(job: string, { generation }: JobRecord): StreamError {
  return new StreamError(
    "JOB_NOT_RUNNABLE",
    `job ${job}, generation ${generation}, is running: stop it first (tidemark stop ${job}, or tidemark savepoint ${job} --stop), or replace it in one step with tidemark upgrade`,
  );
}

/** A worker that is started again joins the life it belongs to, or none. */
function acceptOnly(generation: number, found: Registered | undefined, claim: JobClaim): JobRecord {
  const record = found === undefined ? undefined : decodeJobRecord(found.value);
  if (record?.generation === generation) return accept(record, claim);
  const there = record === undefined ? "the server knows nothing of it" : `generation ${record.generation} is running`;
  throw new StreamError(
    "JOB_MISMATCH",
    `this worker belongs to generation ${generation} of job ${claim.job}, but ${there}`,
  );
}

function accept(record: JobRecord, claim: JobClaim): JobRecord {
  const what = `job ${claim.job}, generation ${record.generation}`;
  if (record.planHash !== claim.planHash) {
    const difference = claim.difference(record.plan, claim.plan);
    throw new StreamError(
      "JOB_MISMATCH",
      `${what} runs another plan:\n${difference}\nstart a new generation with --new, or run the program it was started with`,
    );
  }
  if (record.version !== claim.version) {
    throw new StreamError(
      "JOB_MISMATCH",
      `${what} runs version ${record.version}, this program is ${claim.version}; start a new generation with --new`,
    );
  }
  if (record.state === "failed" || record.state === "stopped") {
    const reason = record.message === "" ? "" : `: ${record.message}`;
    const goOn = `let it go on with tidemark restart ${claim.job}`;
    throw new StreamError(
      "JOB_NOT_RUNNABLE",
      `${what} is ${record.state}${reason}; ${goOn}, or start a new generation with --new`,
    );
  }
  return record;
}
