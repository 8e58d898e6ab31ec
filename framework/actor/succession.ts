/**
 * The register of a generation that is to take the place of the running one: an upgrade.
 *
 * Owns its values and the one step that counts. The successor is prepared, and held, beside the generation that runs; nobody but the job's own register says which of
 * them the job is.
 *
 * U1. The switch is one compare-and-set of the job's register: from the generation whose savepoint is held to its successor, unless the hold was given up before
 *     (`resumed`). Whoever finds it done goes on from there: the old generation ends, the successor begins.
 * U2. A number that a successor has had is no other generation's, whether it came about or not.
 * U3. A successor that was given up, or whose hold was, never begins.
 */
import { StreamError } from "../errors.ts";
import type { Registered, Registers } from "../log/contracts.ts";
import { jobRegister, successorRegister, successorRegisters } from "../log/names.ts";
import type { Platform } from "../platform/platform.ts";
import type { JobRecord, Origin } from "../record/snapshot-record.ts";
import { decodeJobRecord, encodeJobRecord } from "../record/wire/job-record.ts";
import { patiently } from "./patience.ts";

/** How often a worker looks whether the savepoint is there that it is to go on from, ms. */
const lookMs = 25;

/** How long a switch is tried, and how often, ms. */
const switchMsMax = 30_000;
const switchAgainMs = 200;

/** What a successor is made of. */
export type Successor = Pick<JobRecord, "plan" | "planHash" | "version">;

/** How a successor stands. `switched`: it is the job. `givenUp`: it never will be. */
export type SuccessionState = "prepared" | "switched" | "givenUp";

/** The highest number that a generation of the job, or one that was to be, has had (U2). */
export async function highestGeneration(registers: Registers, current: number): Promise<number> {
  const keys = await registers.list(successorRegisters);
  return keys.reduce((highest, key) => Math.max(highest, Number(key.slice(successorRegisters.length))), current);
}

/** Reserves the number of a successor. */
export async function announceSuccessor(
  registers: Registers,
  current: number,
  successor: Successor,
): Promise<JobRecord> {
  for (;;) {
    const generation = 1 + (await highestGeneration(registers, current));
    const record: JobRecord = {
      ...successor,
      generation,
      state: "running",
      message: "",
      position: 0,
      logCreatedMs: 0,
    };
    const result = await registers.create(successorRegister(generation), encodeJobRecord(record));
    if (result.kind === "written") return record;
  }
}

/** The savepoint is there: the successor's workers go on. @throws JOB_MISMATCH when it has been given up meanwhile */
export async function giveOrigin(registers: Registers, generation: number, origin: Origin): Promise<void> {
  await change(registers, generation, (record) => ({ ...record, origin }));
}

/** When its job log was created, for the job's register later (R8). */
export async function claimSuccessorLog(registers: Registers, generation: number, logCreatedMs: number): Promise<void> {
  await change(registers, generation, (record) =>
    record.logCreatedMs === 0 ? { ...record, logCreatedMs } : undefined,
  );
}

/** It never begins (U3). Called when no switch can come any more, or none has been tried. */
export async function giveUpSuccessor(registers: Registers, generation: number, message: string): Promise<void> {
  await change(registers, generation, (record) => ({ ...record, state: "failed", message })).catch((error: unknown) => {
    if (!StreamError.is(error, "JOB_MISMATCH")) throw error;
  });
}

/**
 * U1: makes the successor the job; answers whether it is.
 *
 * A reply that was lost is no matter: what the register says is read again.
 *
 * @throws SERVER_REFUSED; UNAVAILABLE, TIMEOUT when nothing was written within 30 s: whether it still will be, {@link giveUpSwitch} finds out
 */
export async function switchTo(platform: Platform, registers: Registers, generation: number): Promise<boolean> {
  const successor = await patiently(platform, "the successor", () => successorOf(registers, generation));
  const { origin } = successor ?? {};
  if (successor === undefined || origin === undefined || successor.state !== "running") return false;
  const untilMs = platform.clock.monotonicMs() + switchMsMax;
  for (let failure: unknown; ;) {
    const found = await patiently(platform, "the job's register", () => registers.get(jobRegister));
    const record = found === undefined ? undefined : decodeJobRecord(found.value);
    if (found === undefined || record === undefined) return false;
    if (record.generation === generation) return true;
    const isHeld = record.generation === origin.generation && record.state === "running";
    if (!isHeld || (record.resumed ?? 0) >= origin.savepoint) return false;
    if (failure !== undefined && (!isRetryable(failure) || platform.clock.monotonicMs() >= untilMs)) throw failure;
    // Whether it was written, the next look says.
    failure = await registers.update(jobRegister, encodeJobRecord(successor), found.revision).then(
      () => undefined,
      (error: unknown) => error,
    );
    if (failure !== undefined) await new Promise<void>((resolve) => platform.clock.schedule(switchAgainMs, resolve));
  }
}

function isRetryable(error: unknown): boolean {
  return StreamError.is(error) && error.isRetryable;
}

/** What the stop of a generation that has been succeeded is signed with. */
export function upgradeBy(generation: number, by: string): string {
  return `upgrade to generation ${generation} (${by})`;
}

/** The generation that has succeeded, by what a stop is signed with; undefined when it is somebody's command. */
export function upgradeIn(by: string): number | undefined {
  const [, generation] = /^upgrade to generation (\d+) \(/.exec(by) ?? [];
  return generation === undefined ? undefined : Number(generation);
}

/** Said at the end of those who worked on the generation before. */
export function upgradedTo(generation: number): string {
  return `upgraded to generation ${generation}`;
}

/** Whether that is what {@link upgradedTo} says. */
export function isUpgraded(message: string): boolean {
  return /^upgraded to generation \d+$/.test(message);
}

/** The generation that has taken the place of this one by an upgrade; undefined while none has. */
export async function successorInPlace(registers: Registers, generation: number): Promise<number | undefined> {
  const current = await generationOf(registers);
  if (current === undefined || current <= generation) return undefined;
  return (await isSuccessor(registers, current)) ? current : undefined;
}

/** Whether the generation was prepared beside another one, whatever has become of it. */
export async function isSuccessor(registers: Registers, generation: number): Promise<boolean> {
  return (await successorOf(registers, generation)) !== undefined;
}

/** The generation that the job is; undefined when it is none. */
export async function generationOf(registers: Registers): Promise<number | undefined> {
  const found = await registers.get(jobRegister);
  return found === undefined ? undefined : decodeJobRecord(found.value).generation;
}

/** How a successor stands by the registers. */
export async function successionOf(registers: Registers, generation: number): Promise<SuccessionState> {
  const found = await registers.get(jobRegister);
  const record = found === undefined ? undefined : decodeJobRecord(found.value);
  if (record?.generation === generation) return "switched";
  const successor = await successorOf(registers, generation);
  const { origin, state } = successor ?? {};
  if (record === undefined || successor === undefined || state !== "running") return "givenUp";
  const isOver =
    origin !== undefined && (record.generation !== origin.generation || (record.resumed ?? 0) >= origin.savepoint);
  return isOver || record.generation > generation ? "givenUp" : "prepared";
}

/**
 * The record of a successor whose savepoint is there, for one of its workers: it begins held. Undefined when `generation` is the job's own, or no successor's.
 * `onWait` is called while there is no savepoint yet.
 *
 * @throws JOB_MISMATCH when it has been given up, or is another program
 */
export async function awaitSuccession(
  platform: Platform,
  registers: Registers,
  generation: number,
  program: Successor,
  onWait: () => void,
): Promise<JobRecord | undefined> {
  const ask = <T>(call: () => Promise<T>) => patiently(platform, "the successor", call);
  for (;;) {
    if ((await ask(() => generationOf(registers))) === generation) return undefined;
    const successor = await ask(() => successorOf(registers, generation));
    if (successor === undefined) return undefined;
    if (successor.planHash !== program.planHash || successor.version !== program.version)
      throw new StreamError(
        "JOB_MISMATCH",
        `generation ${generation} is to be another program (version ${successor.version}), not this one`,
      );
    if (successor.state !== "running") throw givenUp(successor);
    if (successor.origin !== undefined) return successor;
    onWait();
    await new Promise<void>((resolve) => platform.clock.schedule(lookMs, resolve, { background: true }));
  }
}

async function successorOf(registers: Registers, generation: number): Promise<JobRecord | undefined> {
  const found = await registers.get(successorRegister(generation));
  return found === undefined ? undefined : decodeJobRecord(found.value);
}

/** Changes the register by compare-and-set; nothing where `next` answers undefined. @throws JOB_MISMATCH when it was given up */
async function change(
  registers: Registers,
  generation: number,
  next: (record: JobRecord) => JobRecord | undefined,
): Promise<void> {
  for (;;) {
    const found: Registered | undefined = await registers.get(successorRegister(generation));
    const record = found === undefined ? undefined : decodeJobRecord(found.value);
    if (found === undefined || record === undefined) return;
    if (record.state !== "running") throw givenUp(record);
    const wanted = next(record);
    if (wanted === undefined) return;
    const result = await registers.update(successorRegister(generation), encodeJobRecord(wanted), found.revision);
    if (result.kind === "written") return;
  }
}

function givenUp({ generation, message }: JobRecord): StreamError {
  return new StreamError("JOB_MISMATCH", `the upgrade to generation ${generation} has been given up: ${message}`);
}
