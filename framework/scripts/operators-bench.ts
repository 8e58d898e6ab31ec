/**
 * `npm run bench -- operators` and `npm run bench -- windows`: the programs of `operators-case.ts` and `windows-case.ts`, one after the other, each in a process of
 * its own.
 */
import { execFileSync } from "node:child_process";
import { join } from "node:path";

/** CPU per record of each program: `NAME.ns`, and `NAME.ratio` to the bare loop that ran in turns with it. */
export function operators(): object {
  const figures = namesIn("operators-case.ts").flatMap((name) => {
    const { programNs, ratio } = run("operators-case.ts", name) as {
      readonly programNs: number;
      readonly ratio: number;
    };
    return [[`${name}.ns`, Math.round(programNs)] as const, [`${name}.ratio`, rounded(ratio)] as const];
  });
  return { bench: "operators", ...Object.fromEntries(figures) };
}

/**
 * CPU per record of each kind of window, with its firings: `NAME.ns`; `NAME.bytesPerKey` and `NAME.bytesPerPane`: what a snapshot has of it. Of sliding windows
 * also `NAME.ratio`: to a tumbling one of the same size.
 */
export function windows(): object {
  const figures = namesIn("windows-case.ts").map(
    (name) => [name, run("windows-case.ts", name) as WindowFigures] as const,
  );
  const tumbling = figures.find(([name]) => name === "tumbling-1h")?.[1].ns ?? Number.NaN;
  return Object.fromEntries([
    ["bench", "windows"],
    ...figures.flatMap(([name, { ns, bytesPerKey, bytesPerPane }]) => [
      [`${name}.ns`, Math.round(ns)] as const,
      ...(name.startsWith("sliding-1h") ? [[`${name}.ratio`, rounded(ns / tumbling)] as const] : []),
      [`${name}.bytesPerKey`, Math.round(bytesPerKey)] as const,
      [`${name}.bytesPerPane`, Math.round(bytesPerPane)] as const,
    ]),
  ]);
}

interface WindowFigures {
  readonly ns: number;
  readonly bytesPerKey: number;
  readonly bytesPerPane: number;
}

function rounded(ratio: number): number {
  return Math.round(ratio * 100) / 100;
}

function namesIn(script: string): readonly string[] {
  return run(script) as readonly string[];
}

function run(script: string, ...args: readonly string[]): unknown {
  const path = join(import.meta.dirname, script);
  return JSON.parse(execFileSync(process.execPath, [path, ...args], { encoding: "utf8" }));
}
