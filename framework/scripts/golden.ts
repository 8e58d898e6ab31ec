/**
 * Runs golden cases: `npm run golden -- FILE|FOLDER … [--only TEXT] [--crashed] [--json]`.
 *
 * A case is a program, an input, and what another engine answered at each entry of it (`golden/format.ts`). Each becomes a program of the public API and runs on
 * the real runtime; `--crashed` crashes the instance after each entry. Ends with 0 only when all agree; a case that differs on purpose is listed
 * with its reason (`golden/better.ts`).
 */
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { messageOf, StreamError } from "../errors.ts";
import { exitWith, readCommandLine } from "./command-line.ts";
import { betterOnPurpose } from "./golden/better.ts";
import { families } from "./golden/families.ts";
import { readCases, type GoldenCase } from "./golden/format.ts";
import { runCase, type GoldenMode } from "./golden/run-case.ts";

interface Verdict {
  readonly id: string;
  readonly family: string;
  readonly verdict: "agrees" | "differs" | "better";
  /** Both values of what differs first, or why it is better. */
  readonly why?: string | undefined;
}

function filesOf(place: string): readonly string[] {
  try {
    if (!statSync(place).isDirectory()) return [place];
    return readdirSync(place)
      .filter((name) => name.endsWith(".json"))
      .toSorted()
      .map((name) => join(place, name));
  } catch (error) {
    throw new StreamError("OPTION_INVALID", `golden: ${place} cannot be read: ${messageOf(error)}`);
  }
}

async function judge(golden: GoldenCase, mode: GoldenMode): Promise<Verdict> {
  const { id, family } = golden;
  const make = families[family];
  if (make === undefined) return { id, family, verdict: "differs", why: `there is no family ${family} here` };
  const found = await runCase(golden, make, mode);
  if (found === undefined) return { id, family, verdict: "agrees" };
  const reason = betterOnPurpose[id];
  return reason === undefined
    ? { id, family, verdict: "differs", why: found }
    : { id, family, verdict: "better", why: reason };
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

function show(verdicts: readonly Verdict[]): void {
  for (const [family, of] of Map.groupBy(verdicts, (one) => one.family)) {
    say(`${family}: ${of.length} cases, ${counted(of, "agrees")} agree`);
    for (const { id, verdict, why } of of) if (verdict === "differs") say(`  DIFFERS ${id}: ${why ?? ""}`);
    for (const { id, verdict, why } of of) if (verdict === "better") say(`  better on purpose ${id}: ${why ?? ""}`);
  }
}

function counted(verdicts: readonly Verdict[], verdict: Verdict["verdict"]): number {
  return verdicts.filter((one) => one.verdict === verdict).length;
}

async function main(): Promise<number> {
  const { values: flags, positionals } = readCommandLine({
    command: "npm run golden",
    operands: "FILE|FOLDER …",
    about:
      "Programs with what another engine answered at each step of their input: every difference, with both values.",
    flags: {
      only: { type: "string", takes: "TEXT", help: "cases whose id has this in it" },
      crashed: { type: "boolean", default: false, help: "crash the instance after each entry" },
      json: { type: "boolean", default: false, help: "one JSON object" },
    },
  });
  if (positionals.length === 0)
    throw new StreamError("OPTION_INVALID", "golden: name files or folders of golden cases: npm run golden -- cases/");
  const cases = positionals
    .flatMap(filesOf)
    .flatMap((file) => readCases(file))
    .filter(({ id }) => id.includes(flags.only ?? ""));
  const verdicts: Verdict[] = [];
  for (const golden of cases) verdicts.push(await judge(golden, flags.crashed ? "crashed" : "plain"));
  const [agree, differ, better] = [
    counted(verdicts, "agrees"),
    counted(verdicts, "differs"),
    counted(verdicts, "better"),
  ];
  if (flags.json) say(JSON.stringify({ agree, differ, better, verdicts }));
  else show(verdicts);
  if (!flags.json) say(`golden: ${agree} agree, ${differ} differ, ${better} better on purpose`);
  return differ === 0 && agree > 0 ? 0 : 1;
}

await exitWith(main);
