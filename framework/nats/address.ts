/**
 * Where a server is and who asks: turns what the user gave into what the client takes, and into what may be printed.
 *
 * D1. Nothing secret is ever part of {@link Address.printable} or of a message: user and password are taken out of the URLs first.
 * D2. What is said directly beats what a context says, field by field.
 */
import type { Authenticator, TlsOptions } from "@nats-io/nats-core";
import { StreamError } from "../errors.ts";
import type { ClusterAddress } from "../log/ends.ts";
import { authenticatorOf } from "./authentication.ts";
import { type NatsContext, readContext } from "./context.ts";
import { apiPrefixOfServer } from "./link.ts";
import { type NatsTls, readTls } from "./tls-files.ts";

/** How to reach a server. */
export type AddressInput = ClusterAddress;

/** What the client takes. */
export interface Address {
  /** `host:port`, without anything secret. */
  readonly servers: readonly string[];
  /** They are tried in this order. @default in any */
  readonly isOrdered?: boolean | undefined;
  readonly printable: string;
  readonly authenticator: Authenticator | undefined;
  readonly tls: TlsOptions | undefined;
  readonly inboxPrefix: string | undefined;
  /** Beginning of the subjects of the JetStream API: `$JS.API`, or where a domain or another account has it. */
  readonly apiPrefix: string;
}

/** @throws OPTION_INVALID for what makes no sense; PATH_UNUSABLE for a file that cannot be read */
export async function resolveAddress(input: AddressInput): Promise<Address> {
  const context = input.context === undefined ? undefined : await readContext(input.context);
  const urls = serversIn(input.servers ?? context?.servers ?? "");
  const [first] = urls;
  if (first === undefined) throw new StreamError("OPTION_INVALID", "no NATS server is named: nats://host:4222");
  const servers = urls.map(({ host }) => host);
  const apiPrefix = apiPrefixOf(input, context);
  const tls = mergedTls(context?.tls, input.tls);
  const wantsTls = tls !== undefined || urls.some(({ protocol }) => protocol === "tls:");
  return {
    servers,
    printable: servers.join(", "),
    authenticator: await authenticatorOf(input.credentials, first, context),
    tls: wantsTls ? await readTls(tls ?? {}) : undefined,
    inboxPrefix: input.inboxPrefix ?? context?.inboxPrefix,
    apiPrefix,
  };
}

/** The servers as they may be printed: without what stands before an `@`. */
export function printableServers(servers: string | readonly string[]): string {
  return [servers]
    .flat()
    .join(",")
    .replaceAll(/[^,\s/]*@/g, "");
}

function mergedTls(below: NatsTls | undefined, above: NatsTls | undefined): NatsTls | undefined {
  if (below === undefined || above === undefined) return above ?? below;
  const said = Object.entries(above).filter(([, value]) => value !== undefined);
  return { ...below, ...Object.fromEntries(said) };
}

interface ServerUrl {
  readonly protocol: string;
  readonly host: string;
  readonly user: string;
  readonly password: string;
}

function serversIn(servers: string | readonly string[]): readonly ServerUrl[] {
  const given = typeof servers === "string" ? servers.split(",") : servers;
  return given.filter((server) => server.trim() !== "").map((server) => parseServer(server.trim()));
}

function parseServer(server: string): ServerUrl {
  const text = server.includes("://") ? server : `nats://${server}`;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const user = decoded(url?.username);
  const password = decoded(url?.password);
  const isAddress = url !== undefined && url.hostname !== "" && ["nats:", "tls:"].includes(url.protocol);
  if (!isAddress || user === undefined || password === undefined) {
    const printable = server.replace(/^.*@/, "***@");
    throw new StreamError(
      "OPTION_INVALID",
      `${JSON.stringify(printable)} is no address of a NATS server: nats://host:4222`,
    );
  }
  return { protocol: url.protocol, host: `${url.hostname}:${url.port || "4222"}`, user, password };
}

/** Undefined for an escape that is none. */
function decoded(text = ""): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

const prefixPattern = /^[^\s.*>]+(\.[^\s.*>]+)*$/;

/** Where the JetStream API is: what is said directly beats the context as a whole, as a domain is a prefix (D2). */
function apiPrefixOf(input: AddressInput, context: NatsContext | undefined): string {
  const said = input.domain === undefined && input.apiPrefix === undefined ? (context ?? {}) : input;
  const { domain, apiPrefix } = said as Pick<AddressInput, "domain" | "apiPrefix">;
  if (domain !== undefined && apiPrefix !== undefined)
    throw new StreamError(
      "OPTION_INVALID",
      `a JetStream domain (${domain}) and an API prefix (${apiPrefix}) are given: the domain stands for the prefix $JS.${domain}.API; say one of them`,
    );
  if (domain !== undefined && (domain.includes(".") || !prefixPattern.test(domain)))
    throw new StreamError("OPTION_INVALID", `${JSON.stringify(domain)} is no JetStream domain: one word without dots`);
  if (apiPrefix !== undefined && !prefixPattern.test(apiPrefix))
    throw new StreamError(
      "OPTION_INVALID",
      `${JSON.stringify(apiPrefix)} is no prefix of the JetStream API: a subject without wildcards, like JS.tenant.API`,
    );
  return domain === undefined ? (apiPrefix ?? apiPrefixOfServer) : `$JS.${domain}.API`;
}
