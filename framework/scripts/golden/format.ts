/**
 * Golden cases: what another engine answered, step by step.
 *
 * Owns the format as types, and reading it: a file is an array of cases, and a case has an input, and what is expected at each of its entries.
 */
import { readFileSync } from "node:fs";
import { messageOf, StreamError } from "../../errors.ts";

/** A time in a case: milliseconds, or one of the ends. */
export type GoldenTime = number | "MAX" | "MIN";

/** A record of the input; fields differ by family. */
export interface GoldenRecord {
  readonly key: string;
  readonly ts: number;
  readonly value?: number;
  /** Of a program with two inputs: which one it comes over. */
  readonly input?: 0 | 1;
  readonly [field: string]: unknown;
}

/** Event time of one input, or of all, comes to `watermark`. */
export interface GoldenWatermark {
  readonly watermark: GoldenTime;
  readonly input?: 0 | 1;
}

/** One entry of the input. */
export type GoldenEntry = GoldenRecord | GoldenWatermark | { readonly processingTime: number };

/** An output; fields differ by family. */
export type GoldenOutput = Readonly<Record<string, unknown>> & { readonly key: string };

/** What is expected at one entry. */
export interface GoldenStep {
  readonly main?: readonly GoldenOutput[];
  readonly late?: readonly GoldenOutput[];
  readonly timedOut?: readonly GoldenOutput[];
  /** The watermark that the operator hands on behind its records. */
  readonly watermark?: GoldenTime;
  readonly error?: string;
}

/** How two lists of outputs are to be compared. */
export type GoldenOrder = "exact" | "perKey" | "perKeyWindow" | "perKeyTs" | "any";

/** The weakest rules that the other engine promises. */
export interface GoldenComparison {
  readonly onRecord: GoldenOrder;
  readonly onTime: GoldenOrder;
  readonly lists?: "sequence" | "any";
  readonly oneInstance?: "byTime";
}

/** One case. */
export interface GoldenCase {
  readonly id: string;
  readonly family: string;
  readonly pipeline: Readonly<Record<string, unknown>>;
  readonly compare: GoldenComparison;
  readonly input: readonly GoldenEntry[];
  readonly expected: { readonly steps: readonly GoldenStep[] } | { readonly error: string };
}

/** The cases of a file. @throws OPTION_INVALID when it is not in the format, with the place */
export function readCases(path: string): readonly GoldenCase[] {
  const cases = parsed(path);
  if (!Array.isArray(cases)) throw refusal(path, "is not an array of cases");
  for (const [at, one] of cases.entries()) {
    const problem = problemOf(one);
    if (problem !== undefined) throw refusal(path, `case ${at}${nameOf(one)} ${problem}`);
  }
  return cases as readonly GoldenCase[];
}

function parsed(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, "utf8"));
  } catch (error) {
    throw refusal(path, `cannot be read: ${messageOf(error)}`);
  }
}

function problemOf(one: unknown): string | undefined {
  if (!isObject(one)) return "is no object";
  const { id, family, pipeline, compare, input, expected } = one;
  if (typeof id !== "string" || typeof family !== "string") return "has no id or no family";
  if (!isObject(pipeline) || !isObject(compare)) return "has no pipeline or no compare";
  if (!Array.isArray(input) || !input.every(isEntry))
    return "has an input that is no list of records, watermarks and clocks";
  if (!isObject(expected)) return "expects nothing";
  if (typeof expected["error"] === "string") return undefined;
  const { steps } = expected;
  if (!Array.isArray(steps)) return "expects neither steps nor an error";
  return steps.length === input.length
    ? undefined
    : `expects ${steps.length} steps of an input of ${input.length} entries`;
}

function isEntry(entry: unknown): boolean {
  if (!isObject(entry)) return false;
  return "watermark" in entry || typeof entry["processingTime"] === "number" || typeof entry["ts"] === "number";
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function nameOf(one: unknown): string {
  return isObject(one) && typeof one["id"] === "string" ? ` (${one["id"]})` : "";
}

function refusal(path: string, what: string): StreamError {
  return new StreamError("OPTION_INVALID", `golden: ${path} ${what}`);
}

/** A time of a case as a number. */
export function timeOf(time: GoldenTime): number {
  return time === "MAX" ? Infinity : time === "MIN" ? -Infinity : time;
}

/** A number as a time of a case. */
export function goldenTime(time: number): GoldenTime {
  return time === Infinity ? "MAX" : time === -Infinity ? "MIN" : time;
}

/** The timestamp of an output as a case writes it. */
export function goldenTimestamp(timestamp: number | undefined): GoldenTime | null {
  return timestamp === undefined ? null : goldenTime(timestamp);
}
