/**
 * The end of a job, carried from its job log into its register, by any worker that reads it.
 *
 * Owns nothing: the job log decides, and what is already in the register, or newer, stands. A register that cannot be written is logged; the next worker or
 * command that reads the job log writes it.
 */
import { messageOf, type StreamError } from "../errors.ts";
import type { Registers } from "../log/contracts.ts";
import { jobRegister, type JobNames } from "../log/names.ts";
import type { Platform } from "../platform/platform.ts";
import type { JobLogView } from "../protocol/job-log.ts";
import type { OutcomeRecord } from "../record/messages.ts";
import { decodeJobRecord } from "../record/wire/job-record.ts";
import { recordState } from "./job-register.ts";
import { upgradedTo, upgradeIn } from "./succession.ts";

/** How a job stands when it goes on no more. */
export interface JobStand {
  readonly state: "completed" | "failed" | "stopped";
  /** Of a failure. Empty otherwise. */
  readonly message: string;
}

/**
 * What a job log that cannot be followed means for the worker that follows it: the end that the register tells (the log of a completed job may be gone:
 * `retain: "none"`), or else the failure.
 */
export async function explainBroken(
  { registers, names }: { readonly registers: Registers; readonly names: JobNames },
  error: StreamError,
): Promise<OutcomeRecord> {
  const failed = { kind: "outcome", leader: 0, outcome: "failed", code: error.code, message: error.message } as const;
  try {
    const found = await registers.get(jobRegister);
    const record = found === undefined ? undefined : decodeJobRecord(found.value);
    const isDone = record?.generation === names.generation && record.state === "completed";
    return isDone ? { ...failed, outcome: "completed", code: "", message: "" } : failed;
  } catch {
    return failed;
  }
}

/** Says why workers have to go whose job was stopped; answers it in few words. `by`: what the stop is signed with. */
export function sayStopped({ logger }: Platform, job: string, by: string): string {
  const generation = upgradeIn(by);
  const reason = generation === undefined ? "stopped by a command" : upgradedTo(generation);
  const onwards = generation === undefined ? `it goes on after tidemark restart ${job}` : "this worker ends";
  logger.log("warn", `${reason}; ${onwards}`, { by });
  return reason;
}

/** Makes the register say how the job has ended; resolves when it does, or could not be written. */
export async function recordEnd(
  platform: Platform,
  { registers, names }: { readonly registers: Registers; readonly names: JobNames },
  { life, position }: JobLogView,
  { state, message }: JobStand,
): Promise<void> {
  // A job log that cannot be followed ends the job at what was read of it.
  const at = life.state === state ? life.since : position;
  try {
    await recordState(registers, { generation: names.generation, state, message, position: at });
  } catch (error) {
    platform.logger.log("warn", "the job's register could not be written", { reason: messageOf(error) });
  }
}
