/**
 * Programs as child processes: started as a user starts them, watched by what they print, killed when the test is through.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { onTestFinished } from "vitest";
import { until } from "./until.ts";

/** How a process ended. */
export interface Ending {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** From the start of the process, or from the last signal sent to it. */
  readonly ms: number;
}

/** A running process. */
export interface Program {
  readonly processId: number;
  readonly stdout: readonly string[];
  readonly stderr: readonly string[];
  /** Resolves when it prints (or has printed) a line that matches. @throws with all it said, when it ends or takes too long instead */
  prints(pattern: RegExp): Promise<string>;
  send(signal: NodeJS.Signals): void;
  /** @throws with all it said, when it takes too long */
  ended(limitMs?: number): Promise<Ending>;
}

/** The root of the repository. */
export const root: string = fileURLToPath(new URL("../..", import.meta.url));

/** Generous: the machine may be busy with something else. */
const limitMsMax = 120_000;

/** Starts Node with `args` in the root of the repository. */
export function startNode(args: readonly string[], environment: Readonly<Record<string, string>> = {}): Program {
  return watch(
    spawn(process.execPath, args, {
      cwd: root,
      env: { ...process.env, TIDEMARK_NATS: "", NO_COLOR: "1", ...environment },
      stdio: ["ignore", "pipe", "pipe"],
    }),
  );
}

/** Starts Node with `args`, its output read by `head -n lines` alone, which then goes; how Node ends is its last line on stderr: `exit CODE`. */
export function startNodeForHead(lines: number, args: readonly string[]): Program {
  const pipe = `{ "$0" "$@"; echo "exit $?" >&2; } | head -n ${lines}`;
  const env = { ...process.env, TIDEMARK_NATS: "", NO_COLOR: "1" };
  const all = ["-c", pipe, process.execPath, ...args];
  return watch(spawn("/bin/sh", all, { cwd: root, env, stdio: ["ignore", "pipe", "pipe"] }));
}

/** Starts the command `tidemark` with `args`. */
export function startTidemark(args: readonly string[], environment: Readonly<Record<string, string>> = {}): Program {
  return startNode(["framework/cli/tidemark.mjs", ...args], environment);
}

function watch(child: ChildProcess): Program {
  const stdout: string[] = [];
  const stderr: string[] = [];
  let sinceMs = performance.now();
  if (child.stdout !== null) createInterface({ input: child.stdout }).on("line", (line) => stdout.push(line));
  if (child.stderr !== null) createInterface({ input: child.stderr }).on("line", (line) => stderr.push(line));
  const closed = once(child, "close");
  let hasClosed = false;
  void closed.then(() => (hasClosed = true));
  const all = () => `stdout:\n${stdout.slice(-30).join("\n")}\nstderr:\n${stderr.slice(-30).join("\n")}`;
  onTestFinished(async () => {
    child.kill("SIGKILL");
    await closed;
  });
  return {
    processId: child.pid ?? 0,
    stdout,
    stderr,
    async prints(pattern) {
      const find = () => stdout.find((line) => pattern.test(line)) ?? stderr.find((line) => pattern.test(line));
      await until(`${pattern} printed`, () => find() !== undefined || hasClosed, limitMsMax).catch((error: unknown) => {
        throw new Error(`${String(error)}\n${all()}`);
      });
      const line = find();
      if (line === undefined)
        throw new Error(`it ended (${child.exitCode ?? child.signalCode}) without ${pattern}\n${all()}`);
      return line;
    },
    send(signal) {
      sinceMs = performance.now();
      child.kill(signal);
    },
    async ended(limitMs = limitMsMax) {
      await until("the process has ended", () => hasClosed, limitMs).catch((error: unknown) => {
        throw new Error(`${String(error)}\n${all()}`);
      });
      return { code: child.exitCode, signal: child.signalCode, ms: performance.now() - sinceMs };
    },
  };
}
