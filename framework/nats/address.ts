/**
 * Where a server is and who asks: turns what the user gave into what the client takes, and into what may be printed.
 *
 * D1. Nothing secret is ever part of {@link Address.printable}: user and password are taken out of the URLs first.
 */
import { promises as files } from "node:fs";
import {
  type Authenticator,
  credsAuthenticator,
  type TlsOptions,
  tokenAuthenticator,
  usernamePasswordAuthenticator,
} from "@nats-io/nats-core";
import { messageOf, StreamError } from "../errors.ts";

/** Files and choices for TLS. */
export interface NatsTls {
  readonly caFile?: string | undefined;
  readonly certFile?: string | undefined;
  readonly keyFile?: string | undefined;
  /** TLS before the server has said a word, as the server must be configured for. @default false */
  readonly handshakeFirst?: boolean | undefined;
}

/** How to reach a server. */
export interface AddressInput {
  /** `nats://[user:password@ | token@]host[:port]`, or `tls://…`, or `host:port`; several, separated by commas or in a list. */
  readonly servers: string | readonly string[];
  /** Path of a credentials file (`.creds`). @default none */
  readonly credentials?: string | undefined;
  /** @default TLS when the server or the URL asks for it, with the system's authorities */
  readonly tls?: NatsTls | undefined;
}

/** What the client takes. */
export interface Address {
  /** `host:port`, without anything secret. */
  readonly servers: readonly string[];
  readonly printable: string;
  readonly authenticator: Authenticator | undefined;
  readonly tls: TlsOptions | undefined;
}

/** @throws OPTION_INVALID for an address that is none; PATH_UNUSABLE for a credentials file that cannot be read */
export async function resolveAddress(input: AddressInput): Promise<Address> {
  const given = typeof input.servers === "string" ? input.servers.split(",") : input.servers;
  const urls = given.map((server) => parseServer(server.trim()));
  const [first] = urls;
  if (first === undefined) throw new StreamError("OPTION_INVALID", "no NATS server is named");
  const servers = urls.map(({ host }) => host);
  const wantsTls = input.tls !== undefined || urls.some(({ protocol }) => protocol === "tls:");
  return {
    servers,
    printable: servers.join(", "),
    authenticator: input.credentials === undefined ? fromUrl(first) : await fromFile(input.credentials),
    tls: wantsTls ? tlsOptions(input.tls ?? {}) : undefined,
  };
}

interface ServerUrl {
  readonly protocol: string;
  readonly host: string;
  readonly user: string;
  readonly password: string;
}

function parseServer(server: string): ServerUrl {
  const text = server.includes("://") ? server : `nats://${server}`;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || url.hostname === "" || !["nats:", "tls:"].includes(url.protocol)) {
    const printable = server.replace(/^.*@/, "***@");
    throw new StreamError(
      "OPTION_INVALID",
      `${JSON.stringify(printable)} is no address of a NATS server: nats://host:4222`,
    );
  }
  return {
    protocol: url.protocol,
    host: `${url.hostname}:${url.port || "4222"}`,
    user: decodeURIComponent(url.username),
    password: decodeURIComponent(url.password),
  };
}

function fromUrl({ user, password }: ServerUrl): Authenticator | undefined {
  if (user === "") return undefined;
  return password === "" ? tokenAuthenticator(user) : usernamePasswordAuthenticator(user, password);
}

async function fromFile(path: string): Promise<Authenticator> {
  try {
    return credsAuthenticator(await files.readFile(path));
  } catch (error) {
    throw new StreamError("PATH_UNUSABLE", `credentials file ${path}: ${messageOf(error)}`, { cause: error });
  }
}

function tlsOptions({ caFile, certFile, keyFile, handshakeFirst }: NatsTls): TlsOptions {
  return {
    ...(caFile !== undefined && { caFile }),
    ...(certFile !== undefined && { certFile }),
    ...(keyFile !== undefined && { keyFile }),
    ...(handshakeFirst !== undefined && { handshakeFirst }),
  };
}
