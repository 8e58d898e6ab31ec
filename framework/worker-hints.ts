/**
 * What a worker says of itself for placement: how much it can carry, and where it is.
 *
 * Owns the options, their place in the environment, and what is refused.
 */
import { StreamError } from "./errors.ts";

/** For placement: hints, which nothing correct depends on. */
export interface WorkerHints {
  /** How much this worker can carry, relative to the others: one with 2 gets twice the load of one with 1. @default what `TIDEMARK_CAPACITY` says, else 1 */
  readonly capacity?: number | undefined;
  /** Workers of one zone may fail together: the instances of a stage are spread over the zones. @default what `TIDEMARK_ZONE` says, else none */
  readonly zone?: string | undefined;
}

/** Hints, with nothing left open. */
export interface ResolvedHints {
  readonly capacity: number;
  readonly zone: string;
}

const capacityMin = 0.01;
const capacityMax = 1_000;
const zonePattern = /^[A-Za-z0-9._-]{0,64}$/;

/** The hints of this process. @throws OPTION_INVALID */
export function resolveHints(given: WorkerHints = {}, environment: NodeJS.ProcessEnv = process.env): ResolvedHints {
  const inEnvironment = environment["TIDEMARK_CAPACITY"] || undefined;
  const capacity =
    given.capacity === undefined
      ? parseCapacity(inEnvironment, "TIDEMARK_CAPACITY")
      : checkCapacity(given.capacity, "capacity", String(given.capacity));
  return { capacity: capacity ?? 1, zone: checkZone(given.zone ?? (environment["TIDEMARK_ZONE"] || "")) };
}

/** The capacity that a flag or variable asks for. @throws OPTION_INVALID with the text and where it stands */
export function parseCapacity(text: string | undefined, what: string): number | undefined {
  if (text === undefined) return undefined;
  return checkCapacity(/^\s*$/.test(text) ? Number.NaN : Number(text), what, JSON.stringify(text));
}

function checkCapacity(capacity: number, what: string, found: string): number {
  if (capacity >= capacityMin && capacity <= capacityMax) return capacity;
  throw new StreamError(
    "OPTION_INVALID",
    `${what} is ${found}; it takes a number from ${capacityMin} to ${capacityMax}`,
  );
}

function checkZone(zone: string): string {
  if (zonePattern.test(zone)) return zone;
  throw new StreamError(
    "OPTION_INVALID",
    `zone is ${JSON.stringify(zone)}; it takes up to 64 of letters, digits, ".", "_" and "-"`,
  );
}
