/**
 * What the environment says of the connection: the variables, and what beats them.
 *
 * E1. What is said on the command line beats the environment, option by option; an empty variable says nothing.
 * E2. A server or context on the command line takes the place of both of the environment's: no credentials of a context reach a server it does not name.
 */
import { StreamError } from "./errors.ts";
import type { NatsHomeOptions } from "./home-nats.ts";
import { checkReplicas } from "./nats/connect.ts";
import type { NatsTls } from "./nats/tls-files.ts";

/** `given` on the command line, filled up from the environment; undefined when neither names a server. */
export function natsConnection(
  given: NatsHomeOptions = {},
  environment: NodeJS.ProcessEnv = process.env,
): NatsHomeOptions | undefined {
  const named = given.servers !== undefined || given.context !== undefined;
  // What a context says is more than what an environment says of some other server.
  const found = given.context === undefined ? fromEnvironment(environment, named) : {};
  const saysApi = given.domain !== undefined || given.apiPrefix !== undefined;
  const api = saysApi ? { domain: undefined, apiPrefix: undefined } : {};
  const all = { ...found, ...api, ...defined(given), tls: merged(found.tls, given.tls) };
  return all.servers === undefined && all.context === undefined ? undefined : all;
}

function fromEnvironment(environment: NodeJS.ProcessEnv, isServerNamed: boolean): NatsHomeOptions {
  const variable = (name: string) => environment[`TIDEMARK_${name}`] || undefined;
  const server = isServerNamed ? {} : { servers: variable("NATS"), context: variable("CONTEXT") };
  const tls = { ca: variable("TLS_CA"), cert: variable("TLS_CERT"), key: variable("TLS_KEY") };
  const replicas = parseReplicas(variable("REPLICAS"), "TIDEMARK_REPLICAS");
  const subjects = {
    inboxPrefix: variable("INBOX_PREFIX"),
    domain: variable("JS_DOMAIN"),
    apiPrefix: variable("JS_API_PREFIX"),
  };
  return { ...server, ...subjects, credentials: variable("CREDS"), tls: merged(tls, {}), replicas };
}

/** The number of copies that a flag or variable asks for. @throws OPTION_INVALID with the text and where it stands */
export function parseReplicas(text: string | undefined, what: string): number | undefined {
  if (text === undefined) return undefined;
  const replicas = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (!Number.isNaN(replicas)) return checkReplicas(replicas, what);
  throw new StreamError("OPTION_INVALID", `${what} is ${JSON.stringify(text)}; it takes 1, 3 or 5`);
}

/** Undefined when neither says anything. */
function merged(below: NatsTls | undefined, above: NatsTls | undefined): NatsTls | undefined {
  const both = defined({ ...below, ...defined(above ?? {}) });
  return Object.keys(both).length === 0 ? undefined : both;
}

function defined<T extends object>(options: T): T {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as T;
}
