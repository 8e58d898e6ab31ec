/**
 * Processes as the operating system sees them.
 */
import { execFileSync } from "node:child_process";

/** A living process. */
export interface LivingProcess {
  readonly processId: number;
  readonly command: string;
}

/** The children of a process, oldest first. */
export function childrenOf(processId: number): readonly LivingProcess[] {
  return execFileSync("ps", ["-A", "-o", "pid=,ppid=,stat=,args="], { encoding: "utf8" })
    .split("\n")
    .flatMap((line) => {
      const [, pid, parent, state = "", command = ""] = /^\s*(\d+)\s+(\d+)\s+(\S+)\s+(.*)$/.exec(line) ?? [];
      const isChild = Number(parent) === processId && !state.startsWith("Z");
      return isChild ? [{ processId: Number(pid), command }] : [];
    });
}

/** Whether the process is there. */
export function isAlive(processId: number): boolean {
  try {
    process.kill(processId, 0);
    return true;
  } catch {
    return false;
  }
}
