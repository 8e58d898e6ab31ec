/**
 * Taking a savepoint, by somebody who is no worker of the job.
 *
 * Owns what is refused before anything stops, and what is waited for. The request itself is a record of the job log, carried out by whoever leads.
 *
 * R17. One at a time; a name is used once.
 * SR1. What has become of a request is said by the register of its name, and by the job log where that says nothing (F4): a reply that was lost changes nothing.
 * SR2. One that was cancelled because an instance was restarted in the middle is asked for again, within the same time.
 */
import { recordState } from "../actor/job-register.ts";
import { StreamError } from "../errors.ts";
import { namePattern, savepointRegister } from "../log/names.ts";
import type { Registers } from "../log/contracts.ts";
import type { SavepointView } from "../protocol/savepoint-life.ts";
import { isWorthAnother, type RegisterOwner } from "../protocol/savepoint.ts";
import type { SavepointMode } from "../record/savepoint-record.ts";
import { decodeSavepointRecord, encodeSavepointRecord } from "../record/wire/savepoint.ts";
import type { Administrator } from "./administrator.ts";
import { refusal, withJob, type CommandedJob } from "./commanded-job.ts";

/** What is wanted. */
export interface SavepointWish {
  /** @default the date and time: `2026-11-22-014326` */
  readonly name?: string | undefined;
  /** @default `resume` */
  readonly mode?: SavepointMode | undefined;
  /** After this long without a savepoint the job goes on without one. @default 60 s */
  readonly timeoutMs?: number | undefined;
}

/** A savepoint that has been taken. */
export interface TakenSavepoint {
  readonly job: string;
  readonly generation: number;
  readonly name: string;
  /** Sequence of its request in the job log. */
  readonly savepoint: number;
  /** When it was complete, ms since the epoch. */
  readonly atMs: number;
  readonly bytes: number;
  /** Whether the job was stopped by it. */
  readonly isStopped: boolean;
}

const timeoutMsDefault = 60_000;
/** Time that the leader, whoever it is by then, has to cancel what is late, ms. */
const graceMs = 15_000;
/** Time for workers to go when the job was stopped, ms. */
const leaveMsMax = 10_000;

/**
 * Takes a savepoint of a running job, and waits for it; in mode `stop` until the workers have gone, too.
 *
 * @throws OPTION_INVALID for a name that is none, or taken; NOT_FOUND; JOB_NOT_RUNNABLE when the job does not run, nobody works on it, or another savepoint is
 * being taken; SAVEPOINT_CANCELLED with the reason; TIMEOUT when nobody says what has become of it
 */
export function takeSavepoint(
  administrator: Administrator,
  job: string,
  wish: SavepointWish = {},
): Promise<TakenSavepoint> {
  const { mode = "resume", timeoutMs = timeoutMsDefault } = wish;
  const name = wish.name ?? nameAt(administrator.platform.clock.now());
  if (!namePattern.test(name))
    throw new StreamError(
      "OPTION_INVALID",
      `savepoint ${JSON.stringify(name)}: names consist of 1 to 32 of a-z, 0-9 and "-"`,
    );
  return withJob(administrator, job, async (target) => {
    await refuseBefore(target, name);
    const endMs = administrator.platform.clock.monotonicMs() + timeoutMs;
    for (;;) {
      const leftMs = Math.max(1, endMs - administrator.platform.clock.monotonicMs());
      const taken = await attempt(administrator, target, { name, mode, timeoutMs: Math.ceil(leftMs) });
      if (!(taken instanceof StreamError)) return taken;
      const mayTryAgain = isWorthAnother(taken.message) && administrator.platform.clock.monotonicMs() < endMs;
      if (!mayTryAgain) throw taken;
    }
  });
}

async function refuseBefore(target: CommandedJob, name: string): Promise<void> {
  const { reading, registers, names } = target;
  const { life, savepoints, isDraining } = reading.view;
  if (life.state !== "running")
    throw refusal(
      target,
      `is ${life.state}: a savepoint is taken of a running job; its last state is in its snapshots`,
    );
  if (isDraining) throw refusal(target, "is being drained: it takes no savepoint any more");
  if (savepoints.open !== undefined) throw refusal(target, openText(savepoints.open));
  const found = await registers.get(savepointRegister(name));
  if (found !== undefined && decodeSavepointRecord(found.value).state === "complete")
    throw new StreamError(
      "OPTION_INVALID",
      `job ${names.job} has a savepoint ${name} already: take another name, or delete it with tidemark delete ${names.job} --savepoint ${name}`,
    );
}

function openText({ name, state, by, timeoutMs }: SavepointView): string {
  if (state !== "held") return `is taking savepoint ${name}: one at a time`;
  return `is held by savepoint ${name} for an upgrade by ${by}: if nobody follows that up any more, the job goes on within ${timeoutMs / 1_000} s; then ask again`;
}

/** One request and what becomes of it; an error that may be answered by another one is answered, not thrown. */
async function attempt(
  administrator: Administrator,
  target: CommandedJob,
  wish: { readonly name: string; readonly mode: SavepointMode; readonly timeoutMs: number },
): Promise<TakenSavepoint | StreamError> {
  const { reading, roll, names, registers } = target;
  const { name, mode, timeoutMs } = wish;
  const id = await reading.append({ kind: "savepoint", name, by: administrator.by, mode, timeoutMs });
  const isDecided = () => {
    const state = reading.view.savepoints.of(id)?.state;
    return state !== undefined && state !== "freezing";
  };
  const called = roll.called();
  const decided = reading.until(isDecided, timeoutMs + graceMs);
  await Promise.race([decided, called]);
  if (!isDecided() && (await called).length === 0) {
    const why = "has no living worker that could take a savepoint";
    await cancelUnheard(registers, name, { generation: names.generation, savepoint: id, leader: 0 }, why);
    throw refusal(target, `${why}: the request is cancelled`);
  }
  await decided;
  const view = reading.view.savepoints.of(id);
  const found = await registers.get(savepointRegister(name));
  const record = found === undefined ? undefined : decodeSavepointRecord(found.value);
  if (record?.generation === names.generation && record.savepoint === id && record.state === "complete") {
    if (mode === "stop") await stopped(target);
    const { atMs, bytes } = record;
    const { job, generation } = names;
    return { job, generation, name, savepoint: id, atMs, bytes, isStopped: mode === "stop" };
  }
  if (view?.state === "refused") throw refusal(target, `takes no savepoint: ${view.reason}`);
  const what = `savepoint ${name} of job ${names.job}`;
  if (view === undefined || view.state === "freezing")
    throw new StreamError(
      "TIMEOUT",
      `${what}: nobody has said what has become of it; tidemark inspect ${names.job} does`,
    );
  return new StreamError("SAVEPOINT_CANCELLED", `${what} was cancelled, and the job goes on: ${view.reason}`);
}

/** SR1. Whoever leads next finds in the register that nobody waits for it any more. What stands there already, stands. */
async function cancelUnheard(registers: Registers, name: string, owner: RegisterOwner, reason: string): Promise<void> {
  const key = savepointRegister(name);
  const found = await registers.get(key);
  const record = found === undefined ? undefined : decodeSavepointRecord(found.value);
  const isOpen = record?.savepoint === owner.savepoint && record.generation === owner.generation;
  if (record !== undefined && (isOpen ? record.state !== "open" : record.state === "complete")) return;
  const bytes = encodeSavepointRecord({ ...owner, state: "cancelled", reason, index: [], atMs: 0, bytes: 0 });
  await (found === undefined ? registers.create(key, bytes) : registers.update(key, bytes, found.revision));
}

async function stopped({ reading, registers, names, roll }: CommandedJob): Promise<void> {
  await reading.until(({ isOver }) => isOver, graceMs);
  const { life, position } = reading.view;
  await recordState(registers, { generation: names.generation, state: life.state, message: "", position });
  await roll.silence(leaveMsMax);
}

function nameAt(nowMs: number): string {
  return new Date(nowMs).toISOString().slice(0, 19).replace("T", "-").replaceAll(":", "");
}
