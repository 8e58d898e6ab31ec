/**
 * Which cluster a source or sink on JetStream speaks to.
 *
 * Owns the order: what the program names, else the cluster of the job (or of its environment). Connections are shared (`nats/shared-link.ts`).
 */
import { StreamError } from "../errors.ts";
import type { ClusterAddress, ClusterTls, EndHome } from "../log/ends.ts";
import { type SharedLink, shareLink } from "../nats/shared-link.ts";

/** Where a stream is, when that is not the cluster of the job itself. */
export interface JetStreamEnd {
  /**
   * `nats://host:4222`, several separated by commas or in a list. With them (or a context), nothing of the job's own connection is used; without, what
   * else is said here takes the place of the job's own.
   * @default the cluster that the job lives on; for a job in the memory of its process, what the environment says (`TIDEMARK_NATS`)
   */
  readonly servers?: string | readonly string[] | undefined;
  /** A context of the command `nats`, instead of `servers` or besides them. @default none */
  readonly context?: string | undefined;
  /** Path of a credentials file (`.creds`). @default what the URL or the context says */
  readonly credentials?: string | undefined;
  /** Files for TLS. @default TLS when the server or the URL asks for it */
  readonly tls?: ClusterTls | undefined;
  /** Beginning of the subjects for answers, where permissions give each user its own. @default "_INBOX" */
  readonly inboxPrefix?: string | undefined;
  /** JetStream domain that the stream is in. @default the one of the server */
  readonly domain?: string | undefined;
  /** Beginning of the subjects of the JetStream API, where an account imports it; instead of `domain`. @default "$JS.API" */
  readonly apiPrefix?: string | undefined;
}

/** The options of {@link JetStreamEnd}, by name. */
export const endOptions = ["servers", "context", "credentials", "tls", "inboxPrefix", "domain", "apiPrefix"] as const;

/** The cluster of an end. @throws OPTION_INVALID when none is known */
export function clusterOf(what: string, end: JetStreamEnd, { cluster }: EndHome): ClusterAddress {
  const own = Object.fromEntries(
    endOptions.filter((name) => end[name] !== undefined).map((name) => [name, end[name]]),
  ) as ClusterAddress;
  if (own.servers !== undefined || own.context !== undefined) return own;
  if (cluster !== undefined) return withSaid(cluster, own);
  throw new StreamError(
    "OPTION_INVALID",
    `${what}: the job runs in the memory of this process and no NATS server is named: give \`servers\`, set TIDEMARK_NATS, or run the job on a cluster (--nats)`,
  );
}

/** A domain is an API prefix: one that is said takes the place of the other, too. */
function withSaid(cluster: ClusterAddress, own: ClusterAddress): ClusterAddress {
  const saysApi = own.domain !== undefined || own.apiPrefix !== undefined;
  return { ...cluster, ...(saysApi && { domain: undefined, apiPrefix: undefined }), ...own };
}

/** A connection to the cluster of an end, for as long as `use` takes. @throws what connecting and `use` throw */
export async function withLink<T>(
  what: string,
  end: JetStreamEnd,
  home: EndHome,
  use: (link: SharedLink) => Promise<T>,
): Promise<T> {
  const shared = await shareLink(clusterOf(what, end, home), home.logger);
  try {
    return await use(shared);
  } finally {
    await shared.release();
  }
}

/** Whether an error says that a server is away for a while, which is waited out. */
export function isAway(error: unknown): error is StreamError {
  return StreamError.is(error) && (error.isRetryable || error.code === "SERVER_UNREACHABLE");
}
