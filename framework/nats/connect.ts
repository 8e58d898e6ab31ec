/**
 * The way to a NATS server: connects, and refuses at once and in one line what cannot work.
 *
 * Owns the first contact only. Once connected, the client reconnects for ever, and nothing here is asked again.
 *
 * I1. Within 5 s there is an answer: seams, or an error that says what was found and what is needed.
 * I2. No message contains a password, a token or a key.
 */
import type { ConnectionOptions, NatsConnection, TlsOptions } from "@nats-io/nats-core";
import { connect, errors } from "@nats-io/transport-node";
import { messageOf, StreamError } from "../errors.ts";
import type { Logger } from "../platform/platform.ts";
import { type Address, type AddressInput, resolveAddress } from "./address.ts";
import { connectForFrames } from "./frame-connection.ts";
import { afterMs, apiPrefixOfServer, Link } from "./link.ts";
import { NatsSeams } from "./nats-seams.ts";
import { reportOutages } from "./outage-report.ts";
import { expiryOf } from "./tls-files.ts";
import { describeVersion, isAtLeast, parseVersion, versionNeeded, versionRecommended } from "./version.ts";

/** How to connect. */
export interface NatsOptions extends AddressInput {
  /** Servers that keep a copy of each stream: 1, 3 or 5. @default 1 for streams that are created; those that are there may have any number */
  readonly replicas?: number | undefined;
  /** Name of the connections, as the server lists them. @default "tidemark" */
  readonly name?: string | undefined;
  /** @default nothing is said */
  readonly logger?: Logger | undefined;
}

/** Time within which there is an answer. */
const connectMsMax = 4_500;

const dialMsMax = 3_000;

/** The largest message there is (the result of a call that takes as much as it may), and what stands beside it. */
const payloadNeeded = 600_000;

const quiet: Logger = { log: () => {}, child: () => quiet };

/**
 * Connects to a server and checks that jobs can live on it. A server without JetStream (in a cluster one may be, since its disk was full) is passed over while another
 * one is named.
 *
 * @throws SERVER_UNREACHABLE when nothing answers like a NATS server; SERVER_UNSUITABLE when it is too old, or none has JetStream; SERVER_REFUSED when it
 * does not take the credentials; OPTION_INVALID, PATH_UNUSABLE
 *
 * @example
 * const seams = await connectNats({ servers: "nats://127.0.0.1:4222" });
 */
export async function connectNats(options: NatsOptions): Promise<NatsSeams> {
  const replicas = checkReplicas(options.replicas);
  const logger = options.logger ?? quiet;
  return passingOver(await resolveAddress(options), async (address, isWithout) => {
    const data = await openSuitable(connectForFrames, address, options, "data", (found) => {
      checkServer(found, address, logger, isWithout);
      checkPayload(found, address);
    });
    try {
      const control = await openSuitable(connect, address, options, "control", (found) =>
        checkJetStream(found, address, isWithout),
      );
      const controlLink = new Link(control, address);
      const seams = new NatsSeams(new Link(data, address), controlLink, replicas, logger);
      await checkAccount(seams, address, () => isWithout(control));
      reportOutages(controlLink, logger, address.printable, () => tryToConnect(options));
      return seams;
    } catch (error) {
      await data.close();
      throw error;
    }
  });
}

/** Told of a connection to a server that has no JetStream. */
type IsWithout = (connection: NatsConnection) => void;

/** What `attempt` answers: called again, with the servers that have no JetStream last, while it finds another one of those. */
async function passingOver<T>(
  address: Address,
  attempt: (address: Address, isWithout: IsWithout) => Promise<T>,
): Promise<T> {
  const without = new Set<string>();
  for (;;) {
    const { size } = without;
    const servers = address.servers.toSorted((a, b) => Number(without.has(a)) - Number(without.has(b)));
    try {
      return await attempt({ ...address, servers, isOrdered: size > 0 }, (found) => without.add(found.getServer()));
    } catch (error) {
      if (without.size === size || servers.every((server) => without.has(server))) throw error;
    }
  }
}

/** Makes a connection like the others, and lets go of it. @throws as {@link connectNats} */
async function tryToConnect(options: NatsOptions): Promise<void> {
  const connection = await open(connect, await resolveAddress(options), options, "trial");
  await connection.close();
}

/**
 * One connection to a server with JetStream, for who reads and writes streams that are no job's own.
 *
 * @throws as {@link connectNats}
 */
export async function connectLink(options: NatsOptions): Promise<Link> {
  return passingOver(await resolveAddress(options), async (address, isWithout) => {
    const connection = await openSuitable(connect, address, options, "ends", (found) =>
      checkServer(found, address, options.logger ?? quiet, isWithout),
    );
    return new Link(connection, address);
  });
}

/** @throws OPTION_INVALID */
export function checkReplicas(replicas: number | undefined, what = "replicas"): number | undefined {
  if (replicas === undefined || [1, 3, 5].includes(replicas)) return replicas;
  throw new StreamError("OPTION_INVALID", `${what} is ${replicas}; a stream has 1, 3 or 5 copies`);
}

type Connect = (options: ConnectionOptions) => Promise<NatsConnection>;

async function open(via: Connect, address: Address, options: NatsOptions, use: string): Promise<NatsConnection> {
  const connecting = via(clientOptions(address, options, use));
  const late = afterMs(connectMsMax).then(() => "late" as const);
  try {
    const first = await Promise.race([connecting, late]);
    if (first !== "late") return first;
  } catch (error) {
    throw connectError(error, address);
  }
  void connecting.then((connection) => connection.close()).catch(() => {});
  throw unreachable(address, "no answer like that of a NATS server");
}

/** A connection that `check` does not refuse. */
async function openSuitable(
  via: Connect,
  address: Address,
  options: NatsOptions,
  use: string,
  check: (connection: NatsConnection) => void,
): Promise<NatsConnection> {
  const connection = await open(via, address, options, use);
  try {
    check(connection);
    return connection;
  } catch (error) {
    await connection.close();
    throw error;
  }
}

function clientOptions(address: Address, options: NatsOptions, use: string): ConnectionOptions {
  const { authenticator, tls, inboxPrefix } = address;
  return {
    servers: [...address.servers],
    noRandomize: address.isOrdered === true,
    name: `${options.name ?? "tidemark"} ${use}`,
    timeout: dialMsMax,
    reconnectTimeWait: 50,
    reconnectJitter: 50,
    reconnectJitterTLS: 50,
    maxReconnectAttempts: -1,
    ignoreAuthErrorAbort: true,
    pingInterval: 10_000,
    maxPingOut: 2,
    noAsyncTraces: true,
    ...(inboxPrefix !== undefined && { inboxPrefix }),
    ...(authenticator !== undefined && { authenticator }),
    ...(tls !== undefined && { tls }),
  };
}

function connectError(error: unknown, address: Address): StreamError {
  const causes = chainOf(error);
  const isRefused = causes.some(
    (cause) => cause instanceof errors.AuthorizationError || cause instanceof errors.UserAuthenticationExpiredError,
  );
  if (isRefused) {
    return new StreamError(
      "SERVER_REFUSED",
      `the NATS server at ${address.printable} refuses the credentials: give user and password in the URL, or a credentials file`,
    );
  }
  const tlsReason = causes.map(messageOf).find((message) => /certificate|'tls'|tls_|SSL|EPROTO/.test(message));
  if (tlsReason !== undefined) {
    return new StreamError("SERVER_UNSUITABLE", `the NATS server at ${address.printable} and TLS: ${tlsReason}`);
  }
  return unreachable(address, describeFailure(error));
}

/** Over TLS 1.3 a server says that it misses a certificate, or refuses one, by hanging up. */
function certificateHint({ certFile }: TlsOptions): string {
  if (certFile === undefined) return "; over TLS it may ask for a client certificate, and none is given";
  const expired = expiryOf(certFile);
  return expired === undefined ? "" : `; the client certificate ${certFile} has expired (it was valid to ${expired})`;
}

function describeFailure(error: unknown): string {
  if (error instanceof errors.TimeoutError) return "no answer like that of a NATS server";
  const message = messageOf(error);
  return message === "" || message === "undefined" ? "the connection was closed" : message;
}

function unreachable(address: Address, reason: string): StreamError {
  const hint = address.tls === undefined ? "" : certificateHint(address.tls);
  return new StreamError(
    "SERVER_UNREACHABLE",
    `no NATS server answers at ${address.printable} (${reason}${hint}): start one (nats-server -c nats.conf) or name another`,
  );
}

function checkServer(connection: NatsConnection, address: Address, logger: Logger, isWithout: IsWithout): void {
  const found = connection.info?.version ?? "unknown";
  const version = parseVersion(found);
  const needed = `${describeVersion(versionNeeded)} or newer is needed, ${describeVersion(versionRecommended)} or newer recommended`;
  if (!isAtLeast(version, versionNeeded)) {
    throw new StreamError(
      "SERVER_UNSUITABLE",
      `the NATS server at ${address.printable} is version ${found}: ${needed}`,
    );
  }
  checkJetStream(connection, address, isWithout);
  if (!isAtLeast(version, versionRecommended)) logger.log("warn", `nats-server ${found}: ${needed}`);
}

/** @throws SERVER_UNSUITABLE */
function checkJetStream(connection: NatsConnection, address: Address, isWithout: IsWithout): void {
  const isElsewhere = address.apiPrefix !== apiPrefixOfServer;
  if (isElsewhere || connection.info?.jetstream === true) return;
  isWithout(connection);
  throw withoutJetStream(address);
}

/** @throws SERVER_UNSUITABLE */
function checkPayload(connection: NatsConnection, address: Address): void {
  const payloadMax = connection.info?.max_payload ?? 0;
  if (payloadMax < payloadNeeded)
    throw new StreamError(
      "SERVER_UNSUITABLE",
      `the NATS server at ${address.printable} takes messages of ${payloadMax} bytes (max_payload); ${payloadNeeded} are needed: a frame or a chunk has up to 262144, the result of a call up to 524288`,
    );
}

/** A server may have JetStream and the account not. */
async function checkAccount(seams: NatsSeams, address: Address, isWithout: () => void): Promise<void> {
  try {
    await seams.capacity();
  } catch (error) {
    await seams.close();
    const isElsewhere = address.apiPrefix !== apiPrefixOfServer;
    if (isElsewhere && StreamError.is(error, "UNAVAILABLE")) throw withoutJetStream(address, error);
    if (!StreamError.is(error, "SERVER_UNSUITABLE")) throw error;
    isWithout();
    throw withoutJetStream(address, error);
  }
}

function withoutJetStream({ printable, apiPrefix }: Address, cause?: unknown): StreamError {
  const what =
    apiPrefix === apiPrefixOfServer
      ? "has no JetStream for this account: start it with a jetstream block (nats-server -c nats.conf)"
      : `reaches no JetStream as ${apiPrefix}: check the domain or API prefix (--js-domain, --js-api-prefix), and that its server or account is connected`;
  return new StreamError("SERVER_UNSUITABLE", `the NATS server at ${printable} ${what}`, { cause });
}

function chainOf(error: unknown): readonly unknown[] {
  const chain: unknown[] = [];
  for (let cause = error; cause !== undefined && chain.length < 5;) {
    chain.push(cause);
    cause = cause instanceof Error ? cause.cause : undefined;
  }
  return chain;
}
