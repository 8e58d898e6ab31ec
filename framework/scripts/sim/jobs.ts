/**
 * A range of seeds, shared among several processes: each takes every n-th seed and answers what its own came to.
 *
 * SJ1. No process outlives the call: not when another one has died, nor when whoever asked gives up, nor when this process ends, however it does.
 */
import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { Verdict } from "../../testing/simulation/contract.ts";
import { runSeeds, Tally, type SeedRange, type TallyRecord } from "../../testing/simulation/tally.ts";

/** A range of seeds, and the time for it. */
export interface SeedOrder extends SeedRange {
  /** No seed is begun after so long, ms. @default all are */
  readonly boxMs?: number | undefined;
}

/** Runs the seeds of an order here. */
export function runOrder(order: SeedOrder, onFailed: (verdict: Verdict) => void): Promise<TallyRecord> {
  const untilMs = performance.now() + (order.boxMs ?? Infinity);
  const tell = (verdict: Verdict) => {
    if (verdict.violations.length > 0) onFailed(verdict);
  };
  return runSeeds(order, tell, () => performance.now() < untilMs);
}

/** What a process that runs seeds says. */
export type SeedMessage =
  | { readonly kind: "failed"; readonly verdict: Verdict }
  | { readonly kind: "done"; readonly tally: TallyRecord };

/** Runs the seeds on `jobs` processes; `onFailed` is told at once of each that fails. @throws when one of the processes dies, or `signal` is aborted */
export async function runShared(
  range: SeedOrder,
  jobs: number,
  onFailed: (verdict: Verdict) => void,
  signal?: AbortSignal,
): Promise<TallyRecord> {
  if (jobs === 1) return runOrder(range, onFailed);
  const tally = new Tally();
  const parts = Array.from({ length: jobs }, (_, index) => ({
    ...range,
    from: range.from + index,
    count: Math.ceil((range.count - index) / jobs),
    stride: jobs,
  }));
  const end = new AbortController();
  const isOver = AbortSignal.any([end.signal, ...(signal === undefined ? [] : [signal])]);
  try {
    await Promise.all(parts.map(async (part) => tally.merge(await runElsewhere(part, onFailed, isOver))));
  } finally {
    end.abort();
  }
  return tally.record;
}

function runElsewhere(
  range: SeedOrder,
  onFailed: (verdict: Verdict) => void,
  signal: AbortSignal,
): Promise<TallyRecord> {
  const program = fileURLToPath(new URL("seed-process.ts", import.meta.url));
  return new Promise((resolve, reject) => {
    const child = fork(program, [JSON.stringify(range)], { signal, killSignal: "SIGKILL" });
    const kill = () => void child.kill("SIGKILL");
    process.once("exit", kill);
    child.once("exit", () => process.off("exit", kill));
    let tally: TallyRecord | undefined;
    child.on("message", (message: SeedMessage) => {
      if (message.kind === "failed") onFailed(message.verdict);
      else tally = message.tally;
    });
    child.on("error", reject);
    child.on("exit", (code, killedBy) => {
      if (tally !== undefined) resolve(tally);
      else reject(new Error(`a process that ran seeds ${JSON.stringify(range)} has ended: ${code ?? killedBy}`));
    });
  });
}
