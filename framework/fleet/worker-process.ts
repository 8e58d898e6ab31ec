/**
 * One worker process of a fleet, from its start to its end.
 *
 * Owns the child process, its channel and its output.
 *
 * W1. `onExit` is told as soon as the process is gone; `onClosed` when everything it said has been heard and forwarded, too.
 * W2. On a terminal its output goes there by itself; into a pipe or file it goes through the starter, line by line.
 */
import { homedir } from "node:os";
import { join } from "node:path";
import { type ChildProcess, spawn } from "node:child_process";
import type { Readable } from "node:stream";
import type { Clock } from "../platform/platform.ts";
import type { LineOutlet, LineSource } from "./line-outlet.ts";
import { environmentOf, type FromWorker, type Membership, type ToWorker } from "./membership.ts";

/** How a process ended. */
export interface ProcessEnding {
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** Whom a process tells. */
export interface ProcessEars {
  onSaid(message: FromWorker): void;
  onExit(): void;
  /** Once, last of all; `error` when it could not be started at all. */
  onClosed(ending: ProcessEnding, error?: Error): void;
}

/** A process, living or dead. */
export interface WorkerProcess {
  /** Lost when the process does not listen any more. */
  tell(message: ToWorker): void;
  /** Harmless when it has ended. */
  kill(signal: NodeJS.Signals): void;
}

/** What worker processes of one fleet have in common. */
export interface ProcessWorld {
  readonly clock: Clock;
  /** The program and its arguments. */
  readonly command: readonly string[];
  /** Where their lines go; undefined: inherited. */
  readonly stdout: LineOutlet | undefined;
  readonly stderr: LineOutlet | undefined;
}

/**
 * Where Node keeps what it has made of source files, unless the environment says otherwise: a worker that is started again is there sooner. The user's own
 * directory, as in `cli/tidemark.mjs`: in one that others may write to, their code could be found.
 */
const compileCache = join(homedir(), ".cache", "tidemark", "compiled");

/** Output that children of a dead worker hold open is waited for no longer than this. */
const outputMsMax = 1_000;

/** Starts a process as the worker that `membership` says. */
export function startWorkerProcess(world: ProcessWorld, membership: Membership, ears: ProcessEars): WorkerProcess {
  const { command, stdout, stderr } = world;
  const [program = process.execPath, ...rest] = command;
  const child = spawn(program, rest, {
    stdio: ["ignore", stdout === undefined ? "inherit" : "pipe", stderr === undefined ? "inherit" : "pipe", "ipc"],
    env: { NODE_COMPILE_CACHE: compileCache, ...environmentOf(membership, process.env) },
  });
  const sources = [forwarded(stdout, child.stdout), forwarded(stderr, child.stderr)];
  child.on("message", (message) => ears.onSaid(message as FromWorker));
  listenForEnd(world.clock, child, ears, sources);
  return {
    tell: (message) => {
      if (child.connected) child.send(message, () => undefined);
    },
    kill: (signal) => void child.kill(signal),
  };
}

/** The command line of this process, without what only one process can have. */
export function ownCommand(): readonly string[] {
  const execArguments = process.execArgv.filter((argument) => !argument.startsWith("--inspect"));
  return [process.execPath, ...execArguments, ...process.argv.slice(1)];
}

function forwarded(outlet: LineOutlet | undefined, from: Readable | null): LineSource | undefined {
  return outlet === undefined || from === null ? undefined : outlet.add(from);
}

function listenForEnd(
  clock: Clock,
  child: ChildProcess,
  ears: ProcessEars,
  sources: readonly (LineSource | undefined)[],
): void {
  let isOver = false;
  const over = (ending: ProcessEnding, error?: Error): void => {
    if (isOver) return;
    isOver = true;
    for (const source of sources) source?.end(ending.signal === null);
    ears.onClosed(ending, error);
  };
  child.once("error", (error) => {
    if (child.pid === undefined) over({ exitCode: null, signal: null }, error);
  });
  child.once("exit", () => {
    ears.onExit();
    const cut = () => {
      child.stdout?.destroy();
      child.stderr?.destroy();
    };
    clock.schedule(outputMsMax, cut, { background: true });
  });
  child.once("close", (exitCode, signal) => {
    const heard = () => over({ exitCode, signal });
    if (child.connected) child.once("disconnect", heard);
    else heard();
  });
}
