/**
 * One worker process, as the measuring process sees it.
 *
 * Owns the child, what it has said of itself (its id in the job), and its end. It never outlives the measuring process: its channel ends with that.
 */
import { fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { Command, Said, Usage, WorkerOrder } from "./messages.ts";

const program = fileURLToPath(new URL("../recovery-worker.ts", import.meta.url));
const memoryMiB = 512;
/**
 * The young generation has its size from the beginning, and keeps it: left alone it doubles minutes apart, however little is alive in it, and every page that it has
 * touched once stays with the process. In a soak of 13 minutes that was all that grew: 30 MB at first, 54 after a minute, 94 at the end, of 181 and 261 MB in all.
 */
const youngMiB = 16;

/** Whom a worker process tells. */
export type Listener = (worker: WorkerProcess, said: Said) => void;

/** A worker process. */
export class WorkerProcess {
  readonly ready: Promise<void>;
  readonly ended: Promise<void>;
  /** Its id in the job; undefined until it has said something there. */
  id: string | undefined;
  #isAlive = true;
  #onUsage: ((usage: Usage) => void) | undefined;
  readonly #child: ChildProcess;

  constructor(order: WorkerOrder, listen: Listener) {
    this.#child = fork(program, [JSON.stringify(order)], {
      execArgv: [
        `--max-old-space-size=${memoryMiB}`,
        `--min-semi-space-size=${youngMiB}`,
        `--max-semi-space-size=${youngMiB}`,
        "--expose-gc",
      ],
      stdio: ["ignore", "ignore", "inherit", "ipc"],
    });
    const { promise, resolve } = Promise.withResolvers<void>();
    this.ready = promise;
    this.#child.on("message", (said: Said) => {
      if (said.kind === "ready") resolve();
      else if (said.kind === "usage") this.#onUsage?.(said.usage);
      else {
        if (said.kind === "line") this.#learn(said.fields["worker"]);
        listen(this, said);
      }
    });
    this.ended = once(this.#child, "exit").then(() => {
      this.#isAlive = false;
      resolve();
    });
  }

  get isAlive(): boolean {
    return this.#isAlive;
  }

  get processId(): number {
    return this.#child.pid ?? -1;
  }

  /** How it ended; undefined while it has not. */
  get exitCode(): number | NodeJS.Signals | undefined {
    return this.#child.signalCode ?? this.#child.exitCode ?? undefined;
  }

  tell(command: Command): void {
    if (this.#isAlive && this.#child.connected) this.#child.send(command, () => undefined);
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** What it uses; undefined when it ends, or is too busy to say so within 2 s. */
  async usage(): Promise<Usage | undefined> {
    const { promise, resolve } = Promise.withResolvers<Usage | undefined>();
    this.#onUsage = resolve;
    this.tell({ kind: "usage" });
    const late = setTimeout(() => resolve(undefined), 2_000);
    void this.ended.then(() => resolve(undefined));
    const usage = await promise;
    clearTimeout(late);
    return usage;
  }

  #learn(id: unknown): void {
    if (typeof id === "string") this.id = id;
  }
}
