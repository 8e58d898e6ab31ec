/**
 * Whether what came out is what a case expects, by the weakest rules that the other engine promises.
 *
 * Owns the rules: both sides are brought into a form that is equal exactly when the rule accepts one for the other.
 */
import type { GoldenCase, GoldenEntry, GoldenOrder, GoldenOutput, GoldenStep } from "./format.ts";

/** What came out at one entry. */
export interface ActualStep {
  readonly main: readonly GoldenOutput[];
  /** Undefined where the case does not look at late records. */
  readonly late: readonly GoldenOutput[] | undefined;
}

/** What differs, with both values; undefined when nothing does. */
export function difference(
  golden: GoldenCase,
  entry: GoldenEntry,
  actual: ActualStep,
  expected: GoldenStep,
): string | undefined {
  const { onRecord, onTime, lists, oneInstance } = golden.compare;
  const isTime = !("ts" in entry);
  const order = isTime ? onTime : onRecord;
  const texts = (outputs: readonly GoldenOutput[]): readonly string[] =>
    comparable(
      outputs.map((output) => (lists === "any" ? withSortedLists(output) : output)),
      order,
    );
  const main = unlike("main", texts(expected.main ?? []), texts(actual.main));
  if (main !== undefined) return main;
  if (oneInstance === "byTime" && isTime && !isByTime(actual.main))
    return `main is not in order of time: ${actual.main.map(textOf).join(" ")}`;
  if (actual.late === undefined) return undefined;
  return unlike("late", (expected.late ?? []).map(textOf), actual.late.map(textOf));
}

function unlike(what: string, expected: readonly string[], actual: readonly string[]): string | undefined {
  if (expected.join("\n") === actual.join("\n")) return undefined;
  return `${what}: expected ${expected.join(" ") || "nothing"}; found ${actual.join(" ") || "nothing"}`;
}

function comparable(outputs: readonly GoldenOutput[], order: GoldenOrder): readonly string[] {
  switch (order) {
    case "exact":
      return outputs.map(textOf);
    case "perKey":
      return grouped(outputs, ({ key }) => key, inOrder);
    case "perKeyWindow":
      return grouped(outputs, ({ key, window }) => [key, window], inOrder);
    case "perKeyTs":
      return grouped(outputs, ({ key }) => key, inRuns);
    case "any":
      return outputs.map(textOf).toSorted();
  }
}

function grouped(
  outputs: readonly GoldenOutput[],
  by: (output: GoldenOutput) => unknown,
  form: (group: readonly GoldenOutput[]) => readonly string[],
): readonly string[] {
  return [...Map.groupBy(outputs, (output) => JSON.stringify(by(output)))]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([, group]) => form(group));
}

function inOrder(group: readonly GoldenOutput[]): readonly string[] {
  return group.map(textOf);
}

/** Runs of equal timestamps in this order, inside of a run in any. */
function inRuns(group: readonly GoldenOutput[]): readonly string[] {
  const runs: GoldenOutput[][] = [];
  for (const output of group) {
    const last = runs.at(-1);
    if (last !== undefined && last[0]?.["ts"] === output["ts"]) last.push(output);
    else runs.push([output]);
  }
  return runs.flatMap((run) => run.map(textOf).toSorted());
}

function withSortedLists(output: GoldenOutput): GoldenOutput {
  const sorted = Object.entries(output).map(([name, value]) => [
    name,
    Array.isArray(value) && name !== "window" ? value.toSorted((a: number, b: number) => a - b) : value,
  ]);
  return Object.fromEntries(sorted) as GoldenOutput;
}

function isByTime(outputs: readonly GoldenOutput[]): boolean {
  const times = outputs.map(({ ts }) => (typeof ts === "number" ? ts : 0));
  return times.every((time, at) => at === 0 || time >= (times[at - 1] ?? time));
}

/** An output as text that is the same for the same output, in whatever order its fields stand. */
function textOf(output: GoldenOutput): string {
  return JSON.stringify(output, (_, value: unknown) =>
    typeof value === "object" && value !== null && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : value,
  );
}
