/**
 * A worker process of a fleet, from within: what `start` and `run` do where a starter has started the process.
 *
 * Owns how the process listens to its starter and how it ends.
 *
 * B1. It leaves in good order when its starter says so, at SIGTERM, and when the starter is gone: nobody would replace it. A second SIGTERM ends it at
 *     once. SIGINT is the starter's business: a terminal sends it to both.
 * B2. What follows `start` in the program is the starter's alone: here the process ends instead.
 * B3. When the starter was killed, whoever is left ends the nats-server that it ran, after the time that all have to leave.
 */
import { StreamError, messageOf } from "../errors.ts";
import type { JobEnd, StartedJob, StartWorker } from "../job-handle.ts";
import type { Clock } from "../platform/platform.ts";
import type { FromWorker, Membership, ToWorker } from "./membership.ts";

const failedCode = 1;
const usageCode = 2;
const interruptedCode = 130;
/** All of a fleet have left by then, ms. */
const leaveMsMax = 9_000;

/** Is the worker until the process ends. */
export async function serve(membership: Membership, clock: Clock, startWorker: StartWorker): Promise<never> {
  const member = new Member(membership, clock);
  const end = await member.work(startWorker);
  await tell({ kind: "ended", end });
  return exit(end.state === "failed" ? failedCode : 0);
}

class Member {
  readonly #clock: Clock;
  readonly #index: number;
  #job: StartedJob | undefined;
  #serverProcessId: number | undefined;
  #terminations = 0;
  readonly #starterGone: Promise<void>;

  constructor({ server, index }: Membership, clock: Clock) {
    this.#clock = clock;
    this.#index = index;
    this.#serverProcessId = server?.processId;
    // Output into a pipe that the starter held is lost with it; that must not keep the rest from being released.
    for (const output of [process.stdout, process.stderr]) output.on("error", () => undefined);
    process.on("SIGINT", () => undefined);
    process.on("SIGTERM", () => this.#terminate());
    process.on("message", (message) => this.#hear(message as ToWorker));
    this.#starterGone = new Promise((resolve) => process.once("disconnect", resolve));
    void this.#starterGone.then(() => this.#leave());
  }

  async work(startWorker: StartWorker): Promise<JobEnd> {
    const events = {
      onEnd: () => undefined,
      onDeadLetter: () => undefined,
      onWorker: (worker: string) => void tell({ kind: "started", worker }),
    };
    const started = await startWorker(events, (job) => {
      this.#job = job;
    }).catch(refuse);
    if (started.metricsUrl !== undefined)
      process.stderr.write(`metrics and health of worker ${this.#index}: ${started.metricsUrl}\n`);
    void tell({ kind: "joined" });
    const end = await started.done;
    if (!process.connected) await this.#endServer();
    return end;
  }

  #hear(message: ToWorker): void {
    if (message.kind === "stop") this.#leave();
    else this.#serverProcessId = message.processId;
  }

  #terminate(): void {
    this.#terminations += 1;
    if (this.#terminations > 1) process.exit(interruptedCode);
    this.#leave();
  }

  #leave(): void {
    if (this.#job === undefined) process.exit(0);
    void this.#job.stop();
  }

  // B3
  async #endServer(): Promise<void> {
    if (this.#serverProcessId === undefined) return;
    await new Promise<void>((resolve) => this.#clock.schedule(leaveMsMax, resolve));
    try {
      process.kill(this.#serverProcessId, "SIGTERM");
    } catch {
      // Another worker was first.
    }
  }
}

async function refuse(error: unknown): Promise<never> {
  const code = StreamError.is(error) ? error.code : "UNAVAILABLE";
  if (process.connected) await tell({ kind: "refused", code, message: messageOf(error) });
  const isUsage = StreamError.is(error, "PLAN_INVALID") || StreamError.is(error, "OPTION_INVALID");
  return exit(isUsage ? usageCode : failedCode);
}

/** Resolves when the starter has it, or is gone. */
function tell(message: FromWorker): Promise<void> {
  return new Promise((resolve) => {
    if (process.send === undefined || !process.connected) resolve();
    else process.send(message, undefined, undefined, () => resolve());
  });
}

/** Ends the process when its output is out, whatever is still under way to a server that does not answer. */
async function exit(code: number): Promise<never> {
  await Promise.all(
    [process.stdout, process.stderr].map((output) => new Promise((resolve) => output.write("", resolve))),
  );
  return process.exit(code);
}
