/**
 * Finds and reads the golden cases: what another engine answered, step by step. They lie beside the repository, not in it.
 */
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** A time in a case: milliseconds, or one of the ends. */
export type GoldenTime = number | "MAX" | "MIN";

/** A record of the input. */
export interface GoldenRecord {
  readonly key: string;
  readonly value?: number;
  readonly ts: number;
  readonly gap?: number;
  readonly reg?: readonly number[];
  readonly del?: readonly number[];
  readonly regPT?: readonly number[];
  readonly delPT?: readonly number[];
  readonly onTimer?: Readonly<Record<string, number>>;
  readonly clear?: boolean;
  readonly emit?: boolean;
  /** Of two inputs: which; 0 is the left one. */
  readonly input?: 0 | 1;
  readonly id?: number;
  readonly type?: string;
  readonly reset?: boolean;
  readonly applyAll?: boolean;
}

/** Event time moves, of both inputs where none is named. */
export interface GoldenWatermark {
  readonly watermark: GoldenTime;
  readonly input?: 0 | 1;
}

/** One entry of the input. */
export type GoldenEntry = GoldenRecord | GoldenWatermark | { readonly processingTime: number };

/** An output: the fields differ by family. */
export type GoldenOutput = Readonly<Record<string, unknown>> & { readonly key: string };

/** What is expected at one entry. */
export interface GoldenStep {
  readonly main?: readonly GoldenOutput[];
  readonly late?: readonly GoldenOutput[];
  readonly watermark?: GoldenTime;
}

/** How two lists of outputs are to be compared. */
export type GoldenOrder = "exact" | "perKey" | "perKeyWindow" | "perKeyTs" | "any";

/** One case. */
export interface GoldenCase<P> {
  readonly id: string;
  readonly what: string;
  readonly pipeline: P;
  readonly compare: { readonly onRecord: GoldenOrder; readonly onTime: GoldenOrder; readonly oneInstance?: "byTime"; readonly lists?: "sequence" | "any" };
  readonly input: readonly GoldenEntry[];
  readonly expected: { readonly steps: readonly GoldenStep[] } | { readonly error: string };
}

const folder = fileURLToPath(new URL("../../../shared/golden/", import.meta.url));

/** The cases of a family; undefined where the golden data is not at hand. */
export function goldenCases<P>(family: "windows" | "timers" | "connect" | "joins"): readonly GoldenCase<P>[] | undefined {
  const path = `${folder}${family}.json`;
  return existsSync(path) ? (JSON.parse(readFileSync(path, "utf8")) as GoldenCase<P>[]) : undefined;
}

/** Why golden tests do not run here. */
export const goldenAbsent = `the golden cases are not at ${folder}: nothing was compared`;

/** A time of a case as a number. */
export function timeOf(time: GoldenTime): number {
  return time === "MAX" ? Infinity : time === "MIN" ? -Infinity : time;
}

/** A number as a time of a case. */
export function goldenTime(time: number): GoldenTime {
  return time === Infinity ? "MAX" : time === -Infinity ? "MIN" : time;
}

/** Both lists brought into an order that is equal exactly when `order` accepts `actual` for `expected`. */
export function comparable(outputs: readonly GoldenOutput[], order: GoldenOrder): readonly unknown[] {
  switch (order) {
    case "exact":
      return outputs;
    case "perKey":
      return groups(outputs, ({ key }) => JSON.stringify(key));
    case "perKeyWindow":
      return groups(outputs, (output) => JSON.stringify([output.key, output["window"]]));
    case "perKeyTs":
      return groups(outputs, ({ key }) => JSON.stringify(key)).map((group) => runs(group as [string, GoldenOutput[]]));
    case "any":
      return outputs.map((output) => textOf(output)).toSorted();
  }
}

/** Maximal runs of equal time: inside of one, any order will do. */
function runs([key, outputs]: readonly [string, readonly GoldenOutput[]]): unknown {
  const found: { readonly ts: unknown; readonly texts: string[] }[] = [];
  for (const output of outputs) {
    if (found.at(-1)?.ts !== output["ts"]) found.push({ ts: output["ts"], texts: [] });
    found.at(-1)?.texts.push(textOf(output));
  }
  return [key, found.map(({ ts, texts }) => [ts, texts.toSorted()])];
}

function textOf(output: GoldenOutput): string {
  return JSON.stringify(output, (_key, part: unknown) =>
    typeof part === "object" && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  );
}

function groups(outputs: readonly GoldenOutput[], by: (output: GoldenOutput) => string): readonly unknown[] {
  return [...Map.groupBy(outputs, by)].toSorted(([a], [b]) => (a < b ? -1 : 1));
}
