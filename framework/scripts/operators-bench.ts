/**
 * `npm run bench -- operators`: the programs of `operators-case.ts`, one after the other, each in a process of its own.
 */
import { execFileSync } from "node:child_process";
import { join } from "node:path";

const script = join(import.meta.dirname, "operators-case.ts");

/** CPU per record of each program: `NAME.ns`, and `NAME.ratio` to the bare loop that ran in turns with it. */
export function operators(): object {
  const figures = programNames().flatMap((name) => {
    const { programNs, ratio } = run(name) as { readonly programNs: number; readonly ratio: number };
    return [[`${name}.ns`, Math.round(programNs)] as const, [`${name}.ratio`, Math.round(ratio * 100) / 100] as const];
  });
  return { bench: "operators", ...Object.fromEntries(figures) };
}

function programNames(): readonly string[] {
  return run() as readonly string[];
}

function run(...args: readonly string[]): unknown {
  return JSON.parse(execFileSync(process.execPath, [script, ...args], { encoding: "utf8" }));
}
