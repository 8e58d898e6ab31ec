/**
 * What a name in a store says: whose it is, and what it holds.
 *
 * H1. Names are taken apart, never compared by their beginnings: what belongs to job `a` belongs to no job `a-b`, and what does not parse belongs to nobody.
 */

/** A name, taken apart. */
export interface HoldingName {
  readonly job: string;
  /** Undefined: the job's registers and savepoints, which all its generations share. */
  readonly generation: number | undefined;
  readonly holds:
    | "registers"
    | "savepoints"
    | "jobLog"
    | "deadLetters"
    | "late"
    | "chunks"
    | "inbox"
    | "ingress"
    | "reservation";
}

const registers = /^KV_TM_([a-z0-9-]{1,32})$/;
const savepoints = /^TM_([a-z0-9-]{1,32})_SAVEPOINTS$/;
const stream =
  /^TM_([a-z0-9-]{1,32})_(0|[1-9]\d{0,14})_(LOG|DEAD|LATE|CHUNKS|ROOM|(IN|INGRESS)_[a-z0-9-]{1,32}_(?:0|[1-9]\d*))$/;

const kinds: Readonly<Record<string, HoldingName["holds"]>> = {
  LOG: "jobLog",
  DEAD: "deadLetters",
  LATE: "late",
  CHUNKS: "chunks",
  ROOM: "reservation",
  IN: "inbox",
  INGRESS: "ingress",
};

/** The parts of a name as {@link import("./names.ts").JobNames} makes them; undefined for a name that is none of Tidemark's. */
export function parseHoldingName(name: string): HoldingName | undefined {
  const [, owner] = registers.exec(name) ?? [];
  if (owner !== undefined) return { job: owner, generation: undefined, holds: "registers" };
  const [, keeper] = savepoints.exec(name) ?? [];
  if (keeper !== undefined) return { job: keeper, generation: undefined, holds: "savepoints" };
  const [, job, generation, part = "", instance] = stream.exec(name) ?? [];
  const holds = kinds[instance ?? part];
  return job === undefined || holds === undefined ? undefined : { job, generation: Number(generation), holds };
}
