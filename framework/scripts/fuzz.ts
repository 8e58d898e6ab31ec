/**
 * Feeds decoders and parsers with broken input: `npm run fuzz -- [TARGET …] [--seconds N] [--seed S] [--save]`.
 *
 * Each target has N seconds (default 60). Inputs that lead to code that no earlier one has reached join the corpus, for this run and, with `--save`, in
 * `test/fuzz/corpus/`. What breaks a rule (`fuzz/target.ts`) is printed, saved there in any case, and ends the run with 1.
 */
import { createHash } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { StreamError } from "../errors.ts";
import { seededRandom } from "../platform/random.ts";
import { exitWith, positiveNumber, readCommandLine } from "./command-line.ts";
import { readCorpus, folderOf } from "./fuzz/corpus.ts";
import { CodeCoverage } from "./fuzz/coverage.ts";
import { fuzz, tryInput } from "./fuzz/run.ts";
import type { FuzzTarget } from "./fuzz/target.ts";
import { fuzzTargets } from "./fuzz/targets.ts";

const batch = 32;

const { values: flags, positionals } = readCommandLine({
  command: "npm run fuzz",
  operands: "[TARGET …]",
  about: `Feeds decoders and parsers with broken input: ${fuzzTargets.map(({ name }) => name).join(", ")}.`,
  flags: {
    seconds: { type: "string", default: "60", takes: "N", help: "for each target" },
    seed: { type: "string", default: "1", takes: "S", help: "what the input is drawn from" },
    save: { type: "boolean", default: false, help: "keep what led somewhere new in test/fuzz/corpus/" },
  },
});

function save(target: FuzzTarget, input: Uint8Array): void {
  const folder = resolve(import.meta.dirname, "../..", folderOf(target));
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, createHash("sha256").update(input).digest("hex").slice(0, 16)), input);
}

/** Fuzzes one target for `seconds`; answers whether it held. */
async function run(target: FuzzTarget, seconds: number): Promise<boolean> {
  const random = seededRandom(`${target.name} ${flags.seed}`);
  const corpus = [...target.samples, ...readCorpus(target)];
  const began = corpus.length;
  const coverage = new CodeCoverage();
  await coverage.start();
  for (const input of corpus) tryInput(target, input);
  await coverage.isNew();
  let inputs = 0;
  for (const untilMs = performance.now() + seconds * 1_000; performance.now() < untilMs; inputs += batch) {
    const tried: Uint8Array[] = [];
    const finding = fuzz(target, corpus, random, batch, (input) => tried.push(input));
    if (finding !== undefined) {
      save(target, finding.input);
      process.stdout.write(`${target.name}: ${finding.what}\n  ${Buffer.from(finding.input).toString("hex")}\n`);
      await coverage.stop();
      return false;
    }
    // Which of them it was does not matter before the end: there are few such batches.
    if (await coverage.isNew()) corpus.push(...tried);
  }
  const kept = await coverage.fewest(corpus, (input) => void tryInput(target, input));
  await coverage.stop();
  if (flags.save) for (const input of kept.filter((each) => corpus.indexOf(each) >= began)) save(target, input);
  process.stdout.write(
    `${target.name}: ${inputs} inputs; ${kept.length} of them, and of the corpus before, reach all that was reached\n`,
  );
  return true;
}

await exitWith(async () => {
  const seconds = positiveNumber("seconds", flags.seconds);
  const unknown = positionals.find((name) => !fuzzTargets.some((target) => target.name === name));
  if (unknown !== undefined) throw new StreamError("OPTION_INVALID", `no target is called ${unknown}`);
  let isFine = true;
  for (const target of fuzzTargets)
    if (positionals.length === 0 || positionals.includes(target.name)) isFine = (await run(target, seconds)) && isFine;
  return isFine ? 0 : 1;
});
