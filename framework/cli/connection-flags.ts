/**
 * Where the cluster is, as flags of a command: the same on every command that speaks to one.
 */
import type { Command } from "commander";
import { natsConnection, parseReplicas } from "../environment.ts";
import { StreamError } from "../errors.ts";
import { embedded, type Home } from "../home.ts";
import { nats, type NatsHomeOptions } from "../home-nats.ts";

/** What the flags come to. */
export interface ConnectionFlags {
  readonly nats?: string;
  readonly creds?: string;
  readonly context?: string;
  readonly tlsCa?: string;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly inboxPrefix?: string;
  readonly jsDomain?: string;
  readonly jsApiPrefix?: string;
  readonly embedded?: boolean;
  /** Only on commands that create streams. */
  readonly replicas?: string;
}

/** Adds the flags to a command. */
export function withConnection(command: Command): Command {
  return command
    .option(
      "--nats <url>",
      "the NATS cluster: nats://[user:password@]host:4222, several with commas (or TIDEMARK_NATS)",
    )
    .option("--creds <file>", "credentials file (or TIDEMARK_CREDS)")
    .option("--context <name>", "context of the command nats; @selected is the selected one (or TIDEMARK_CONTEXT)")
    .option("--tls-ca <file>", "authorities that the server's certificate is checked with (or TIDEMARK_TLS_CA)")
    .option("--tls-cert <file>", "certificate of this client (or TIDEMARK_TLS_CERT)")
    .option("--tls-key <file>", "key of that certificate (or TIDEMARK_TLS_KEY)")
    .option("--inbox-prefix <subject>", "where answers arrive, if users have one each (or TIDEMARK_INBOX_PREFIX)")
    .option("--js-domain <name>", "JetStream domain, if the streams are in another one (or TIDEMARK_JS_DOMAIN)")
    .option("--js-api-prefix <subject>", "JetStream API of another account (or TIDEMARK_JS_API_PREFIX)");
}

/** The home that the flags, or else the environment, ask for. */
export function homeOf(flags: ConnectionFlags): Home {
  const connection = flags.embedded === true ? undefined : connectionOf(flags);
  return connection === undefined ? embedded() : nats(connection);
}

/** The connection that the flags, or else the environment, ask for. */
export function connectionOf(flags: ConnectionFlags): NatsHomeOptions | undefined {
  return natsConnection(optionsOf(flags));
}

/** The cluster of a command that needs one. @throws OPTION_INVALID when neither flags nor environment name one */
export function clusterOf(flags: ConnectionFlags): NatsHomeOptions {
  const connection = connectionOf(flags);
  if (connection !== undefined) return connection;
  throw new StreamError(
    "OPTION_INVALID",
    "no NATS server is named: give --nats URL or --context NAME, or set TIDEMARK_NATS. An embedded job is seen by its own process alone: handle.status()",
  );
}

function optionsOf({
  nats: servers,
  creds,
  context,
  tlsCa,
  tlsCert,
  tlsKey,
  inboxPrefix,
  jsDomain: domain,
  jsApiPrefix: apiPrefix,
  replicas,
}: ConnectionFlags): NatsHomeOptions {
  return {
    servers,
    credentials: creds,
    context,
    inboxPrefix,
    domain,
    apiPrefix,
    tls: { ca: tlsCa, cert: tlsCert, key: tlsKey },
    replicas: parseReplicas(replicas, "--replicas"),
  };
}
