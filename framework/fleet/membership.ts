/**
 * What a starter and the worker processes of its fleet tell each other: in the environment when a process is started, over its IPC channel from then on.
 *
 * Owns both forms. Nothing secret is in them: a worker takes its credentials from where the starter took them (options, flags, environment, contexts).
 *
 * M1. The variable counts only in a process that has an IPC channel: what a worker starts itself is no worker by inheritance.
 */
import { StreamError } from "../errors.ts";
import type { JobEnd } from "../job-handle.ts";

/** Environment variable that makes a process a worker of a fleet. */
export const membershipVariable = "TIDEMARK_FLEET";

/** Which worker of which fleet a process is. */
export interface Membership {
  readonly job: string;
  /** The only generation it may join: a worker that is started again never begins a new life. */
  readonly generation: number;
  /** 0 to workers - 1; a worker that is started again has the same one. */
  readonly index: number;
  readonly workers: number;
  /** The nats-server that the starter runs itself. @default the one that the program, its options or the environment name */
  readonly server?: FleetServer | undefined;
}

/** A nats-server on this machine that belongs to a fleet. */
export interface FleetServer {
  readonly url: string;
  readonly processId: number;
}

/** What a worker process says. */
export type FromWorker =
  /** Its id, before it joins. */
  | { readonly kind: "started"; readonly worker: string }
  | { readonly kind: "joined" }
  /** The job is over here; the process ends next. */
  | { readonly kind: "ended"; readonly end: JobEnd }
  /** It could not start; the process ends next. */
  | { readonly kind: "refused"; readonly code: string; readonly message: string };

/** What a worker process is told. */
export type ToWorker =
  /** Leave in good order. */
  | { readonly kind: "stop" }
  /** The fleet's nats-server has been started again. */
  | { readonly kind: "server"; readonly processId: number };

/** The environment of a worker process. */
export function environmentOf(membership: Membership, environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return { ...environment, [membershipVariable]: JSON.stringify(membership) };
}

/** Which worker this process is; undefined when nobody started it as one (M1). @throws OPTION_INVALID */
export function membershipOf(
  environment: NodeJS.ProcessEnv = process.env,
  hasChannel: boolean = process.send !== undefined,
): Membership | undefined {
  const text = environment[membershipVariable];
  if (!hasChannel || text === undefined || text === "") return undefined;
  const found = parse(text);
  if (isMembership(found)) return found;
  throw new StreamError(
    "OPTION_INVALID",
    `${membershipVariable} is ${JSON.stringify(text)}; it is set by the process that starts a fleet, and by nobody else`,
  );
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isMembership(value: unknown): value is Membership {
  if (typeof value !== "object" || value === null) return false;
  const { job, generation, index, workers } = value as Partial<Record<keyof Membership, unknown>>;
  return typeof job === "string" && [generation, index, workers].every((number) => Number.isSafeInteger(number));
}
