/**
 * Durations as users write them.
 *
 * Owns the notation; inside the framework a duration is a number of milliseconds with `Ms` in its name.
 *
 * D1. A duration is a whole number of milliseconds; what is not (or says nothing, like "5") is refused with the value quoted.
 * D2. `formatDuration` writes what `parseDuration` reads.
 */
import { StreamError } from "../errors.ts";

type Unit = "ms" | "s" | "m" | "h" | "d";

/** A length of time: milliseconds, or `"200ms"`, `"5s"`, `"1m30s"`, `"2h"`, `"1d"`. */
export type Duration =
  | number
  | `${number}${Unit}`
  | `${number}m${number}s`
  | `${number}h${number}m`
  | `${number}h${number}m${number}s`
  | `${number}d${number}h`;

/** What a duration may be at its place. */
export interface DurationRange {
  /** @default 0 */
  readonly minMs?: number | undefined;
}

const unitsMs: Readonly<Record<Unit, number>> = { d: 86_400_000, h: 3_600_000, m: 60_000, s: 1_000, ms: 1 };
const units: readonly Unit[] = ["d", "h", "m", "s", "ms"];
const notation =
  /^(-?)(?:(\d+(?:\.\d+)?)d)?(?:(\d+(?:\.\d+)?)h)?(?:(\d+(?:\.\d+)?)m(?!s))?(?:(\d+(?:\.\d+)?)s)?(?:(\d+(?:\.\d+)?)ms)?$/;

/**
 * A duration in milliseconds. `what` names the option or argument in the error. Called once, where the user's program says it.
 *
 * @throws OPTION_INVALID quoting the value: not a duration, not a whole number of milliseconds, below `minMs`
 */
export function parseDuration(duration: Duration, what: string, { minMs = 0 }: DurationRange = {}): number {
  const ms = typeof duration === "number" ? duration : readNotation(duration);
  if (ms === undefined || !Number.isSafeInteger(ms)) {
    const hint = 'write a whole number of milliseconds, or "200ms", "5s", "1m30s", "2h"';
    throw new StreamError("OPTION_INVALID", `${what} is ${quote(duration)}, which is no duration: ${hint}`);
  }
  if (ms < minMs) {
    throw new StreamError(
      "OPTION_INVALID",
      `${what} is ${quote(duration)}, and must be at least ${formatDuration(minMs)}`,
    );
  }
  return ms + 0;
}

/** A duration for people, as short as it can be said: `5m`, `1m30s`, `250ms`. */
export function formatDuration(ms: number): string {
  if (!Number.isSafeInteger(ms)) return `${ms}ms`;
  if (ms === 0) return "0ms";
  let rest = Math.abs(ms);
  let text = ms < 0 ? "-" : "";
  for (const unit of units) {
    const count = Math.floor(rest / unitsMs[unit]);
    if (count > 0) text += `${count}${unit}`;
    rest -= count * unitsMs[unit];
  }
  return text;
}

function readNotation(text: unknown): number | undefined {
  if (typeof text !== "string") return undefined;
  const [, sign, ...counts] = notation.exec(text) ?? [];
  const given = units.map((unit, at) => (counts[at] === undefined ? undefined : Number(counts[at]) * unitsMs[unit]));
  if (sign === undefined || given.every((part) => part === undefined)) return undefined;
  const sum = given.reduce<number>((total, part) => total + (part ?? 0), 0);
  return sign === "-" ? -sum : sum;
}

function quote(value: unknown): string {
  return typeof value === "string" ? JSON.stringify(value) : String(value);
}
