/**
 * A mutant of the simulator's list, and the two ways to one: by the name of a unit tests' mutant, or by its text.
 */
import { callMutants } from "../mutants/calls.ts";
import { fleetMutants } from "../mutants/fleet.ts";
import { exchangeMutants } from "../mutants/exchange.ts";
import { loopMutants } from "../mutants/loops.ts";
import type { Mutant } from "../mutants/mutant.ts";
import { progressMutants } from "../mutants/progress.ts";
import { recoveryMutants } from "../mutants/recovery.ts";
import { restoreMutants } from "../mutants/restores.ts";
import { savepointMutants } from "../mutants/savepoints.ts";

/** A mutant, and where to look first. */
export interface SimMutant extends Pick<Mutant, "name" | "file" | "from" | "to"> {
  readonly group: string;
  /** Mixes that favour it; the swarm comes after them. */
  readonly mixes: readonly string[];
}

const known = new Map(
  [
    ...callMutants,
    ...fleetMutants,
    ...exchangeMutants,
    ...loopMutants,
    ...progressMutants,
    ...recoveryMutants,
    ...restoreMutants,
    ...savepointMutants,
  ].map((each) => [each.name, each]),
);

/** One of the unit tests' mutants, and the mixes to look in. @throws RangeError when there is none of that name */
export function unit(name: string, ...mixes: string[]): Omit<SimMutant, "group"> {
  const mutant = known.get(name);
  if (mutant === undefined) throw new RangeError(`there is no mutant ${name}`);
  const { file, from, to } = mutant;
  return { name, file, from, to, mixes };
}

/** One of the simulator's list alone: `from` stands once in `file`. */
export function own(
  name: string,
  file: string,
  from: string,
  to: string,
  ...mixes: string[]
): Omit<SimMutant, "group"> {
  return { name, file, from, to, mixes };
}
