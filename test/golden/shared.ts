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
}

/** One entry of the input. */
export type GoldenEntry = GoldenRecord | { readonly watermark: GoldenTime } | { readonly processingTime: number };

/** An output: the fields differ by family. */
export type GoldenOutput = Readonly<Record<string, unknown>> & { readonly key: string };

/** What is expected at one entry. */
export interface GoldenStep {
  readonly main?: readonly GoldenOutput[];
  readonly late?: readonly GoldenOutput[];
  readonly watermark?: GoldenTime;
}

/** How two lists of outputs are to be compared. */
export type GoldenOrder = "exact" | "perKey" | "perKeyWindow" | "any";

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
export function goldenCases<P>(family: "windows" | "timers"): readonly GoldenCase<P>[] | undefined {
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
    case "any":
      return outputs.map((output) => JSON.stringify(output, Object.keys(output).toSorted())).toSorted();
  }
}

function groups(outputs: readonly GoldenOutput[], by: (output: GoldenOutput) => string): readonly unknown[] {
  return [...Map.groupBy(outputs, by)].toSorted(([a], [b]) => (a < b ? -1 : 1));
}
