/**
 * What sources and sinks are told of the place where their job runs.
 *
 * Owns the contract only. A connector to something else than the job's own cluster has no use for it; one that speaks to NATS takes the cluster that is
 * there unless the program names another.
 */
import type { Logger } from "../platform/platform.ts";

/** How a NATS cluster is reached, as its user said it: `servers`, `context` or both. Holds secrets: never logged. */
export interface ClusterAddress {
  /**
   * `nats://[user:password@ | token@]host[:port]`, or `tls://…`, or `host:port`; several, separated by commas or in a list.
   * @default what the context says
   */
  readonly servers?: string | readonly string[] | undefined;
  /** Path of a credentials file (`.creds`). @default what the URL says, or else the context */
  readonly credentials?: string | undefined;
  /** @default what the context says; or TLS when the server or the URL asks for it, with the system's authorities */
  readonly tls?: ClusterTls | undefined;
  /** A context of the command `nats`, by its name; `@selected` is the one that `nats context select` has chosen. @default none */
  readonly context?: string | undefined;
  /** Beginning of the subjects for answers, where permissions give each user its own. @default what the context says, or "_INBOX" */
  readonly inboxPrefix?: string | undefined;
  /** JetStream domain that the streams are in, where the server that is connected to is a leaf node of it, or is in another one. @default what the context says, or the domain of the server itself */
  readonly domain?: string | undefined;
  /** Beginning of the subjects of the JetStream API, where an account imports it from another one; instead of `domain`. @default what the context says, or "$JS.API" */
  readonly apiPrefix?: string | undefined;
}

/** Files and choices for TLS. */
export interface ClusterTls {
  /** Path of the authorities' certificates, PEM. @default the system's authorities */
  readonly ca?: string | undefined;
  /** Path of this client's certificate, PEM, for servers that ask for one (`verify: true`); with `key`. @default none */
  readonly cert?: string | undefined;
  /** Path of the key of `cert`, PEM, without a passphrase. @default none */
  readonly key?: string | undefined;
  /** TLS before the server has said a word, as the server must be configured for. @default false */
  readonly handshakeFirst?: boolean | undefined;
}

/** The place where a job runs, as its sources and sinks see it. */
export interface EndHome {
  /** The cluster that the job lives on; of one in the memory of its process, the one that the environment names. Undefined when there is none. */
  readonly cluster: ClusterAddress | undefined;
  readonly logger: Logger;
}
