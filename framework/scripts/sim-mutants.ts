/**
 * Shows that the simulator would notice: `npm run sim:mutants -- [NAME …] [--seeds N] [--jobs N] [--table] [--json]`.
 *
 * Each mutant is the production code with one thing wrong, put in when its module is loaded, in a process of its own; the working tree is not touched, and
 * nothing in the hot path asks for it. Seeds of the mixes that favour it, and of the swarm, are run until one fails. Prints the mix and the seed that caught
 * it, after how many seeds, and by which oracle; ends with 1 when a mutant survived, or when its text is no longer in the source.
 */
import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { StreamError } from "../errors.ts";
import { exitWith, readCommandLine, wholeNumber } from "./command-line.ts";
import type { MutantMessage, MutantOrder } from "./sim/mutant-process.ts";
import { simMutants } from "./sim/mutants.ts";
import type { SimMutant } from "./sim/sim-mutant.ts";

/** A seed that takes longer than this does not end: the mutant loops for ever. */
const seedMsMax = 60_000;

interface Fate {
  readonly mutant: SimMutant;
  readonly fate: "caught" | "SURVIVED" | "STALE";
  readonly mix: string;
  readonly seed: number;
  readonly seeds: number;
  readonly by: string;
  readonly what: string;
}

const { values: flags, positionals } = readCommandLine({
  command: "npm run sim:mutants",
  operands: "[NAME …]",
  about:
    "The protocol with one thing wrong at a time, in the simulator: which seed notices. NAME: a part of a mutant's name, rule or file.",
  flags: {
    seeds: { type: "string", default: "5000", takes: "N", help: "seeds at most, for each" },
    jobs: { type: "string", default: "2", takes: "N", help: "so many processes" },
    table: { type: "boolean", default: false, help: "as a table for docs/proof.md" },
    json: { type: "boolean", default: false, help: "one JSON object" },
  },
});

/** Seeds that fail without any mutant: nothing is proven by them. */
const failing = new Set<string>();

/** Runs one mutant until a seed fails that does not fail without it. */
async function tryMutant(mutant: SimMutant, seeds: number): Promise<Fate> {
  const { file, from, to } = mutant;
  const mixes = [...new Set([...mutant.mixes, "swarm"])];
  for (;;) {
    const order = { file, patch: { from, to }, mixes, seeds, from: 1, without: [...failing] };
    const fate = { mutant, ...(await runProcess(order)) };
    if (fate.fate !== "caught") return fate;
    const { mix, seed } = fate;
    const sound = await runProcess({ ...order, patch: undefined, mixes: [mix], seeds: 1, from: seed, without: [] });
    if (sound.fate !== "caught") return fate;
    failing.add(`${mix} ${seed}`);
    process.stderr.write(`${mix} ${seed} fails without any mutant: ${sound.by} ${sound.what}\n`);
  }
}

function runProcess(order: MutantOrder): Promise<Omit<Fate, "mutant">> {
  const program = fileURLToPath(new URL("sim/mutant-process.ts", import.meta.url));
  const child = fork(program, [JSON.stringify(order)], { stdio: ["ignore", "ignore", "ignore", "ipc"] });
  const none = { mix: "", seed: 0, seeds: 0, by: "", what: "" };
  return new Promise((resolve) => {
    let running = { mix: "", seed: 0 };
    let count = 0;
    let last: MutantMessage | undefined;
    let timer = setTimeout(() => child.kill("SIGKILL"), seedMsMax);
    child.on("message", (message: MutantMessage) => {
      if (message.kind !== "seed") return void (last = message);
      running = message;
      count += 1;
      clearTimeout(timer);
      timer = setTimeout(() => child.kill("SIGKILL"), seedMsMax);
    });
    child.on("exit", () => {
      clearTimeout(timer);
      if (last?.kind === "stale") resolve({ ...none, fate: "STALE" });
      else if (last?.kind === "survived") resolve({ ...none, fate: "SURVIVED", seeds: last.seeds });
      else if (last?.kind === "caught") {
        const { mix, seed, seeds, by, what } = last;
        resolve({ fate: "caught", mix, seed, seeds, by, what });
      }
      // It was killed, or has died: nothing of it came to an end.
      else
        resolve({ fate: "caught", mix: running.mix, seed: running.seed, seeds: count, by: "O8", what: "does not end" });
    });
  });
}

async function tryAll(chosen: readonly SimMutant[], jobs: number, seeds: number): Promise<readonly Fate[]> {
  const fates: Fate[] = [];
  const left = [...chosen];
  const work = async (): Promise<void> => {
    for (let mutant = left.shift(); mutant !== undefined; mutant = left.shift()) {
      const fate = await tryMutant(mutant, seeds);
      fates.push(fate);
      if (!flags.json && !flags.table) process.stdout.write(`${lineOf(fate)}\n`);
    }
  };
  await Promise.all(Array.from({ length: jobs }, work));
  return fates.toSorted((a, b) => chosen.indexOf(a.mutant) - chosen.indexOf(b.mutant));
}

function lineOf({ mutant, fate, mix, seed, seeds, by, what }: Fate): string {
  const how = fate === "caught" ? `${by} at ${mix} ${seed}, after ${seeds}: ${what.slice(0, 90)}` : `${seeds} seeds`;
  return `${fate.padEnd(9)} ${mutant.group.padEnd(10)} ${mutant.name.padEnd(48)} ${how}`;
}

/** For `docs/proof.md`. */
function tableOf(fates: readonly Fate[]): string {
  const rows = fates.map(({ mutant, fate, mix, seed, seeds, by }) => {
    const how = fate === "caught" ? `${mix} ${seed} | ${seeds} | ${by}` : `- | ${seeds} | ${fate}`;
    return `| ${mutant.group} | ${mutant.name} | ${how} |`;
  });
  return ["| rule | mutant | mix and seed | seeds run | caught by |", "| --- | --- | --- | --- | --- |", ...rows].join(
    "\n",
  );
}

const chosen = simMutants.filter(
  ({ name, file, group }) =>
    positionals.length === 0 || positionals.some((part) => `${group} ${name} ${file}`.includes(part)),
);
await exitWith(async () => {
  if (chosen.length === 0) throw new StreamError("OPTION_INVALID", `no mutant is called ${positionals.join(", ")}`);
  const fates = await tryAll(chosen, wholeNumber("jobs", flags.jobs, 1), wholeNumber("seeds", flags.seeds, 1));
  const count = (fate: Fate["fate"]) => fates.filter((each) => each.fate === fate).length;
  const totals = { caught: count("caught"), survived: count("SURVIVED"), stale: count("STALE") };
  if (flags.table) process.stdout.write(`${tableOf(fates)}\n`);
  if (flags.json) {
    const all = fates.map(({ mutant: { name, file, group }, ...fate }) => ({ name, file, group, ...fate }));
    process.stdout.write(`${JSON.stringify({ ...totals, mutants: all })}\n`);
  } else process.stdout.write(`${totals.caught} caught, ${totals.survived} survived, ${totals.stale} stale\n`);
  return totals.survived + totals.stale > 0 ? 1 : 0;
});
