/**
 * Shows that the tests would notice: `npm run mutants -- [NAME …] [--json]`.
 *
 * Each mutant is the production code with one thing wrong, put into a copy of the tree; the tests named with it must then fail. Prints what was
 * caught and what survived, and ends with 1 when something survived, or when a mutant's text is no longer in the source. Nothing here touches the
 * working tree.
 */
import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { StreamError } from "../errors.ts";
import { exitWith, readCommandLine } from "./command-line.ts";
import { callMutants } from "./mutants/calls.ts";
import { eventTimeMutants } from "./mutants/event-time.ts";
import { exchangeMutants } from "./mutants/exchange.ts";
import { fleetMutants } from "./mutants/fleet.ts";
import { inputMutants } from "./mutants/inputs.ts";
import { jetstreamMutants } from "./mutants/jetstream.ts";
import type { Mutant } from "./mutants/mutant.ts";
import { patched } from "./mutants/patch.ts";
import { loopMutants } from "./mutants/loops.ts";
import { poisonMutants } from "./mutants/poison.ts";
import { progressMutants } from "./mutants/progress.ts";
import { recoveryMutants } from "./mutants/recovery.ts";
import { restoreMutants } from "./mutants/restores.ts";
import { savepointMutants } from "./mutants/savepoints.ts";

const mutants: readonly Mutant[] = [
  ...exchangeMutants,
  ...recoveryMutants,
  ...progressMutants,
  ...jetstreamMutants,
  ...callMutants,
  ...poisonMutants,
  ...fleetMutants,
  ...inputMutants,
  ...eventTimeMutants,
  ...loopMutants,
  ...savepointMutants,
  ...restoreMutants,
];

type Fate = "caught" | "SURVIVED" | "STALE";

const root = resolve(import.meta.dirname, "../..");
const testMsMax = 180_000;

/** A copy of the tree whose dependencies are those of the original. */
function copyTree(): string {
  const copy = mkdtempSync(join(tmpdir(), "tidemark-mutants-"));
  const ignored = new Set(["node_modules", ".git", ".tidemark"]);
  for (const name of readdirSync(root)) {
    if (!ignored.has(name))
      cpSync(join(root, name), join(copy, name), {
        recursive: true,
        filter: (from) => !from.endsWith("/node_modules"),
      });
  }
  mkdirSync(join(copy, "node_modules"));
  for (const name of readdirSync(join(root, "node_modules"))) {
    const target = name === "tidemark" ? join(copy, "framework") : join(root, "node_modules", name);
    symlinkSync(target, join(copy, "node_modules", name));
  }
  return copy;
}

/** Whether the tests fail with the mutant. */
function tryMutant(copy: string, mutant: Mutant): Fate {
  const { file, tests } = mutant;
  const path = join(copy, "framework", file);
  const source = readFileSync(path, "utf8");
  const changed = patched(source, mutant);
  if (changed === undefined) return "STALE";
  writeFileSync(path, changed);
  try {
    return passes(copy, tests) ? "SURVIVED" : "caught";
  } finally {
    writeFileSync(path, source);
  }
}

function passes(copy: string, tests: readonly string[]): boolean {
  const vitest = join(root, "node_modules/vitest/vitest.mjs");
  const files = tests.map((test) => join("test", test));
  const flags = ["run", "--bail=1", "--typecheck.enabled=false", "--reporter=dot", ...files];
  const { status } = spawnSync(process.execPath, [vitest, ...flags], {
    cwd: copy,
    timeout: testMsMax,
    stdio: "ignore",
  });
  return status === 0;
}

const { values: flags, positionals } = readCommandLine({
  command: "npm run mutants",
  operands: "[NAME …]",
  about:
    "The protocol with one thing wrong at a time: which test notices. NAME: a part of a mutant's name, or of its file's.",
  flags: { json: { type: "boolean", default: false, help: "one JSON object" } },
});

await exitWith(() => {
  const chosen = mutants.filter(
    ({ name, file }) => positionals.length === 0 || positionals.some((part) => `${name} ${file}`.includes(part)),
  );
  if (chosen.length === 0) throw new StreamError("OPTION_INVALID", `no mutant is called ${positionals.join(", ")}`);
  const copy = copyTree();
  try {
    return tryAll(copy, chosen);
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
});

/** Answers the exit code. */
function tryAll(copy: string, chosen: readonly Mutant[]): number {
  const fates: { readonly mutant: string; readonly file: string; readonly fate: Fate }[] = [];
  const all = [...new Set(chosen.flatMap(({ tests }) => tests))];
  if (!passes(copy, all)) {
    process.stderr.write(`the tests fail without any mutant: ${all.join(", ")}\n`);
    return 2;
  }
  for (const mutant of chosen) {
    const fate = tryMutant(copy, mutant);
    fates.push({ mutant: mutant.name, file: mutant.file, fate });
    if (!flags.json) process.stdout.write(`${fate.padEnd(9)} ${mutant.name.padEnd(52)} ${mutant.file}\n`);
  }
  const count = (fate: Fate) => fates.filter((each) => each.fate === fate).length;
  const totals = { caught: count("caught"), survived: count("SURVIVED"), stale: count("STALE") };
  process.stdout.write(
    flags.json
      ? `${JSON.stringify({ ...totals, mutants: fates })}\n`
      : `${totals.caught} caught, ${totals.survived} survived, ${totals.stale} stale\n`,
  );
  return totals.survived + totals.stale > 0 ? 1 : 0;
}
