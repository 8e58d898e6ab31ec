/**
 * Runs `examples/sensor-history.ts` as it is deployed, a process of its own, while something is killed.
 *
 * Owns the processes and the shots. What must be the same whatever is killed, it watches itself:
 *
 * H1. The output consists of whole lines, and of those that were there before plus new ones at its end. One that is being written, or whose writer was
 *     killed at it, is completed within 10 s.
 * H2. Every run comes to its end within its limit, or throws with what the program said last.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { messageOf } from "../errors.ts";
import type { NatsServer } from "../nats/server.ts";

/** What is run. */
export interface HistoryRun {
  readonly inputs: readonly string[];
  readonly out: string;
  /** Records per second in all, as long as there are shots left. @default as fast as they are taken */
  readonly rate?: number | undefined;
  /** @default embedded */
  readonly servers?: string | undefined;
  /** A fleet of so many worker processes. @default one process */
  readonly workers?: number | undefined;
  readonly limitMs: number;
}

/** When to shoot. */
export interface Shots {
  /** Time from the start of the process, or from the last shot, to the next one. */
  readonly everyMs: number;
  /** Shoots no earlier than the output has grown since the last shot, so that each life gets somewhere. @default false */
  readonly afterGrowth?: boolean | undefined;
  /** @default until the run has ended */
  readonly shotsMax?: number | undefined;
}

/** What a run was like. */
export interface HistoryResult {
  readonly kills: number;
  readonly seconds: number;
  /** Of the last life: the runs that were killed have none. */
  readonly exitCode: number | null;
  /** What all lives wrote on stderr, the last lines of it. */
  readonly said: readonly string[];
}

const program = fileURLToPath(new URL("../../examples/sensor-history.ts", import.meta.url));
const lookMs = 20;
const keptLines = 1_000;
/** Of those, how many are told of a run that is stuck. */
const lastLines = 80;
const completedMsMax = 10_000;

/** Runs it to its end. @throws when it takes too long, or the output breaks H1 */
export function runHistory(run: HistoryRun): Promise<HistoryResult> {
  return new UnderFire(run, Infinity).untilEnd(() => false);
}

/** Kills the process (SIGKILL) again and again and starts it again each time, until it has come to its end. */
export function runHistoryKilled(run: HistoryRun, shots: Shots): Promise<HistoryResult> {
  const underFire = new UnderFire(run, shots.shotsMax ?? Infinity);
  const isDue = trigger(underFire, shots);
  return underFire.untilEnd(() => {
    if (!isDue()) return false;
    underFire.killed();
    return true;
  });
}

/** Kills the server (SIGKILL) and starts it again each time; the process lives through it. */
export function runHistoryOverServerKills(run: HistoryRun, server: NatsServer, shots: Shots): Promise<HistoryResult> {
  return runHistoryOver(run, shots, async () => {
    await server.kill("SIGKILL");
    await server.restart();
    return true;
  });
}

/** Shoots at something else than the process, which lives through it; `shoot` answers whether it has hit, and is asked again where it has not. */
export function runHistoryOver(run: HistoryRun, shots: Shots, shoot: () => Promise<boolean>): Promise<HistoryResult> {
  const underFire = new UnderFire(run, shots.shotsMax ?? Infinity);
  const isDue = trigger(underFire, shots);
  return underFire.untilEnd(async () => {
    if (isDue() && (await shoot())) underFire.killed();
    return false;
  });
}

function trigger(underFire: UnderFire, { everyMs, afterGrowth = false }: Shots): () => boolean {
  return () => underFire.hasShots && underFire.msSinceShot >= everyMs && (!afterGrowth || underFire.hasGrownSinceShot);
}

class UnderFire {
  readonly #run: HistoryRun;
  readonly #shotsMax: number;
  readonly #said: string[] = [];
  /** What it said of its life, too, which is none of the result: for who is stuck. */
  readonly #life: string[] = [];
  readonly #startedMs: number = performance.now();
  #kills = 0;
  #shotMs = 0;
  #shotLength = 0;
  #seen = "";
  #wholeMs: number = performance.now();

  constructor(run: HistoryRun, shotsMax: number) {
    this.#run = run;
    this.#shotsMax = shotsMax;
  }

  get hasShots(): boolean {
    return this.#kills < this.#shotsMax;
  }

  get kills(): number {
    return this.#kills;
  }

  get msSinceShot(): number {
    return performance.now() - this.#shotMs;
  }

  get hasGrownSinceShot(): boolean {
    return this.#seen.length > this.#shotLength;
  }

  killed(): void {
    this.#kills += 1;
    this.#aimAgain();
  }

  /** `look` is called again and again while the process lives; whatever answers true ends that life. */
  async untilEnd(look: () => boolean | Promise<boolean>): Promise<HistoryResult> {
    for (;;) {
      const child = this.#start();
      const ended = once(child, "close");
      this.#aimAgain();
      const isShot = await this.#live(child, look);
      if (isShot) child.kill("SIGKILL");
      await ended;
      const isOver = child.signalCode !== "SIGKILL" || !isShot;
      this.#watch(isOver);
      if (!isOver) continue;
      const seconds = (performance.now() - this.#startedMs) / 1_000;
      return { kills: this.#kills, seconds, exitCode: child.exitCode, said: this.#said };
    }
  }

  async #live(child: ChildProcess, look: () => boolean | Promise<boolean>): Promise<boolean> {
    try {
      while (child.exitCode === null && child.signalCode === null) {
        this.#watch();
        if (performance.now() - this.#startedMs > this.#run.limitMs) throw new Error(this.#stuck());
        if (await look()) return child.exitCode === null;
        await new Promise((resolve) => setTimeout(resolve, lookMs));
      }
      return false;
    } catch (error) {
      child.kill("SIGKILL");
      throw error;
    }
  }

  #start(): ChildProcess {
    const { inputs, out, rate, servers, workers } = this.#run;
    const flags = [
      ...inputs.flatMap((input) => ["--input", input]),
      "--out",
      out,
      ...(rate === undefined || !this.hasShots ? [] : ["--rate", String(rate)]),
      ...(servers === undefined ? [] : ["--nats", servers]),
      ...(workers === undefined ? [] : ["--workers", String(workers)]),
    ];
    const level = servers === undefined ? "warn" : "info";
    const child = spawn(process.execPath, [program, ...flags], {
      stdio: ["ignore", "ignore", "pipe"],
      env: { ...process.env, TIDEMARK_LOG: level },
    });
    if (child.stderr !== null) createInterface({ input: child.stderr }).on("line", (line) => this.#say(line));
    return child;
  }

  #say(line: string): void {
    for (const lines of line.includes(`"level":"info"`) ? [this.#life] : [this.#life, this.#said]) {
      lines.push(line);
      if (lines.length > keptLines) lines.shift();
    }
  }

  #aimAgain(): void {
    this.#shotMs = performance.now();
    this.#shotLength = this.#seen.length;
  }

  // H1
  #watch(isLast = false): void {
    const { out } = this.#run;
    const now = existsSync(out) ? readFileSync(out, "latin1") : "";
    const whole = now.slice(0, now.lastIndexOf("\n") + 1);
    if (whole.length === now.length) this.#wholeMs = performance.now();
    else if (isLast || performance.now() - this.#wholeMs > completedMsMax)
      throw new Error(`${out} ends within a line: ${lastLine(now)}`);
    if (!whole.startsWith(this.#seen)) throw new Error(`${out} had ${this.#seen.length} bytes; they have changed`);
    this.#seen = whole;
  }

  #stuck(): string {
    const { limitMs, out } = this.#run;
    const last = this.#life.slice(-lastLines).join("\n") || "nothing";
    return `not through within ${limitMs} ms: ${out} has ${this.#seen.length} bytes after ${this.#kills} kills; it said last:\n${last}`;
  }
}

function lastLine(text: string): string {
  return text.slice(text.lastIndexOf("\n") + 1);
}

/** The lines of a file in an order that does not depend on how they came. @throws when there is no such file */
export function sortedLines(path: string): readonly string[] {
  return readFileSync(path, "utf8").split("\n").filter(Boolean).toSorted();
}

/** A run that cannot be had is a result too: what went wrong, in one line. */
export function reasonOf(error: unknown): string {
  return messageOf(error).split("\n", 1)[0] ?? "";
}
