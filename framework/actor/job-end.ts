/**
 * The end of a job, carried from its job log into its register, by any worker that reads it.
 *
 * Owns nothing: the job log decides, and what is already in the register, or newer, stands. A register that cannot be written is logged; the next worker or
 * command that reads the job log writes it.
 */
import { messageOf } from "../errors.ts";
import type { Registers } from "../log/contracts.ts";
import type { JobNames } from "../log/names.ts";
import type { Platform } from "../platform/platform.ts";
import type { JobLogView } from "../protocol/job-log.ts";
import { recordState } from "./job-register.ts";

/** How a job stands when it goes on no more. */
export interface JobStand {
  readonly state: "completed" | "failed" | "stopped";
  /** Of a failure. Empty otherwise. */
  readonly message: string;
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
