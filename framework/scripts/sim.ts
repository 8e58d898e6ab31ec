/**
 * Simulates the runtime: `npm run sim -- [--seeds N] [--from S] [--seed S] [--mix NAME] [--workload NAME] [--without KIND,…] [--trace] [--shrink] [--jobs N] [--coverage [--gate]] [--json]`.
 *
 * A seed is a job on the production runtime with a workload, faults and an order of tasks that are all drawn from it (`testing/simulation/`). Ends with 1
 * when a seed has failed, or (`--gate`) when a fault has never struck in a state in which it could; each failed one is printed with the command that replays it.
 */
import { StreamError } from "../errors.ts";
import type { Verdict } from "../testing/simulation/contract.ts";
import { allFaults, type FaultKind } from "../testing/simulation/faults.ts";
import { mixes, mixOf } from "../testing/simulation/mixes.ts";
import { shrink } from "../testing/simulation/shrink.ts";
import { simulate } from "../testing/simulation/simulate.ts";
import { mixFor, replayCommand, type TallyRecord } from "../testing/simulation/tally.ts";
import { exitWith, readCommandLine, wholeNumber } from "./command-line.ts";
import { coverageText, uncovered } from "./sim/coverage-table.ts";
import { runShared } from "./sim/jobs.ts";

const { values: flags } = readCommandLine({
  command: "npm run sim",
  about: "Simulates the runtime: jobs, faults and orders of tasks that are drawn from seeds.",
  flags: {
    seeds: { type: "string", default: "1000", takes: "N", help: "how many" },
    from: { type: "string", default: "1", takes: "S", help: "the first one" },
    seed: { type: "string", takes: "S", help: "this one alone" },
    mix: {
      type: "string",
      takes: "NAME",
      help: `of faults: ${mixes.map(({ name }) => name).join(", ")} (else by seed)`,
    },
    workload: { type: "string", takes: "NAME", help: "with --seed: this job, not the one that the seed draws" },
    without: { type: "string", takes: "KIND,…", help: "with --seed: without these faults" },
    jobs: { type: "string", default: "1", takes: "N", help: "so many processes" },
    trace: { type: "boolean", default: false, help: "with --seed: every step" },
    shrink: {
      type: "boolean",
      default: false,
      help: "look for the fewest kinds of faults with which a seed still fails",
    },
    coverage: { type: "boolean", default: false, help: "which faults have struck in which states" },
    gate: { type: "boolean", default: false, help: "fail when a fault has never struck where it could" },
    json: { type: "boolean", default: false, help: "one JSON object" },
  },
});

function checkMix(name: string | undefined): string | undefined {
  if (name === undefined || mixOf(name) !== undefined) return name;
  throw new StreamError(
    "OPTION_INVALID",
    `--mix is ${name}; it takes one of ${mixes.map((mix) => mix.name).join(", ")}`,
  );
}

function kinds(text: string | undefined): ReadonlySet<FaultKind> {
  const names = (text ?? "").split(",").filter((name) => name !== "");
  const unknown = names.filter((name) => !allFaults.some((kind) => kind === name));
  if (unknown.length > 0)
    throw new StreamError("OPTION_INVALID", `--without: no fault is called ${unknown.join(", ")}`);
  return new Set(names as FaultKind[]);
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

function show(verdict: Verdict): void {
  const { seed, mix, workload, ending, steps, virtualMs, hash } = verdict;
  say(`seed ${seed} ${mix} ${workload}: ${ending}, ${steps} steps, ${virtualMs} ms, hash ${hash}`);
  for (const { oracle, what } of verdict.violations) say(`  ${oracle} ${what}`);
}

async function showFailed(verdict: Verdict): Promise<void> {
  show(verdict);
  say(`  replay: ${replayCommand(verdict)}`);
  if (!flags.shrink) return;
  const { verdict: shrunk, without } = await shrink(verdict);
  say(`  fails with ${Object.keys(shrunk.faults).join(", ") || "no fault at all"}:`);
  say(`  ${replayCommand(verdict)} --without ${[...without].join(",")}`);
}

async function one(seed: number, mix: string): Promise<boolean> {
  const verdict = await simulate(seed, mix, {
    onTrace: flags.trace ? say : undefined,
    workload: flags.workload,
    without: kinds(flags.without),
  });
  if (flags.json) say(JSON.stringify(verdict));
  else if (verdict.violations.length > 0) await showFailed(verdict);
  else show(verdict);
  return verdict.violations.length === 0;
}

async function many(count: number): Promise<boolean> {
  const sinceMs = performance.now();
  const range = { from: wholeNumber("from", flags.from, 0), count, mix: checkMix(flags.mix) };
  const jobs = wholeNumber("jobs", flags.jobs, 1);
  const tally = await runShared({ ...range, twiceEvery: 100 }, jobs, (failed) => {
    if (!flags.json) say(`FAILED seed ${failed.seed} ${failed.mix}: ${failed.violations[0]?.oracle}`);
  });
  const seconds = (performance.now() - sinceMs) / 1_000;
  if (flags.json) say(JSON.stringify({ ...tally, seconds }));
  else await summarise(tally, seconds);
  const missing = flags.gate ? uncovered(tally.coverage) : [];
  if (missing.length > 0) process.stderr.write(`never: ${missing.join(", ")}\n`);
  return tally.failed.length === 0 && missing.length === 0;
}

async function summarise(tally: TallyRecord, seconds: number): Promise<void> {
  for (const verdict of tally.failed) await showFailed(verdict);
  if (flags.coverage) say(coverageText(tally.coverage));
  const { seeds, steps, failed } = tally;
  const rate = (seeds / seconds).toFixed(1);
  say(`${seeds} seeds, ${failed.length} failed; ${rate} seeds/s, ${Math.round(steps / seeds)} steps each`);
}

await exitWith(async () => {
  const isFine =
    flags.seed === undefined
      ? await many(wholeNumber("seeds", flags.seeds, 1))
      : await one(wholeNumber("seed", flags.seed, 0), checkMix(flags.mix) ?? mixFor(Number(flags.seed)));
  return isFine ? 0 : 1;
});
