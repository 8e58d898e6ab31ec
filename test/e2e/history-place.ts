/**
 * A generated history on disk, what came out of it, and whether that is what the naive computation says.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { compile } from "../../framework/plan/compile.ts";
import { nats } from "../../framework/home-nats.ts";
import { followSideStream } from "../../framework/actor/side-stream.ts";
import type { StoredDeadLetter } from "../../framework/actor/dead-letter.ts";
import { JobNames } from "../../framework/log/names.ts";
import type { Seams } from "../../framework/log/contracts.ts";
import sensorHistory from "../../examples/sensor-history.ts";
import { historyFiles, type HistoryFilesOptions } from "../examples/history-files.ts";
import {
  differences,
  type HistoryLine,
  historyLines,
  type HistoryRows,
  type LateLine,
  rowsThatMayBeLate,
  withoutLate,
} from "../examples/naive-history.ts";
import { temporaryFolder } from "../connectors/temporary-folder.ts";
import { until } from "../support/until.ts";

/** What lies in a temporary folder until the test is through. */
export interface HistoryPlace {
  readonly inputs: readonly string[];
  readonly out: string;
  readonly rows: HistoryRows;
  /** Number of lines that are no rows. */
  readonly bad: number;
}

/** What a run of the example wrote. */
export interface Written {
  readonly lines: readonly HistoryLine[];
  readonly late: readonly LateLine[];
}

const disorderMs = 3_600_000;

/** Writes the files. */
export async function historyPlace(options: HistoryFilesOptions): Promise<HistoryPlace> {
  const folder = await temporaryFolder();
  const { contents, rows, bad } = historyFiles(options);
  const inputs = [...contents].map(([name, content]) => {
    const path = join(folder, name);
    writeFileSync(path, content);
    return path;
  });
  return { inputs, out: join(folder, "out.jsonl"), rows, bad };
}

/** Reads both output files. */
export function written({ out }: Pick<HistoryPlace, "out">): Written {
  return {
    lines: jsonLines(out) as readonly HistoryLine[],
    late: jsonLines(out.replace(".jsonl", ".late.jsonl")) as readonly LateLine[],
  };
}

function jsonLines(path: string): readonly unknown[] {
  return readFileSync(path, "utf8")
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line) as unknown);
}

/** What is wrong with the output, by the naive computation; empty: it is right. */
export function wrongs({ rows }: HistoryPlace, { lines, late }: Written): readonly string[] {
  const mayBeLate = new Set(
    [...rowsThatMayBeLate(rows, disorderMs)].flatMap(([key, of]) => of.map((row) => lateId(key, row.at, row.value))),
  );
  const notLate = late.filter(({ key, timestamp, value }) => !mayBeLate.has(lateId(key, Date.parse(timestamp), value)));
  const wrong = differences(lines, historyLines(withoutLate(rows, late)));
  return [...notLate.map((line) => `not late: ${JSON.stringify(line)}`), ...wrong].slice(0, 10);
}

function lateId(key: string, at: number, value: number): string {
  return `${key} ${at} ${value}`;
}

/** The dead letters that a job of this place left on a server, each once. */
export async function deadLetters(
  { inputs, out, bad }: HistoryPlace,
  seams: Seams,
): Promise<readonly StoredDeadLetter[]> {
  const args = [...inputs.flatMap((input) => ["--input", input]), "--out", out];
  const plan = compile(sensorHistory(args), { defaults: nats({ servers: "" }).defaults });
  const log = await seams.logs.open(new JobNames(plan.job, 1).deadLetters);
  const letters: StoredDeadLetter[] = [];
  const stop = followSideStream(log, plan, 1, ({ value }) => letters.push(value as StoredDeadLetter));
  onTestFinished(stop);
  await until(`${bad} dead letters`, () => letters.length >= bad);
  return letters;
}
