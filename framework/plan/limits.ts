/**
 * Limits of a job: how much of anything it takes, and what happens one beyond.
 *
 * Owns those that a job may set (`limits`), and the bound on channels. What the bytes on the wire bound is fixed where it is written: a record
 * (`record/section-writer.ts`), a key (`record/key.ts`), a chunk (`log/contracts.ts`); sizes of logs and frames are options of their own (`options.ts`).
 * README has all of them in one table.
 */
import { StreamError } from "../errors.ts";
import { checkKnownOptions } from "../known-options.ts";
import type { StateLimits } from "../state/state-limits.ts";

/** What one key, and one edge, may come to, as the user says it. `Infinity`: no bound. */
export interface LimitOptions {
  /**
   * Entries of one map or list of one key, and records of one window that keeps them; beyond, the record becomes a dead letter (`LIMIT_EXCEEDED`).
   * @default 1000000
   */
  readonly stateEntries?: number | undefined;
  /**
   * Timers of one key in one time domain; beyond, the record becomes a dead letter (`LIMIT_EXCEEDED`).
   * @default 100000
   */
  readonly timersPerKey?: number | undefined;
  /**
   * Channels of one edge (partitions that send times partitions that receive): each costs some memory on both sides; beyond, there is no plan.
   * @default 1000000
   */
  readonly channelsPerEdge?: number | undefined;
}

/** The same, resolved. */
export interface Limits extends StateLimits {
  readonly channelsMax: number;
}

/** Where a job says nothing. */
export const limitDefaults: Limits = { entriesMax: 1_000_000, timersMax: 100_000, channelsMax: 1_000_000 };

/** @throws PLAN_INVALID with the place, the limit and its value */
export function resolveLimits(input: LimitOptions, defaults: Limits, place: string): Limits {
  checkKnownOptions(input, ["stateEntries", "timersPerKey", "channelsPerEdge"], `${place}: limits`);
  const { stateEntries, timersPerKey, channelsPerEdge } = input;
  return {
    entriesMax: bound(stateEntries ?? defaults.entriesMax, `${place}: limits.stateEntries`),
    timersMax: bound(timersPerKey ?? defaults.timersMax, `${place}: limits.timersPerKey`),
    channelsMax: bound(channelsPerEdge ?? defaults.channelsMax, `${place}: limits.channelsPerEdge`),
  };
}

function bound(value: number, what: string): number {
  if (value === Infinity || (Number.isSafeInteger(value) && value >= 1)) return value;
  const shown = typeof value === "string" ? JSON.stringify(value) : String(value);
  throw new StreamError("PLAN_INVALID", `${what} is ${shown}; it takes an integer from 1 on, or Infinity`);
}

/** An edge, as far as its channels go. */
export interface SizedEdge {
  readonly name: string;
  readonly exchange: string;
  /** Partitions of both ends; undefined: one per split, which are known when the job starts. */
  readonly fromPartitions: number | undefined;
  readonly toPartitions: number;
}

/** @throws PLAN_INVALID for an edge of too many channels */
export function checkChannels(
  edges: readonly SizedEdge[],
  { channelsMax }: Pick<Limits, "channelsMax">,
  place: string,
): void {
  for (const { name, exchange, fromPartitions = 1, toPartitions } of edges) {
    const channels = exchange === "forward" ? Math.max(fromPartitions, toPartitions) : fromPartitions * toPartitions;
    if (channels <= channelsMax) continue;
    throw new StreamError(
      "PLAN_INVALID",
      `${place}: edge ${name} has ${channels} channels (${fromPartitions} partitions to ${toPartitions}); limits.channelsPerEdge is ${channelsMax}. Take fewer partitions, or raise it`,
    );
  }
}
